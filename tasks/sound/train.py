"""Train a candidate: a detector for each machine from its normal training clips, or the forest out of fold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score

from gauntlet.datasets.errors import BadInput
from gauntlet.tasks.contract import Trained
from gauntlet.tasks.models.base import DetectorPipeline
from gauntlet.tasks.models.per_machine_sound import FeatureColumns, PerMachineSoundDetector
from gauntlet.tasks.models.sound_detectors import (
    Isolated,
    Loudness,
    Mahalanobis,
    Mixture,
    Nearest,
    Scaled,
    blocks,
    with_chosen_settings,
)
from gauntlet.tasks.models.subsampled import SubsampledClassifier
from gauntlet.tasks.sound.featurize import Clips
from gauntlet.tasks.sound.featurize.table import SoundTable
from gauntlet.tasks.sound.gauntlets import SUPERVISED, Candidate
from gauntlet.tasks.sound.split import Split, recording_folds, shuffled_folds

OTHERS = 200  # clips of other machines that a detector is held against
ALL_ROWS = 10**9


@dataclass(frozen=True, eq=False)
class TrainedSoundModel(Trained):
    """A candidate: the model for all machines, and what training clips alone told about it.

    `scores`: margins (or probabilities of the forest, out of fold) of all clips in the table, NaN where none was made.
    `chosen`: the settings that were chosen, per cell. `shuffled`: the forest's probabilities under a random split.
    """

    scores: np.ndarray
    held: Mapping[str, HeldOut]
    chosen: Mapping[str, str]
    shuffled: np.ndarray | None = None

    @property
    def auc_of_others(self) -> float:
        """Mean over cells of the AUC of held-out training clips against other machines' normal clips; NaN for none."""
        found = [one.auc_of_others for one in self.held.values() if np.isfinite(one.auc_of_others)]
        return float(np.mean(found)) if found else float("nan")


def kinds(seed: int, level: int) -> dict[str, Callable[[], Any]]:
    """The unfitted detector of each kind; `level` is the column that tells the loudness."""
    return {
        "mixture": lambda: Mixture(seed=seed),
        "mahalanobis": Mahalanobis,
        "nearest": Nearest,
        "isolationforest": lambda: Isolated(seed=seed),
        "scaled_distance": Scaled,
        "loudness": lambda: Loudness(level),
    }


def level_column(features: Sequence[str]) -> int:
    """The column of the clip's effective value.

    Raises:
        BadInput: there is none.
    """
    if "rms_mean" not in features:
        raise BadInput(None, "the features hold no loudness", expected="a column rms_mean")
    return list(features).index("rms_mean")


@dataclass(frozen=True, eq=False)
class HeldOut:
    """What was learnt about a detector from training clips alone.

    `scores`: of each normal training clip, by a detector that had not seen its block of recordings. `auc_of_others`: AUC of
    those clips against normal training clips of other machines of the type, which stand in for faults; NaN if there
    are none.
    """

    scores: np.ndarray
    auc_of_others: float


def held_out(fitted: Any, known: np.ndarray, others: np.ndarray) -> HeldOut:
    """The detector's settings judged on blocks of training clips, clips x features in recording order."""
    scores = np.empty(len(known))
    areas = []
    for block in blocks(len(known)):
        other = with_chosen_settings(fitted).fit(np.delete(known, block, axis=0))
        scores[block] = other.decision_function(known[block])
        if len(others):
            labels = np.r_[np.zeros(len(block)), np.ones(len(others))]
            areas.append(roc_auc_score(labels, np.r_[scores[block], other.decision_function(others)]))
    return HeldOut(scores, float(np.mean(areas)) if areas else float("nan"))


def train(candidate: Candidate, prepared: Clips, seed: int) -> TrainedSoundModel:
    """One candidate: a detector for each cell from its normal training clips, or the forest out of fold."""
    table, parts = prepared.table, prepared.parts
    if candidate == SUPERVISED:
        return supervised(candidate, table, seed)
    make = kinds(seed, level_column(table.features))[candidate.kind]
    detectors, held, chosen = {}, {}, {}
    for one in parts.parts:
        known = table.values[one.train]
        fitted = make().fit(known)
        others = table.values[_other_machines(one.cell, parts)]
        detectors[one.cell], held[one.cell] = fitted, held_out(fitted, known, others)
        settings = {name: getattr(fitted, f"{name}_", None) for name in ("shrinkage", "components")}
        chosen[one.cell] = ", ".join(f"{name} {value:g}" for name, value in settings.items() if value is not None)
    scores_held_out = {cell: one.scores for cell, one in held.items()}
    model = PerMachineSoundDetector(prepared.false_alarm_rate).assemble(table.features, detectors, scores_held_out)
    scores = np.full(len(table.rows), np.nan)
    frame = table.frame()
    for one in parts.parts:
        scores[one.test] = model.decision_function(frame.iloc[one.test])
    return TrainedSoundModel(candidate, model, scores, held, chosen)


def _other_machines(cell: str, parts: Split) -> np.ndarray:
    """Positions of normal training clips of the other machines of this type at this SNR, evenly taken."""
    kind = cell.rsplit("/", 1)[0]
    others = [one.train for one in parts.parts if one.cell != cell and one.cell.rsplit("/", 1)[0] == kind]
    if not others:
        return np.empty(0, int)
    pool = np.concatenate(others)
    return pool[:: max(1, len(pool) // OTHERS)]


def supervised(candidate: Candidate, table: SoundTable, seed: int) -> TrainedSoundModel:
    """The forest that was told abnormal clips, judged out of fold over blocks of recordings and, to compare, at random."""
    frame, abnormal = table.frame(), table.abnormal
    grouped = out_of_fold(forest(seed), frame, abnormal, recording_folds(table.rows))
    shuffled = out_of_fold(forest(seed), frame, abnormal, shuffled_folds(table.rows, seed))
    fitted = forest(seed).fit(frame, abnormal.astype(int))
    return TrainedSoundModel(candidate, fitted, grouped, {}, {}, shuffled)


def champion(trained: Sequence[TrainedSoundModel]) -> str:
    """The detector that best tells its machine from its like, judged on training clips alone; the first of equals.

    No test clip takes part: normal training clips of the other machines of the type stand in for faults. The forest is
    no candidate, since on a new machine there are no abnormal clips to learn from.
    """
    eligible = [one for one in trained if one.candidate != SUPERVISED]
    ranked = [one.auc_of_others if np.isfinite(one.auc_of_others) else -1.0 for one in eligible]
    return eligible[int(np.argmax(ranked))].candidate.name


def forest(seed: int) -> DetectorPipeline:
    """The supervised benchmark: a random forest on the features of all machines, told which clips are abnormal."""
    trees = RandomForestClassifier(
        100, max_features="sqrt", max_samples=0.2, min_samples_leaf=2, n_jobs=1, random_state=seed
    )
    return DetectorPipeline(
        [("features", FeatureColumns()), ("forest", SubsampledClassifier(trees, most_rows=ALL_ROWS))]
    )


def out_of_fold(unfitted: DetectorPipeline, frame: pd.DataFrame, abnormal: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """The probability of an abnormal clip by a forest that never saw its fold, (clips,); NaN where no fold could teach.

    A training part of one class teaches nothing, so its test fold stays NaN.
    """
    probability = np.full(len(frame), np.nan)
    for fold in np.unique(folds):
        learn = folds != fold
        if len(np.unique(abnormal[learn])) < 2:
            continue
        fitted = clone(unfitted).fit(frame[learn], abnormal[learn].astype(int))
        probability[~learn] = fitted.predict_proba(frame[~learn])[:, 1]
    return probability
