"""Remaining useful life, leave-one-bearing-out: how long after its alarm, beside what needs no model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gauntlet.tasks.alarms.rule import Verdict
from gauntlet.tasks.result import Row
from gauntlet.tasks.vibration.lives import Life
from gauntlet.tasks.vibration.remaining_life.leave_one_out import RulReport, after_alarm, leave_one_out
from gauntlet.tasks.vibration.remaining_life.life import Estimate, History, ObservedLife, fit
from gauntlet.tasks.vibration.remaining_life.rated_life import rated_life

FEWEST = 3


@dataclass(frozen=True, eq=False)
class RemainingLife:
    """`whole`: asked all life long; `alarmed`: asked from the alarm on, None where nothing alarmed; `at_alarm`: by machine,
    when it was raised.
    """

    whole: RulReport
    alarmed: RulReport | None
    at_alarm: Mapping[str, Estimate]


def remaining_life(lives: Sequence[Life], verdicts: Mapping[str, Verdict]) -> RemainingLife | None:
    """The estimates for bearings that went to failure, each by what the others taught; None for fewer than three."""
    failed = [life for life in lives if life.fails]
    if len(failed) < FEWEST:
        return None
    observed = [_observed(life, verdicts[life.machine]) for life in failed]
    at_alarm = {}
    for own in observed:
        if (alarm := own.history.alarm_s) is not None:
            model = fit([one for one in observed if one is not own], own.interval_s)
            at_alarm[own.history.unit] = model.at(alarm, own.rms[own.seconds <= alarm], own.history.rated)
    alarmed = after_alarm(observed) if at_alarm else None
    return RemainingLife(leave_one_out(observed), alarmed, at_alarm)


def _observed(life: Life, said: Verdict) -> ObservedLife:
    alarm = None if said.raised is None else float(life.seconds[said.raised])
    rated = rated_life(life.shaft_hz, life.load_n) if life.load_n else 1.0
    history = History(life.machine, float(life.seconds[-1]), alarm, rated)
    return ObservedLife(history, life.seconds, np.sqrt(life.power), life.interval_s)


def rows_of(gauntlet: str, found: RemainingLife) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    """The lines of the results table: the model, and the two naive ways."""
    return (
        (Row(f"{gauntlet}_remaining_life", {"phm_score": found.whole.model, "coverage_80": found.whole.coverage_80}),),
        (
            Row("mean_life_of_others", {"phm_score": found.whole.mean_life}),
            Row("rated_life_of_others", {"phm_score": found.whole.rated_life}),
            Row("rms_extrapolation", {"phm_score": found.whole.extrapolated}),
        ),
    )


def cells_of(found: RemainingLife) -> tuple[dict[str, Any], ...]:
    """The PHM score by when it is asked."""
    return tuple(
        {"group": {"question": "remaining life", "asked": asked}, "model": model, "metrics": {"phm_score": score}}
        for asked, report in (("all life long", found.whole), ("from the alarm on", found.alarmed))
        if report is not None
        for model, score in (
            ("remaining_life", report.model),
            ("mean_life_of_others", report.mean_life),
            ("rated_life_of_others", report.rated_life),
            ("rms_extrapolation", report.extrapolated),
        )
    )
