"""Train a candidate: a detector per machine from its normal clips, or the supervised forest out of fold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

from gauntlet.tasks.contract import Trained
from gauntlet.tasks.models.base import DetectorPipeline
from gauntlet.tasks.models.per_machine_sound import PerMachineSoundDetector
from gauntlet.tasks.models.sound_detectors import SoundDetector, with_chosen_settings
from gauntlet.tasks.models.sound_distances import blocks
from gauntlet.tasks.sound.detectors import UNFITTED, forest
from gauntlet.tasks.sound.featurize import SoundFeatures
from gauntlet.tasks.sound.featurize.table import SoundTable
from gauntlet.tasks.sound.gauntlets import SUPERVISED, Candidate
from gauntlet.tasks.sound.split import Split, recording_folds, shuffled_folds

OTHER_MACHINES_CLIPS = 200


@dataclass(frozen=True, eq=False)
class HeldOut:
    """A detector judged on training clips alone.

    `scores`: of each normal training clip, by a detector that had not seen its block of recordings. `separation`: AUC
    of those clips against normal training clips of other machines of the type, which stand in for faults; NaN if there
    are none.
    """

    scores: np.ndarray
    separation: float


@dataclass(frozen=True, eq=False)
class TrainedSound(Trained):
    """With what training clips alone say about the candidate.

    `scores`: margins (or probabilities of the forest, out of fold) of all clips in the table, NaN where none was made.
    `held_out`, `settings`: per cell; the settings in words. `shuffled`: the forest's probabilities under a random split.
    """

    scores: np.ndarray
    held_out: Mapping[str, HeldOut]
    settings: Mapping[str, str]
    shuffled: np.ndarray | None = None

    @property
    def supervised(self) -> bool:
        """True for the forest, which learns from abnormal clips too and scores probabilities."""
        return bool(self.candidate == SUPERVISED)

    @property
    def separation(self) -> float:
        """Mean over cells of the AUC of held-out training clips against other machines' normal clips; NaN for none."""
        finite = [cell.separation for cell in self.held_out.values() if np.isfinite(cell.separation)]
        return float(np.mean(finite)) if finite else float("nan")


def train(candidate: Candidate, prepared: SoundFeatures, seed: int) -> TrainedSound:
    """One candidate: a detector for each cell from its normal training clips, or the forest out of fold."""
    if candidate == SUPERVISED:
        return train_forest(candidate, prepared.table, seed)
    table, parts = prepared.table, prepared.split.parts
    detectors, held, settings = {}, {}, {}
    for part in parts:
        known = pd.DataFrame(table.values[part.train], columns=list(table.features))
        fitted = UNFITTED[candidate.kind](seed, table.features).fit(known)
        others = table.values[_other_machines(part.cell, prepared.split)]
        held[part.cell] = held_out(fitted, table.values[part.train], others)
        detectors[part.cell] = fitted.calibrate(held[part.cell].scores, prepared.false_alarm_rate)
        settings[part.cell] = _settings(fitted)
    model = PerMachineSoundDetector(detectors)
    scores = np.full(len(table.rows), np.nan)
    frame = table.frame()
    for part in parts:
        scores[part.test] = model.decision_function(frame.iloc[part.test])
    return TrainedSound(candidate, model, scores, held, settings)


def held_out(fitted: SoundDetector, known: np.ndarray, others: np.ndarray) -> HeldOut:
    """The detector's settings judged on blocks of training clips, clips x features in recording order.

    `others`: normal training clips of other machines.
    """
    scores = np.empty(len(known))
    areas = []
    for block in blocks(len(known)):
        detector = with_chosen_settings(fitted).fit(np.delete(known, block, axis=0))
        scores[block] = detector.decision_function(known[block])
        if len(others):
            labels = np.r_[np.zeros(len(block)), np.ones(len(others))]
            areas.append(roc_auc_score(labels, np.r_[scores[block], detector.decision_function(others)]))
    return HeldOut(scores, float(np.mean(areas)) if areas else float("nan"))


def _settings(fitted: SoundDetector) -> str:
    chosen = {name: getattr(fitted, f"{name}_", None) for name in ("shrinkage", "components")}
    return ", ".join(f"{name} {value:g}" for name, value in chosen.items() if value is not None)


def _other_machines(cell: str, split: Split) -> np.ndarray:
    """Positions of normal training clips of the other machines of this type at this SNR, evenly taken."""
    kind = cell.rsplit("/", 1)[0]
    others = [part.train for part in split.parts if part.cell != cell and part.cell.rsplit("/", 1)[0] == kind]
    if not others:
        return np.empty(0, int)
    pool = np.concatenate(others)
    return pool[:: max(1, len(pool) // OTHER_MACHINES_CLIPS)]


def train_forest(candidate: Candidate, table: SoundTable, seed: int) -> TrainedSound:
    """The supervised benchmark on all clips, judged out of fold: by blocks of recordings, and by a random split."""
    frame, abnormal = table.frame(), table.abnormal
    grouped = out_of_fold(forest(seed), frame, abnormal, recording_folds(table.rows))
    shuffled = out_of_fold(forest(seed), frame, abnormal, shuffled_folds(table.rows, seed))
    fitted = forest(seed).fit(frame, abnormal.astype(int))
    return TrainedSound(candidate, fitted, grouped, {}, {}, shuffled)


def out_of_fold(unfitted: DetectorPipeline, frame: pd.DataFrame, abnormal: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """The probability of an abnormal clip by a forest that never saw its fold, (clips,).

    A training part of one class teaches nothing, so that its test fold stays NaN.
    """
    probability = np.full(len(frame), np.nan)
    for fold in np.unique(folds):
        training = folds != fold
        if len(np.unique(abnormal[training])) < 2:
            continue
        fitted = clone(unfitted).fit(frame[training], abnormal[training].astype(int))
        probability[~training] = fitted.predict_proba(frame[~training])[:, 1]
    return probability
