"""Evaluate: every candidate's alarms over every life, beside alarms that need no model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gauntlet.tasks.alarms.rule import Alarm, AlarmRule, Verdict, alarms, verdict
from gauntlet.tasks.contract import Judgement
from gauntlet.tasks.metrics.lives import Outcome, alarm_row
from gauntlet.tasks.result import Row
from gauntlet.tasks.vibration.assemble import PreparedLives
from gauntlet.tasks.vibration.crosstalk import attribute
from gauntlet.tasks.vibration.lives import Life
from gauntlet.tasks.vibration.train import TrainedHealth

RULE = AlarmRule()
CALENDAR_SHARE = 0.8  # of the other bearings' mean life, at which a calendar replaces a bearing


@dataclass(frozen=True, eq=False)
class Answer:
    """What one way of alarming said of every life, by machine."""

    events: Mapping[str, list[Alarm]]
    verdicts: Mapping[str, Verdict]


@dataclass(frozen=True, eq=False, kw_only=True)
class AlarmJudgement(Judgement):
    """`answers`: of every candidate and baseline, by name."""

    answers: Mapping[str, Answer]

    @property
    def verdicts(self) -> Mapping[str, Verdict]:
        """Of the best candidate, by machine; nothing where nothing was trained."""
        return self.answers[self.best].verdicts if self.answers else {}


def evaluate(prepared: PreparedLives, trained: Sequence[TrainedHealth], seed: int) -> AlarmJudgement:
    """The candidates beside alarms that need no model; the best by F1, then by recall and lead time."""
    lives = prepared.lives
    if not lives:
        return AlarmJudgement(
            candidates=(),
            baselines={},
            naive="",
            best="",
            stated=False,
            answers={},
            chosen_on="nothing: no run is long enough to learn a healthy beginning from",
        )
    answers = {fit.candidate.name: answer(lives, fit.scores, fit.candidate.fit_share) for fit in trained}
    naive = {"never_alarm": answer(lives, {life.machine: np.zeros(len(life.rows)) for life in lives}, 1.0)}
    naive["rms_5_sigma"] = answer(lives, {life.machine: _in_sigmas(life) for life in lives}, 1.0, FIVE_SIGMA)
    if (calendar := _calendar(lives)) is not None:
        naive["calendar"] = calendar
    rows = {name: alarm_row(name, outcomes(lives, said), seed) for name, said in {**answers, **naive}.items()}
    candidates = tuple(rows[name] for name in answers)
    stated = any(life.fails for life in lives)
    return AlarmJudgement(
        candidates=candidates,
        baselines={name: rows[name] for name in naive},
        naive="never_alarm",
        best=(max(candidates, key=_merit) if stated else candidates[-1]).name,
        chosen_on="the stated figures over all lives" if stated else "nothing: how these machines ended is not known",
        stated=stated,
        answers={**answers, **naive},
    )


def _merit(row: Row) -> tuple[float, float, float, float]:
    false = row.metrics.get("false_alarms_per_week", 0.0)
    return row.metrics["f1"], row.metrics["recall"], -false, row.metrics.get("lead_time_h", 0.0)


FIVE_SIGMA = AlarmRule(weight=1.0, least_limit=5.0)


def _in_sigmas(life: Life) -> np.ndarray:
    """The level in standard deviations from the mean of its healthy beginning: the classical limit."""
    level = np.sqrt(life.power)
    healthy = level[: life.healthy]
    return np.asarray((level - healthy.mean()) / max(float(healthy.std()), 1e-12))


def answer(lives: Sequence[Life], scores: Mapping[str, np.ndarray], fit_share: float, rule: AlarmRule = RULE) -> Answer:
    """What the rule makes of an index over every life, (rows,) by machine; cross-talk among the bearings of a run named."""
    events, verdicts = {}, {}
    for life in lives:
        fitted = life.fitted(fit_share)
        events[life.machine] = alarms(scores[life.machine], rule, life.interval_s, life.healthy, fitted)
        verdicts[life.machine] = _verdict(life, events[life.machine])
    return Answer(events, _attributed(lives, verdicts, events))


def _verdict(life: Life, events: list[Alarm]) -> Verdict:
    known = life.onset if life.fails else None
    return verdict(life.machine, events, life.running_s, life.healthy, known)


def _attributed(
    lives: Sequence[Life], verdicts: Mapping[str, Verdict], events: Mapping[str, list[Alarm]]
) -> dict[str, Verdict]:
    """The verdicts with cross-talk named, among the bearings of one run.

    A passing alarm that is raised while a neighbour's own alarm stands is cross-talk, too, and not a false alarm.
    """
    told: dict[str, Verdict] = {}
    for run in dict.fromkeys(life.run for life in lives):
        here = [life for life in lives if life.run == run]
        own = {life.machine: verdicts[life.machine] for life in here}
        named = attribute(own, {life.machine: life.power for life in here}, here[0].healthy)
        for machine, said in named.items():
            others = [v.onset for m, v in named.items() if m != machine and v.onset is not None and not v.crosstalk_of]
            first = min(others, default=None)
            heard = sum(e.cleared is not None and first is not None and e.onset >= first for e in events[machine])
            told[machine] = replace(said, false_alarms=max(0, said.false_alarms - heard))
    return told


def _calendar(lives: Sequence[Life]) -> Answer | None:
    """An alarm at a share of the mean life of the other bearings that failed; None where fewer than two did."""
    failed = [life for life in lives if life.fails]
    if len(failed) < 2:
        return None
    events: dict[str, list[Alarm]] = {}
    for life in lives:
        due = CALENDAR_SHARE * float(np.mean([one.seconds[-1] for one in failed if one is not life]))
        row = int(np.searchsorted(life.seconds, due))
        events[life.machine] = [Alarm(row, row)] if row < len(life.rows) else []
    return Answer(events, {life.machine: _verdict(life, events[life.machine]) for life in lives})


def outcomes(lives: Sequence[Life], said: Answer) -> list[Outcome]:
    """The lives that are known to their end, judged."""
    return [_outcome(life, said.verdicts[life.machine]) for life in lives if life.ended]


def _outcome(life: Life, said: Verdict) -> Outcome:
    standing = said.raised is not None and said.crosstalk_of is None
    early = life.onset is not None and said.raised is not None and said.raised < 0.5 * life.onset
    hit = life.fails and standing and not early
    false = said.false_alarms + int(standing and not life.fails)
    if not hit or said.raised is None or said.onset is None:
        return Outcome(life.machine, life.fails, False, false, said.watched_s)
    error = abs(said.onset - life.onset) / len(life.rows) if life.onset is not None else None
    lead = float(life.seconds[-1] - life.seconds[said.raised]) / 3600
    return Outcome(life.machine, True, True, false, said.watched_s, lead, error)
