"""What goes into the registry beside a sound model: the microphone's configuration, and the scaler under its name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gauntlet.tasks.contract import Artifact, Story
from gauntlet.tasks.models.per_machine_sound import PerMachineScaler
from gauntlet.tasks.sound import figures
from gauntlet.tasks.sound.evaluate import SoundJudgement
from gauntlet.tasks.sound.featurize import Clips
from gauntlet.tasks.sound.featurize.clip import FFT, HOP, MELS, RATE
from gauntlet.tasks.sound.gauntlets import SCALER, SUPERVISED
from gauntlet.tasks.sound.train import TrainedSoundModel

FIGURES = ("auc", "pauc", "far", "mar", "f1")


def artifacts(
    prepared: Clips, trained: Sequence[TrainedSoundModel], judgement: SoundJudgement, _story: Story
) -> list[Artifact]:
    """The candidates that could be judged, and the scaler of the detector that counts in its units."""
    made = [_model(one, prepared, judgement) for one in trained if one.candidate.name in judgement.rows]
    scaled = next(one for one in trained if one.candidate.kind == "scaled_distance")
    return [*made, _scaler(scaled, prepared)]


def _model(one: TrainedSoundModel, prepared: Clips, judgement: SoundJudgement) -> Artifact:
    table, name = prepared.table, one.candidate.name
    told_abnormal = one.candidate == SUPERVISED
    rate = {} if told_abnormal else {"false_alarm_rate": prepared.false_alarm_rate}
    return Artifact(
        name=name,
        model=one.model,
        rows=_example(prepared),
        purpose=(
            "Random forest that was told abnormal clips of the same machines; the usual benchmark, judged out of fold."
            if told_abnormal
            else "Says from the features of a clip whether its machine sounds abnormal, knowing only normal sound."
        ),
        features=list(table.features),
        sensors=_microphone(prepared),
        reference=_reference(prepared, everything=told_abnormal),
        phase="detection",
        task="failure-classification" if told_abnormal else "anomaly-detection",
        figures=FIGURES,
        parameters={
            "kind": one.candidate.kind,
            "cells": len(prepared.parts.parts),
            "features": len(table.features),
            **rate,
            "channel": str(table.channel),
        },
        pictures={f"roc_{one.candidate.kind}.png": figures.roc_curves(name, judgement.answers[name])},
    )


def _scaler(one: TrainedSoundModel, prepared: Clips) -> Artifact:
    table = prepared.table
    return Artifact(
        name=SCALER,
        model=PerMachineScaler().assemble(table.features, one.model.detectors_),
        rows=_example(prepared),
        purpose="Standardises the features of a clip by the normal sound of its machine.",
        features=list(table.features),
        sensors=_microphone(prepared),
        reference=_reference(prepared, everything=False),
        phase="detection",
        task="scaling",
        parameters={"cells": len(prepared.parts.parts), "features": len(table.features), "channel": str(table.channel)},
    )


def _example(prepared: Clips) -> pd.DataFrame:
    """Clips of every cell, so that the fresh process that confirms a version asks all of its detectors."""
    test = np.concatenate([one.test for one in prepared.parts.parts])
    return prepared.table.frame().iloc[test[:: max(1, len(test) // 200)]].reset_index(drop=True)


def _reference(prepared: Clips, *, everything: bool) -> pd.DataFrame:
    """The clips that were learnt from, normal ones but for the forest."""
    table = prepared.table
    learnt = np.arange(len(table.rows)) if everything else np.concatenate([one.train for one in prepared.parts.parts])
    return table.frame().iloc[learnt].assign(abnormal=table.abnormal[learnt].astype(int))


def _microphone(prepared: Clips) -> str:
    table = prepared.table
    sound = f"rate: {RATE}\nchannel: {table.channel}\nfft: {FFT}\nhop: {HOP}\nmel bands: {MELS}"
    made = "features: as given in the tables" if table.layout == "tables" else sound
    cells = "\n".join(f"cell: {one.cell}" for one in prepared.parts.parts)
    return f"sensor: microphone\n{made}\n{cells}"
