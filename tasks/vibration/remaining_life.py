"""Remaining useful life, leave-one-bearing-out: how long after its alarm, beside what needs no model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tasks.result import Row
from tasks.rul.leave_one_out import ObservedLife, RulReport, after_alarm, leave_one_out
from tasks.rul.life import Estimate, History, fit
from tasks.train.alarm_rule import Verdict
from tasks.vibration.load import Life

FEWEST = 3


@dataclass(frozen=True, eq=False)
class RemainingLife:
    """`whole`: asked all life long; `alarmed`: asked from the alarm on; `at_alarm`: by machine, when it was raised."""

    whole: RulReport
    alarmed: RulReport
    at_alarm: Mapping[str, Estimate]


def remaining_life(lives: Sequence[Life], verdicts: Mapping[str, Verdict]) -> RemainingLife | None:
    """The estimates for bearings that went to failure, each by what the others taught; None for fewer than three."""
    failed = [life for life in lives if life.fails]
    if len(failed) < FEWEST:
        return None
    observed = [_observed(life, verdicts[life.machine]) for life in failed]
    at_alarm = {}
    for own in observed:
        if own.history.alarm_s is not None:
            others = [one.history for one in observed if one is not own]
            at_alarm[own.history.unit] = fit(others, own.interval_s).at(own.history.alarm_s, 0.0)
    return RemainingLife(leave_one_out(observed), after_alarm(observed), at_alarm)


def _observed(life: Life, said: Verdict) -> ObservedLife:
    alarm = None if said.raised is None else float(life.seconds[said.raised])
    history = History(life.machine, float(life.seconds[-1]), alarm)
    return ObservedLife(history, life.seconds, np.sqrt(life.power), life.interval_s)


def rows_of(gauntlet: str, found: RemainingLife) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    """The lines of the results table: the model, and the two naive ways."""
    return (
        (Row(f"{gauntlet}_remaining_life", {"phm_score": found.whole.model, "coverage_80": found.whole.coverage_80}),),
        (
            Row("mean_life_of_others", {"phm_score": found.whole.mean_life}),
            Row("rms_extrapolation", {"phm_score": found.whole.extrapolated}),
        ),
    )


def cells_of(found: RemainingLife) -> tuple[dict[str, Any], ...]:
    """The PHM score by when it is asked."""
    return tuple(
        {"group": {"question": "remaining life", "asked": asked}, "model": model, "metrics": {"phm_score": score}}
        for asked, report in (("all life long", found.whole), ("from the alarm on", found.alarmed))
        for model, score in (
            ("remaining_life", report.model),
            ("mean_life_of_others", report.mean_life),
            ("rms_extrapolation", report.extrapolated),
        )
    )
