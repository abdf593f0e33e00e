"""What goes into the registry: a model for all machines per candidate, and the scaler of their features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from gauntlet.tasks.contract import Artifact, Story
from gauntlet.tasks.models.per_machine_sound import PerMachineScaler
from gauntlet.tasks.sound import figures
from gauntlet.tasks.sound.evaluate import SoundJudgement
from gauntlet.tasks.sound.featurize import SoundFeatures
from gauntlet.tasks.sound.featurize.clip import FFT, HOP, MELS, RATE
from gauntlet.tasks.sound.gauntlets import SCALER
from gauntlet.tasks.sound.train import TrainedSound

EXAMPLES = 200
DETECTOR = "Says from the features of a clip whether its machine sounds abnormal, knowing only normal sound."
FOREST = "Random forest that was trained on abnormal clips of the same machines too; the usual benchmark, judged out of fold."
SCALING = (
    "Standardises the features of a clip by the normal clips of its machine, long tails logged; every detector has the "
    "same inside."
)


def artifacts(
    prepared: SoundFeatures, trained: Sequence[TrainedSound], judgement: SoundJudgement, _story: Story
) -> list[Artifact]:
    """The candidates that could be judged, then the scaler."""
    judged = prepared.judged
    # Clips of every cell, so that the fresh process that confirms a version asks all of its detectors.
    example = prepared.rows(judged[:: max(1, len(judged) // EXAMPLES)]).reset_index(drop=True)
    named = {row.name for row in judgement.candidates}
    models = [_model(model, prepared, judgement, example) for model in trained if model.candidate.name in named]
    return [*models, _scaler(prepared, example)]


def _model(model: TrainedSound, prepared: SoundFeatures, judgement: SoundJudgement, example: pd.DataFrame) -> Artifact:
    name, kind = model.candidate.name, model.candidate.kind
    every_clip = np.arange(len(prepared.table.rows))
    rate = {} if model.supervised else {"false_alarm_rate": prepared.false_alarm_rate}
    return Artifact(
        name=name,
        model=model.model,
        rows=example,
        purpose=FOREST if model.supervised else DETECTOR,
        features=prepared.table.features,
        sensors=_sensors(prepared),
        reference=_reference(prepared, every_clip if model.supervised else prepared.learnt),
        phase="detection",
        task="failure-classification" if model.supervised else "anomaly-detection",
        remark="Figures are means over cells, one cell a machine at one noise level.",
        figures=("auc", "pauc", "far", "mar", "f1"),
        parameters={"kind": kind, **_parameters(prepared), **rate},
        pictures={f"roc_{kind}.png": figures.roc_curves(name, judgement.answers[name])},
    )


def _scaler(prepared: SoundFeatures, example: pd.DataFrame) -> Artifact:
    return Artifact(
        name=SCALER,
        model=PerMachineScaler().fit(prepared.rows(prepared.learnt)),
        rows=example,
        purpose=SCALING,
        features=prepared.table.features,
        sensors=_sensors(prepared),
        reference=_reference(prepared, prepared.learnt),
        phase="detection",
        task="scaling",
        parameters={"kind": "scaler", **_parameters(prepared)},
    )


def _parameters(prepared: SoundFeatures) -> Mapping[str, object]:
    table = prepared.table
    return {"cells": len(prepared.split.parts), "features": len(table.features), "channel": str(table.channel)}


def _reference(prepared: SoundFeatures, positions: np.ndarray) -> pd.DataFrame:
    return prepared.rows(positions).assign(abnormal=prepared.table.abnormal[positions].astype(int))


def _sensors(prepared: SoundFeatures) -> str:
    table = prepared.table
    made = [f"rate: {RATE}", f"channel: {table.channel}", f"fft: {FFT}", f"hop: {HOP}", f"mel bands: {MELS}"]
    given = ["features: as given in the tables"]
    cells = [f"cell: {part.cell}" for part in prepared.split.parts]
    return "\n".join(["sensor: microphone", *(given if table.layout == "tables" else made), *cells])
