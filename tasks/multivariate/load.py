"""The steps of the rig gauntlet (SKAB), as pure functions: load, audit, featurize, train, evaluate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from gauntlet.datasets import skab
from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.skab import BEGINNING, SKAB, RigRun
from gauntlet.datasets.source import locate
from gauntlet.datasets.spec import Source
from gauntlet.tasks.audit import Finding, Origin, Part, Protocol, Replay, audit_claims, guard
from gauntlet.tasks.metrics.changepoint import PROFILES, edges, nab_score
from gauntlet.tasks.metrics.runs import RunAnswer, run_row
from gauntlet.tasks.models.run_detector import RunDetector
from gauntlet.tasks.multivariate.setting import Setting, drift, learn, steady_sensors
from gauntlet.tasks.result import Row

PRIMARY_METRIC = "f1"
KINDS = ("mahalanobis", "pca", "residual", "mset")
NAMES = {f"skab_{kind}": kind for kind in KINDS}


@dataclass(frozen=True)
class Beginnings:
    """What may be learnt from: the first rows of each run, how far each sensor drifts there, and which stand still."""

    rows: tuple[pd.DataFrame, ...]
    drift: pd.Series
    steady: tuple[str, ...]


@dataclass(frozen=True)
class Detection:
    """A candidate: its setting, a detector fitted on the beginning of each run, and what these say of the rest."""

    name: str
    setting: Setting
    detectors: tuple[RunDetector, ...]
    answers: tuple[RunAnswer, ...]

    @property
    def newest(self) -> RunDetector:
        """The detector of the last run: what is registered."""
        return self.detectors[-1]


@dataclass(frozen=True)
class Judgement:
    """The result in figures. `nab` per candidate and baseline: score by profile. `cells`: per run."""

    candidates: tuple[Row, ...]
    baselines: tuple[Row, ...]
    best: str
    nab: dict[str, dict[str, float]]
    cells: tuple[dict[str, object], ...]


def load(data: Path | None, source: Source, root: Path, seed: int) -> SKAB:
    """The runs: the publisher's, the user's own in their format, or simulated ones; never a silent mix.

    Raises:
        BadInput: no run, too many that cannot be used, or no anomaly in any of them.
    """
    rig = skab.read(locate(skab.SPEC, source, data, root, skab.simulation(seed)).path)
    if not any(run.anomaly[BEGINNING:].any() for run in rig.runs):
        raise BadInput(
            rig.path, "no row is an anomaly", column="anomaly", expected="runs with anomalies",
            do="add labelled runs: misses cannot be counted without",
        )  # fmt: skip
    return rig


def featurize(rig: SKAB) -> Beginnings:
    """The beginnings, and the sensors that stand still over them."""
    rows = tuple(run.values.iloc[:BEGINNING] for run in rig.runs)
    return Beginnings(rows, drift(rows), steady_sensors(rows))


def train(name: str, rig: SKAB, beginnings: Beginnings) -> Detection:
    """One candidate: its setting from all beginnings, a detector fitted on each, the rest of each run answered."""
    setting = learn(NAMES[name], beginnings.rows, beginnings.steady)  # type: ignore[arg-type]
    detectors = tuple(setting.detector().fit(rows) for rows in beginnings.rows)
    answers = tuple(_answer(run, one) for run, one in zip(rig.runs, detectors, strict=True))
    return Detection(name, setting, detectors, answers)


def _answer(run: RigRun, detector: RunDetector) -> RunAnswer:
    score = detector.decision_function(run.values)[BEGINNING:]
    return RunAnswer(run.name, run.anomaly[BEGINNING:], score, score > 1)


def evaluate(rig: SKAB, detections: Sequence[Detection], seed: int) -> Judgement:
    """SKAB's own protocol over all runs, each candidate beside silence and constant alarm.

    Beside the published leaderboard too where the files are the published ones: it says nothing of simulated runs.
    """
    rows = tuple(run_row(one.name, one.answers, seed) for one in detections)
    silent, loud = (_constant(rig, value) for value in (False, True))
    baselines = (
        run_row("majority", silent, seed),
        run_row("all_positive", loud, seed),
        *(Row(name, {"f1": f1}) for name, f1 in skab.LEADERBOARD.items() if rig.source == "real"),
    )
    told = {one.name: one.answers for one in detections} | {"majority": silent, "all_positive": loud}
    return Judgement(
        candidates=rows,
        baselines=baselines,
        best=max(rows, key=lambda row: row.metrics[PRIMARY_METRIC]).name,
        nab={name: _nab(rig, answers) for name, answers in told.items()},
        cells=tuple(
            {"group": {"run": answer.run}, "model": one.name, "metrics": answer.metrics}
            for one in detections
            for answer in one.answers
        ),
    )


def _constant(rig: SKAB, value: bool) -> tuple[RunAnswer, ...]:
    def answer(run: RigRun) -> RunAnswer:
        flags = np.full(len(run.anomaly) - BEGINNING, value)
        return RunAnswer(run.name, run.anomaly[BEGINNING:], flags.astype(np.float64), flags)

    return tuple(answer(run) for run in rig.runs)


def _nab(rig: SKAB, answers: Sequence[RunAnswer]) -> dict[str, float]:
    runs = [
        (run.seconds[BEGINNING:], run.changepoint[BEGINNING:], edges(answer.flagged))
        for run, answer in zip(rig.runs, answers, strict=True)
    ]
    return {profile: nab_score(runs, profile) for profile in PROFILES}


def audit_result(rig: SKAB, detections: Sequence[Detection], allow_leakage: bool) -> tuple[Finding, ...]:
    """What would make the stated figures worthless; raises `Leak` unless that is allowed.

    A row's id is its run and place: every choice was made on places before `BEGINNING`.
    """
    ids = np.array([f"{run.name}:{place}" for run in rig.runs for place in range(len(run.values))])
    early = np.concatenate([np.arange(len(run.values)) < BEGINNING for run in rig.runs])
    labels = np.concatenate([run.anomaly for run in rig.runs])
    names = [str(rig.path / f"{run.name}.csv") for run in rig.runs]
    last = rig.runs[-1].values
    protocol = Protocol(
        source=rig.source,
        train=Part(ids=ids[early]),
        test=Part(ids=ids[~early], labels=labels[~early].astype(int)),
        tuning=Part(ids=ids[early]),
        replays=[
            Replay(one.name, one.answers[-1].flagged, one.newest.predict(last)[BEGINNING:] > 0) for one in detections
        ],
        origin=Origin(found=names, read=names),
    )
    return guard(audit_claims(protocol), allow_leakage)
