"""Artifacts of the vibration gauntlets: detectors with the lives that they know, and the scaler under its name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from sklearn.preprocessing import StandardScaler

from gauntlet.tasks.contract import Artifact, Story
from gauntlet.tasks.models.machine_health import MACHINE
from gauntlet.tasks.vibration.assemble import PreparedLives
from gauntlet.tasks.vibration.candidates import DOCUMENTED
from gauntlet.tasks.vibration.evaluate import RULE
from gauntlet.tasks.vibration.library import library_files
from gauntlet.tasks.vibration.lives import healthy_rows
from gauntlet.tasks.vibration.machines import MachineJudgement
from gauntlet.tasks.vibration.train import TrainedHealth

ROWS_BY = "gauntlet.tasks.vibration.lives.snapshot_rows"  # what a model's rows are made by


def artifacts(
    prepared: PreparedLives, trained: Sequence[TrainedHealth], _: MachineJudgement, __: Story
) -> list[Artifact]:
    """The candidates, and the scaler where the set has one; none where none was trained."""
    made = [_detector(prepared, fit) for fit in trained]
    scaler = _scaler(prepared) if prepared.lives and prepared.gauntlet.scaler else None
    return [*made, scaler] if scaler else made


def _detector(prepared: PreparedLives, health: TrainedHealth) -> Artifact:
    candidate, healthy = health.candidate, healthy_rows(prepared.lives)
    columns = [MACHINE, *(name for name in healthy.columns if name.rpartition(" ")[0] in candidate.features)]
    settings = {"kind": candidate.kind, "fit_share": candidate.fit_share, **asdict(RULE)}
    return Artifact(
        name=candidate.name,
        model=health.model,
        rows=healthy[columns].dropna(axis=1, how="all").head(200),
        purpose="Health index of a bearing from one vibration snapshot, in standard deviations of its healthy beginning.",
        features=[name for name in columns if name != MACHINE],
        sensors=_sensors(prepared),
        reference=healthy[columns],
        phase="vibration",
        task="anomaly-detection",
        remark="Figures are by lives.",
        figures=("f1", "recall", "false_alarms_per_week"),
        parameters=settings,
        identity=settings,
        files=library_files(prepared.lives, candidate.features),
        rows_by=ROWS_BY,
    )


def _scaler(prepared: PreparedLives) -> Artifact | None:
    """The scaler of the documented features, on healthy rows; None where there are only levels."""
    healthy = healthy_rows(prepared.lives)
    columns = [name for name in healthy.columns if name.rpartition(" ")[0] in DOCUMENTED]
    if not columns:
        return None
    rows = healthy[columns].dropna()
    return Artifact(
        name=str(prepared.gauntlet.scaler),
        model=StandardScaler().fit(rows),
        rows=rows.dropna(axis=1, how="all").head(200),
        purpose=f"Scaler of the {len(columns)} documented features, fitted on healthy beginnings.",
        features=columns,
        sensors=_sensors(prepared),
        reference=rows,
        phase="vibration",
        task="scaling",
        remark="For users of the name; the detectors carry scalers of their own.",
        rows_by=ROWS_BY,
    )


def _sensors(prepared: PreparedLives) -> str:
    spec = prepared.gauntlet.module.SPEC
    channels = sorted({f"channel: {channel.name}" for run in prepared.data.runs for channel in run.channels})
    return "\n".join([f"rate_hz: {spec.rate:g}", f"samples: {spec.samples}", *channels])
