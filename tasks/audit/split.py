"""What train, test and tuning rows share that they must not: rows, sessions, moments."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from gauntlet.tasks.audit.duplicates import frames, near_copies, same_ids, same_values
from gauntlet.tasks.audit.findings import Finding
from gauntlet.tasks.audit.protocol import Part, Protocol, numbers

SAME_PART = 0.9
FEWEST_ROWS = 20
FEWEST_COPIES = 10
SHARE_OF_COPIES = 0.01
SHARE_OF_NEAR_COPIES = 0.05
# A random split puts most neighbours on different sides; half of that is more than a split into blocks of five does.
SHARE_OF_RANDOM = 0.5
AUTOCORRELATION = 0.3


def trained_is_scored(protocol: Protocol) -> Iterator[Finding]:
    """A finding when nine in ten test rows, or more, are training rows."""
    if (shared := _shared(protocol.test, protocol.train)) is not None and shared.mean() >= SAME_PART:
        detail = f"{shared.sum():,} of {len(shared):,} scored rows are training rows"
        yield Finding("trained_is_scored", "", detail)


def tuned_on_test(protocol: Protocol) -> Iterator[Finding]:
    """A finding when a row on which something was chosen is a test row."""
    test, tuning = protocol.test, protocol.tuning
    if test is None or tuning is None:
        return
    shared = same_ids(test, tuning)
    if shared is None and (copies := same_values(test, tuning)) is not None and _are_many(copies):
        shared = copies
    if shared is None and test.times is not None and tuning.times is not None and test.groups is None:
        shared = np.isin(numbers(test.times), numbers(tuning.times))
    if shared is not None and shared.any():
        yield Finding("tuned_on_test", "", f"choices were made on {shared.sum():,} of {len(shared):,} test rows")


def split_overlap(protocol: Protocol) -> Iterator[Finding]:
    """At most one finding: the first of the ways in which a split can leak, the plainest first."""
    train, test = protocol.train, protocol.test
    if train is None or test is None or not len(train) or not len(test):
        return
    for column, way in WAYS:
        if detail := way(protocol, train, test):
            yield Finding("split_overlap", column, detail)
            return


def _shared(one: Part | None, other: Part | None) -> np.ndarray | None:
    if one is None or other is None or not len(one) or not len(other):
        return None
    by_id = same_ids(one, other)
    return same_values(one, other) if by_id is None else by_id


def _are_many(copies: np.ndarray) -> bool:
    return bool(copies.sum() >= FEWEST_COPIES and copies.mean() >= SHARE_OF_COPIES)


def _rows(_: Protocol, train: Part, test: Part) -> str:
    shared = same_ids(test, train)
    if shared is None or not shared.any():
        return ""
    return f"{shared.sum():,} of {len(shared):,} test rows are also training rows"


def _groups(_: Protocol, train: Part, test: Part) -> str:
    if train.groups is None or test.groups is None:
        return ""
    ours = np.asarray(test.groups)
    both = np.isin(ours, np.asarray(train.groups))
    names = sorted(map(str, np.unique(ours[both])))
    shown = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
    if not names:
        return ""
    groups = f"{len(names):,} of {len(np.unique(ours)):,} test groups"
    return f"{groups} are in training too ({shown}), {both.sum():,} test rows"


def _purged(protocol: Protocol, train: Part, test: Part) -> str:
    if protocol.purge is None or train.times is None or test.times is None:
        return ""
    gap = float(numbers([protocol.purge])[0])
    theirs, ours = np.sort(numbers(train.times)), numbers(test.times)
    place = np.searchsorted(theirs, ours)
    before, after = theirs[np.maximum(place - 1, 0)], theirs[np.minimum(place, len(theirs) - 1)]
    close = np.minimum(np.abs(ours - before), np.abs(after - ours)) < gap
    if not close.any():
        return ""
    return f"{close.sum():,} of {len(ours):,} test rows are within {protocol.purge} of a training row"


def _forward(protocol: Protocol, train: Part, test: Part) -> str:
    if not protocol.forward or train.times is None or test.times is None:
        return ""
    late = numbers(train.times) >= numbers(test.times).min()
    return f"{late.sum():,} of {len(late):,} training rows are not before the first test row" if late.any() else ""


def _neighbours(_: Protocol, train: Part, test: Part) -> str:
    """Rows of one series dealt out at random: a test row's neighbour in time, which resembles it, is a training row.

    Groups that are kept apart (checked before) may run at the same time, so theirs are no neighbours.
    """
    if train.times is None or test.times is None or train.groups is not None or len(test) < FEWEST_ROWS:
        return ""
    times = np.concatenate([numbers(train.times), numbers(test.times)])
    order = np.argsort(times, kind="stable")
    ours = (np.arange(len(times)) >= len(train))[order]
    train_before, train_after = np.r_[False, ~ours[:-1]], np.r_[~ours[1:], False]
    beside = ours & (train_before | train_after)
    share, by_chance = beside.sum() / ours.sum(), 1 - ours.mean() ** 2
    if share < SHARE_OF_RANDOM * by_chance:
        return ""
    alike = _resemblance(train, test, order)
    if alike is not None and alike < max(AUTOCORRELATION, 4 / np.sqrt(len(times))):
        return ""
    said = f", neighbours correlate up to {alike:.2f}" if alike is not None else ""
    return f"{beside.sum():,} of {len(test):,} test rows have a training row next to them in time{said}"


def _resemblance(train: Part, test: Part, order: np.ndarray) -> float | None:
    """The largest correlation of a feature with itself one row later; None without features."""
    if train.features is None or test.features is None:
        return None
    rows = np.concatenate(frames(train, test))[order]
    rows = rows[:, np.isfinite(rows).all(0) & (rows.std(0) > 0)]
    rows = (rows - rows.mean(0)) / rows.std(0)
    return float((rows[1:] * rows[:-1]).mean(0).max(initial=0.0))


def _copies(_: Protocol, train: Part, test: Part) -> str:
    copies = same_values(test, train)
    if copies is not None and _are_many(copies):
        return f"{copies.sum():,} of {len(copies):,} test rows equal a training row in every value"
    near = near_copies(test, train)
    if near is not None and near[0] >= FEWEST_COPIES and near[0] >= SHARE_OF_NEAR_COPIES * near[1]:
        return f"{near[0]:,} of {near[1]:,} test rows looked at are copies of a training row but for a little noise"
    return ""


WAYS: tuple[tuple[str, Callable[[Protocol, Part, Part], str]], ...] = (
    ("rows", _rows),
    ("groups", _groups),
    ("times", _purged),
    ("times", _forward),
    ("times", _neighbours),
    ("values", _copies),
)
