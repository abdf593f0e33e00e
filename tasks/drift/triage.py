"""Between drift and retraining: what happened, and what is to be done. Retraining on whatever drifted blinds the monitor.

    verdict            evidence                                             action
    data_fault         schema, missing values, gaps, feed stopped           fix the feed; nothing is trained
    sensor_fault       stuck, unit jump, one channel against neighbours     quarantine the channel
    degradation        the champion's own sustained alarm, a week after     alarm; nothing is trained
    operating_change   a drift that stays, a maintenance event              re-baseline: retrain
    none               none of it                                           none

The first that holds, from above, is the verdict; what else holds is in the evidence, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from gauntlet.tasks.alarms.rule import WEEK_S, AlarmRule, alarms
from gauntlet.tasks.drift.faults import Fault
from gauntlet.tasks.drift.history import Persistence, in_words, sustained
from gauntlet.tasks.drift.report import DriftReport

Kind = Literal["data_fault", "sensor_fault", "degradation", "operating_change", "none"]
QUIET_S = WEEK_S

ACTIONS: dict[Kind, str] = {
    "data_fault": "Fix the feed. Nothing is trained.",
    "sensor_fault": "Quarantine the channel; look at the sensor and at what it sits on. Nothing is trained.",
    "degradation": "Look at the machine. Nothing is trained while the alarm lasts, nor within a week after.",
    "operating_change": "Re-baseline: retrain on rows since the change, the healthy reference kept.",
    "none": "Nothing to do.",
}


@dataclass(frozen=True)
class AlarmSpan:
    """An alarm of the champion, in seconds: from the first row of the excess, `cleared_s` None while it stands.

    `machine`: whose, "" where there is only one.
    """

    onset_s: float
    raised_s: float
    cleared_s: float | None = None
    machine: str = ""


@dataclass(frozen=True)
class Maintenance:
    """A work order that was closed: `what` was done, when, and to which machine; "" stands for all of them."""

    at_s: float
    what: str
    machine: str = ""


@dataclass(frozen=True, eq=False)
class Evidence:
    """All that is known when a window is judged; times are seconds on one clock.

    `drift`: None where the window could not be compared. `drifted_before`: verdicts on earlier windows of the same
    model version, oldest first. `alarms`: of the champion, by machine or channel. `retrained_s`: when the champion was
    fitted; a maintenance event before that is dealt with. `neighbours`: groups of features that a change of operation
    moves together (the same feature of all bearings on a shaft).
    """

    now_s: float
    drift: DriftReport | None
    drifted_before: Sequence[bool] = ()
    persistence: Persistence = field(default_factory=Persistence)
    data_faults: Sequence[Fault] = ()
    sensor_faults: Sequence[Fault] = ()
    alarms: Sequence[AlarmSpan] = ()
    maintenance: Maintenance | None = None
    retrained_s: float | None = None
    neighbours: Sequence[Sequence[str]] = ()


@dataclass(frozen=True)
class Verdict:
    """What happened. `drifted`: the drift stays (N of M and the latest). `features`: that moved or are at fault.

    `may_retrain`: whether a retraining may start from this; `evidence`: sentences, the deciding one first.
    """

    kind: Kind
    action: str
    evidence: tuple[str, ...]
    features: tuple[str, ...]
    drifted: bool
    may_retrain: bool


def alarm_spans(
    score: np.ndarray,
    seconds: np.ndarray,
    rule: AlarmRule,
    interval_s: float,
    start: int,
    fitted: int = 0,
    maintenance: Maintenance | None = None,
) -> tuple[AlarmSpan, ...]:
    """The champion's alarms over a machine's scored life, (rows,) each; see `gauntlet.tasks.alarms.rule.alarms`.

    A maintenance event ends what stood before it: the rule starts anew on the rows after it.
    """
    cut = int(np.searchsorted(seconds, maintenance.at_s)) if maintenance else len(score)
    cut = max(cut, start)
    events = [(0, event) for event in alarms(score[:cut], rule, interval_s, start, fitted)]
    if cut < len(score):
        # The limit stays that of the healthy beginning, which is put before the rows after the event.
        again = alarms(np.concatenate([score[:start], score[cut:]]), rule, interval_s, start, fitted)
        events += [(cut - start, event) for event in again]
    spans = []
    for shift, event in events:
        end = seconds[event.cleared + shift] if event.cleared is not None else None
        if end is None and shift == 0 and cut < len(score) and maintenance:
            end = maintenance.at_s
        spans.append(
            AlarmSpan(
                float(seconds[event.onset + shift]),
                float(seconds[event.raised + shift]),
                None if end is None else float(end),
            )
        )
    return tuple(spans)


def triage(evidence: Evidence) -> Verdict:
    """The verdict: the first of the table's kinds that holds, with all that holds as evidence.

    A channel that merely left its neighbours is taken for a sensor's fault only where the champion is quiet: a failing
    machine, too, moves one channel first.
    """
    said = {kind: check(evidence) for kind, check in _CHECKS}
    kind: Kind = next((kind for kind, sentences in said.items() if sentences), "none")
    drifted = _drifted(evidence)
    sentences = [*said.get(kind, []), *(line for other, lines in said.items() if other != kind for line in lines)]
    if kind == "none":
        sentences = [_nothing(evidence)]
    return Verdict(
        kind=kind,
        action=ACTIONS[kind],
        evidence=tuple(dict.fromkeys(sentences)),
        features=_features(kind, evidence),
        drifted=drifted,
        may_retrain=kind == "operating_change",
    )


def _data(evidence: Evidence) -> list[str]:
    return [str(fault) for fault in evidence.data_faults]


def _sensor(evidence: Evidence) -> list[str]:
    quiet = not _degradation(evidence)
    lines = [str(fault) for fault in evidence.sensor_faults if fault.kind != "neighbours" or quiet]
    if quiet and (alone := _alone(evidence)):
        others = "their neighbours" if len(alone) > 1 else "its neighbours"
        lines.append(f"{', '.join(map(repr, alone))} moved and {others} did not: a change of operation moves them all.")
    return lines


def _alone(evidence: Evidence) -> tuple[str, ...]:
    """The features of a lasting drift, where all of them are a minority of their neighbours, and nobody mended anything.

    A fault that the champion does not hear yet looks like this; learnt from, it would never be heard.
    """
    moved = set(evidence.drift.moved) if evidence.drift is not None and _drifted(evidence) else set()
    groups = [set(group) for group in evidence.neighbours]
    grouped = set().union(*groups)
    minority = all(2 * len(moved & group) <= len(group) for group in groups)
    if not moved or not moved <= grouped or not minority or _maintained(evidence):
        return ()
    return tuple(name for name in evidence.drift.moved if name in moved) if evidence.drift is not None else ()


def _degradation(evidence: Evidence) -> list[str]:
    lines = []
    for span in evidence.alarms:
        if _mended(span, evidence.maintenance):
            continue
        since = (evidence.now_s - span.raised_s) / 3600
        whose = f" of {span.machine}" if span.machine else ""
        if span.cleared_s is None or span.cleared_s > evidence.now_s:
            lines.append(f"The champion's alarm{whose} stands, raised {since:.1f} h ago.")
        elif evidence.now_s - span.cleared_s < QUIET_S:
            left = (QUIET_S - (evidence.now_s - span.cleared_s)) / 86400
            lines.append(
                f"The champion's alarm{whose} cleared less than a week ago; {left:.1f} days of quiet are left."
            )
    return lines


def _mended(span: AlarmSpan, maintenance: Maintenance | None) -> bool:
    """Somebody closed a work order after the alarm was raised, and no alarm was raised since: that is its end."""
    return maintenance is not None and span.raised_s <= maintenance.at_s and maintenance.machine in ("", span.machine)


def _maintained(evidence: Evidence) -> Maintenance | None:
    """A maintenance event that no retraining has dealt with yet."""
    event, fitted = evidence.maintenance, evidence.retrained_s
    if event is None or event.at_s > evidence.now_s or (fitted is not None and event.at_s <= fitted):
        return None
    return event


def _change(evidence: Evidence) -> list[str]:
    lines = []
    event = _maintained(evidence)
    if event is not None:
        lines.append(f"Maintenance {(evidence.now_s - event.at_s) / 3600:.1f} h ago: {event.what}.")
    if _drifted(evidence) and evidence.drift is not None:
        lines.append(_drift_in_words(evidence.drift))
        lines.append(f"It stays: {in_words(_windows(evidence), evidence.persistence)}.")
    return lines


_CHECKS: tuple[tuple[Kind, Callable[[Evidence], list[str]]], ...] = (
    ("data_fault", _data),
    ("sensor_fault", _sensor),
    ("degradation", _degradation),
    ("operating_change", _change),
)


def _windows(evidence: Evidence) -> list[bool]:
    return [*evidence.drifted_before, evidence.drift is not None and evidence.drift.drifted]


def _drifted(evidence: Evidence) -> bool:
    return sustained(_windows(evidence), evidence.persistence)


def _drift_in_words(drift: DriftReport) -> str:
    worst = max(drift.features, key=lambda feature: feature.excess)
    number = f"PSI {worst.psi:.3f} against {worst.psi_threshold:.3f}"
    if worst.ks is not None and worst.ks_threshold is not None:
        number += f", KS {worst.ks:.3f} against {worst.ks_threshold:.3f}"
    moved = f"{len(drift.moved)} of {len(drift.features)} features moved ({drift.share:.0%})"
    if not drift.moved:
        return "The prediction moved, no feature did."
    return f"{moved}, most {worst.name!r} ({number})."


def _nothing(evidence: Evidence) -> str:
    if evidence.drift is None:
        return "The window could not be compared with the reference."
    if not evidence.drift.drifted:
        level = f"at most {evidence.drift.level:.0%} of undrifted windows would show one that did"
        return f"None of {len(evidence.drift.features)} features moved; {level}."
    return f"{_drift_in_words(evidence.drift)} Not yet a drift: {in_words(_windows(evidence), evidence.persistence)}."


def _features(kind: Kind, evidence: Evidence) -> tuple[str, ...]:
    by_kind: Mapping[Kind, Sequence[Fault]] = {
        "data_fault": evidence.data_faults,
        "sensor_fault": evidence.sensor_faults,
    }
    columns = tuple(dict.fromkeys(fault.column for fault in by_kind.get(kind, ()) if fault.column))
    if kind == "sensor_fault":
        return tuple(dict.fromkeys([*columns, *_alone(evidence)]))
    if kind == "data_fault":
        return columns
    return evidence.drift.moved if evidence.drift is not None else ()
