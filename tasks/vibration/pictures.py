"""The pictures of a vibration report by file name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gauntlet.datasets.bearing import ELEMENTS
from gauntlet.tasks.alarms.rule import ewma
from gauntlet.tasks.vibration import figures
from gauntlet.tasks.vibration.diagnosis.evidence import RunEvidence, place
from gauntlet.tasks.vibration.diagnosis.families import HARMONICS
from gauntlet.tasks.vibration.evaluate import RULE
from gauntlet.tasks.vibration.lives import Life
from gauntlet.tasks.vibration.machines import MachineJudgement
from gauntlet.tasks.vibration.train import TrainedHealth

PER_PICTURE = 12
MOST_RUNS = 6  # runs whose spectra are drawn, those with the surest diagnosis first


def pictures_of(
    lives: Sequence[Life], trained: Sequence[TrainedHealth], judgement: MachineJudgement
) -> dict[str, bytes]:
    """Health index per bearing, then spectra of the runs that tell most."""
    drawn: dict[str, bytes] = {}
    if lives:
        best = next(one for one in trained if one.candidate.name == judgement.best)
        panels = [_panel(life, best, judgement) for life in lives]
        for start in range(0, len(panels), PER_PICTURE):
            drawn[f"health_{start // PER_PICTURE + 1}.png"] = figures.health_index(
                panels[start : start + PER_PICTURE], f"{judgement.best}, standard deviations of the healthy beginning"
            )
    telling = sorted((one for one in judgement.evidence if one.unit), key=_sureness, reverse=True)[:MOST_RUNS]
    for one in telling:
        drawn |= _spectra(one, lives, judgement)
    return drawn


def _panel(life: Life, best: TrainedHealth, judgement: MachineJudgement) -> figures.IndexPanel:
    score = best.scores[life.machine]
    fitted = life.fitted(best.candidate.fit_share)
    calibration = None if fitted is None else score[fitted : life.healthy]
    said = judgement.verdicts[life.machine]
    hours = life.seconds / 3600
    onset = life.onset
    return figures.IndexPanel(
        title=life.machine,
        hours=hours,
        index=ewma(np.clip(score, -RULE.clip, RULE.clip), RULE.weight),
        limit=RULE.limit(life.interval_s, calibration),
        healthy_h=float(hours[life.healthy - 1]),
        published_h=None if onset is None else float(hours[onset]),
        alarm_h=None if said.raised is None else float(hours[said.raised]),
        failure_h=float(hours[-1]) if life.fails else None,
        crosstalk=said.crosstalk_of is not None,
    )


def _sureness(one: RunEvidence) -> tuple[bool, float]:
    found = one.diagnoses[one.unit or ""]
    return found.element not in (None, "unknown"), found.confidence


def _spectra(one: RunEvidence, lives: Sequence[Life], judgement: MachineJudgement) -> dict[str, bytes]:
    unit = one.unit or ""
    found, name = one.diagnoses[unit], f"{one.run.name} {unit}".replace(" ", "_")
    drawn: dict[str, bytes] = {}
    if one.waterfall is not None:
        life = next((life for life in lives if (life.run, life.unit) == (one.run.name, unit)), None)
        said = judgement.verdicts[life.machine] if life else None
        alarm = float(life.seconds[said.raised]) / 3600 if life and said and said.raised is not None else None
        title = f"{place(one.run.name, unit)}: spectra over the life"
        drawn[f"waterfall_{name}.png"] = figures.waterfall(
            title, one.waterfall.hours, one.waterfall.hertz, one.waterfall.level, alarm
        )
    if one.spectra is not None:
        element = next((one for one in ELEMENTS if one == found.element), None)
        family = found.families[element] if element else max(found.families.values(), key=lambda f: f.score)
        band = one.spectra.bands.index(family.band) if family.band in one.spectra.bands else 0
        prominence = one.spectra.prominence[band]
        lines: dict[str, list[float]] = {
            e: [k * hertz * (1 + found.families[e].deviation) for k in HARMONICS[e]]
            for e, hertz in one.run.bearing.fault_frequencies(one.run.shaft_hz).items()
        }
        low, high = one.spectra.bands[band]
        title = f"{place(one.run.name, unit)}: envelope of {low / 1000:.1f}-{high / 1000:.1f} kHz at the end"
        hertz = np.arange(len(prominence)) * one.spectra.resolution
        drawn[f"envelope_{name}.png"] = figures.envelope_lines(title, hertz, prominence, lines, element)
    return drawn
