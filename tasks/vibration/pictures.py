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
        best = next(fit for fit in trained if fit.candidate.name == judgement.best)
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


def _sureness(evidence: RunEvidence) -> tuple[bool, float]:
    found = evidence.diagnoses[evidence.unit or ""]
    return found.element not in (None, "unknown"), found.confidence


def _spectra(evidence: RunEvidence, lives: Sequence[Life], judgement: MachineJudgement) -> dict[str, bytes]:
    unit = evidence.unit or ""
    found, name = evidence.diagnoses[unit], f"{evidence.run.name} {unit}".replace(" ", "_")
    drawn: dict[str, bytes] = {}
    if evidence.waterfall is not None:
        life = next((life for life in lives if (life.run, life.unit) == (evidence.run.name, unit)), None)
        said = judgement.verdicts[life.machine] if life else None
        alarm = float(life.seconds[said.raised]) / 3600 if life and said and said.raised is not None else None
        title = f"{place(evidence.run.name, unit)}: spectra over the life"
        drawn[f"waterfall_{name}.png"] = figures.waterfall(
            title, evidence.waterfall.hours, evidence.waterfall.hertz, evidence.waterfall.level, alarm
        )
    if evidence.spectra is not None:
        element = next((element for element in ELEMENTS if element == found.element), None)
        family = found.families[element] if element else max(found.families.values(), key=lambda f: f.score)
        band = evidence.spectra.bands.index(family.band) if family.band in evidence.spectra.bands else 0
        prominence = evidence.spectra.prominence[band]
        lines: dict[str, list[float]] = {
            e: [k * hertz * (1 + found.families[e].deviation) for k in HARMONICS[e]]
            for e, hertz in evidence.run.bearing.fault_frequencies(evidence.run.shaft_hz).items()
        }
        low, high = evidence.spectra.bands[band]
        title = f"{place(evidence.run.name, unit)}: envelope of {low / 1000:.1f}-{high / 1000:.1f} kHz at the end"
        hertz = np.arange(len(prominence)) * evidence.spectra.resolution
        drawn[f"envelope_{name}.png"] = figures.envelope_lines(title, hertz, prominence, lines, element)
    return drawn
