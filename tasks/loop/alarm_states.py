"""Where the alarms of a group stand: told anew from the rows in the order of their time, in whatever order files came.

    portions      ──A──  ──B──      ──D──
                                ──C──                    comes late
    states             A     AB         ABD ──> ABCD     gone on with from AB, over the rows of D and C

A state is kept under the time until when it goes and under the portions that it covers. One that does not cover exactly
those that are there counts for nothing: the manifest of a late portion turns the page from one state to the next.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from gauntlet.tasks.claims import Check
from gauntlet.tasks.loop.champion import Champion
from gauntlet.tasks.loop.contract import Follower, Manifest, Memory, Rule
from gauntlet.tasks.loop.portions import LATE, SCORE, SECONDS, SOURCE, manifests, unaltered
from gauntlet.tasks.loop.store import document, keys, put_document
from gauntlet.tasks.runtime.connection import Connection

BEGINNING = -np.inf


@dataclass(frozen=True, eq=False)
class State:
    """`memory`: after all rows until `until_s` [s since 1970] of the portions that it covers."""

    until_s: float
    memory: Memory


@dataclass(frozen=True, eq=False)
class Followed:
    """Rows gone through: `alarms`, whether one stood after each row, by portion, of those after `since_s`; the last `state`."""

    since_s: float
    alarms: dict[str, np.ndarray]
    state: State


def fed(portions: Iterable[Manifest], group: str) -> list[Manifest]:
    """The portions of a group that alarms go by, oldest first."""
    own = [one for one in portions if one.group == group and one.last_s is not None]
    return sorted(own, key=lambda one: (one.last_s or 0.0, one.sha256))


def state_before(connection: Connection, gauntlet: str, group: str, own: Sequence[Manifest], before_s: float) -> State:
    """The newest state that goes until a moment before this and covers what is there (`own`, of `fed`); else the beginning."""
    prefix = _folder(gauntlet, group)
    there = {key for key, _ in keys(connection, prefix)}
    moments = sorted({one.last_s for one in own if one.last_s is not None and one.last_s < before_s}, reverse=True)
    for until_s in moments:
        key = _key(gauntlet, group, own, until_s)
        memory = document(connection, key) if key in there else None
        if memory is not None:
            return State(until_s, memory)
    return State(BEGINNING, {})


def follow(
    before: State, parts: Sequence[tuple[str, pd.DataFrame, Rule | dict[str, Rule]]], follower: Follower
) -> Followed:
    """From a state on through the rows after it of all portions (id, rows as kept, rules), in the order of their time."""
    frames = [
        pd.DataFrame({SOURCE: rows[SOURCE], SECONDS: rows[SECONDS], SCORE: rows[SCORE]}).assign(
            part=i, place=range(len(rows))
        )[((~rows[LATE].to_numpy(bool)) & (rows[SECONDS].to_numpy() > before.until_s))]
        for i, (_, rows, _) in enumerate(parts)
    ]
    alarms = {name: np.zeros(len(rows), bool) for name, rows, _ in parts}
    memory, until_s = before.memory, before.until_s
    if frames:
        line = pd.concat(frames).sort_values([SECONDS, SOURCE, "part"], kind="stable")
        rules: list[Any] = [one for _, _, one in parts]
        kinds = np.array([rules.index(one) for one in rules])[line["part"].to_numpy(np.int64)]
        edges = np.flatnonzero(np.diff(kinds, prepend=-1, append=-1))
        for start, end in pairwise(edges.tolist()):
            some = line.iloc[start:end]
            columns = (some[SOURCE].to_numpy(), some[SECONDS].to_numpy(np.float64), some[SCORE].to_numpy(np.float64))
            stood, memory = follower.advance(memory, *columns, rules[kinds[start]])
            for part in some["part"].unique():
                here = (some["part"] == part).to_numpy()
                alarms[parts[part][0]][some["place"].to_numpy()[here]] = stood[here]
        until_s = float(line[SECONDS].max()) if len(line) else until_s
    return Followed(before.until_s, alarms, State(until_s, memory))


def current(champion: Champion, connection: Connection, group: str) -> Memory:
    """Where the alarms of a group stand now. What S3 lost of it, or whose worker was killed, is gone through again."""
    assert champion.adapter.follow is not None
    own = fed(manifests(connection, champion.gauntlet), group)
    state = state_before(connection, champion.gauntlet, group, own, np.inf)
    later = [one for one in own if (one.last_s or 0.0) > state.until_s]
    if not later:
        return state.memory
    parts = [(one.sha256, rows, dict(one.rules)) for one, rows in unaltered(connection, later, whole=True)]
    return follow(state, parts, champion.adapter.follow(champion, connection)).state.memory


def keep(
    connection: Connection, gauntlet: str, group: str, own: Sequence[Manifest], state: State, check: Check
) -> None:
    """The state after all rows of these portions. Raises `StaleClaim` as `check` does."""
    put_document(connection, _key(gauntlet, group, own, state.until_s), state.memory, check)


def _folder(gauntlet: str, group: str) -> str:
    return f"memories/{gauntlet}/{group}/"


def _key(gauntlet: str, group: str, own: Sequence[Manifest], until_s: float) -> str:
    """Sorts as the time does, for all times after 1970."""
    return f"{_folder(gauntlet, group)}{max(0.0, until_s):016.3f}-{_covered(own, until_s)}.json"


def _covered(own: Sequence[Manifest], until_s: float) -> str:
    parts = sorted(
        f"{one.sha256} {one.model} {one.version} {one.rows} {one.late}"
        for one in own
        if one.first_s is not None and one.first_s <= until_s
    )
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
