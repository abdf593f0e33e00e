"""Train a candidate: its setting from all baselines, then a detector fitted on the baseline of each run."""

from __future__ import annotations

from dataclasses import dataclass

from gauntlet.datasets.skab import BEGINNING, RigRun
from gauntlet.tasks.contract import Trained
from gauntlet.tasks.models.run_detector import RunDetector
from gauntlet.tasks.multivariate.featurize import Runs
from gauntlet.tasks.multivariate.gauntlets import Candidate
from gauntlet.tasks.multivariate.runs import RunAnswer
from gauntlet.tasks.multivariate.setting import Setting, learn


@dataclass(frozen=True, eq=False)
class TrainedDetector(Trained):
    """`model` is the detector of the last run, which is what is registered; `detectors` those of all runs.

    `answers`: what each says of the rest of its run.
    """

    setting: Setting
    detectors: tuple[RunDetector, ...]
    answers: tuple[RunAnswer, ...]


def train(candidate: Candidate, prepared: Runs, _seed: int) -> TrainedDetector:
    """One candidate; no seed takes part, since no detector draws anything."""
    setting = learn(candidate.kind, prepared.baselines, prepared.steady)
    detectors = tuple(setting.detector().fit(rows) for rows in prepared.baselines)
    answers = tuple(_answer(run, detector) for run, detector in zip(prepared.rig.runs, detectors, strict=True))
    return TrainedDetector(candidate, detectors[-1], setting, detectors, answers)


def _answer(run: RigRun, detector: RunDetector) -> RunAnswer:
    score = detector.decision_function(run.values)[BEGINNING:]
    return RunAnswer(run.name, run.anomaly[BEGINNING:], score, score > detector.threshold_)
