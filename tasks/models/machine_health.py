"""The registered model of the vibration gauntlets: one detector per machine, each knowing its own healthy beginning."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Self

import numpy as np
import pandas as pd
from sklearn.base import clone

from gauntlet.tasks.models.base import START, Detector, DetectorPipeline
from gauntlet.tasks.models.per_machine import rows_by_machine

MACHINE = "machine"
REGIME = "regime"


class MachineHealth(Detector):
    """A health index [standard deviations of the healthy calibration part] per row of any machine that it was fitted on.

    Rows are a frame with the column `machine` and features called "NAME CHANNEL" ("log_level 1"); a machine without
    some of the features (one sensor axis less) is judged by those that it has.

    Healthy rows may bear a `regime`, 0 for the first: another load or speed of the whole shaft. Each regime then has a
    baseline of its own, and a row is judged by the one whose neighbours were as loud as its neighbours are: a fault of
    one bearing leaves them alone, so that it is never taken for a regime.

    Args:
        detector: unfitted, of rows of its features.
        features: the names, without channel, that the detector sees.
        fit_share: the earlier share of a machine's rows that fits the detector; the rest, later and unseen by it,
            gives centre and scale of the index. 1: the detector's own score is in standard deviations already.
        threshold: index past which a row by itself is abnormal. An alarm asks for more: several in a row, smoothed.
    """

    def __init__(
        self,
        detector: Detector | DetectorPipeline,
        features: Sequence[str],
        fit_share: float = 0.6,
        threshold: float = 5.0,
    ) -> None:
        self.detector = detector
        self.features = features
        self.fit_share = fit_share
        self.threshold = threshold

    def fit(self, X: pd.DataFrame, y: object = None) -> Self:  # noqa: ARG002 - the estimators' own form
        """Itself, fitted on healthy rows, each machine's in the order of time.

        Raises:
            ValueError: a machine has none of the features.
        """
        if REGIME in X.columns:
            return self._fit_regimes(X)
        self.threshold_ = self.threshold
        self.regimes_: dict[str, MachineHealth] = {}
        self.neighbours_: dict[str, dict[str, float]] = {}
        wanted = [name for name in X.columns if name.rpartition(" ")[0] in set(self.features)]
        self.columns_, self.detectors_, self.centre_, self.scale_ = {}, {}, {}, {}
        for named, rows in X.groupby(MACHINE, sort=False):
            machine = str(named)
            columns = [name for name in wanted if rows[name].notna().all()]
            if not columns:
                raise ValueError(f"{machine} has none of the features; expected {', '.join(self.features)}")
            fitted = round(len(rows) * self.fit_share)
            detector = _for_axes(clone(self.detector), columns).fit(rows[columns].iloc[:fitted])
            self.columns_[machine], self.detectors_[machine] = columns, detector
            rest = detector.decision_function(rows[columns].iloc[fitted:]) if fitted < len(rows) else None
            self.centre_[machine], self.scale_[machine] = _centre_and_scale(rest)
        return self

    def decision_function(self, X: pd.DataFrame) -> np.ndarray:
        """The index of each row, (n,): 0 as healthy as the calibration part, greater is worse.

        Raises:
            ValueError: a row is of a machine that was not there in training, or lacks one of its features.
        """
        index = np.empty(len(X))
        for model, machine, places in self._judges(X):
            raw = model.detectors_[machine].decision_function(model._rows(X, machine, places))
            index[places] = (raw - model.centre_[machine]) / model.scale_[machine]
        return index

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        """What each feature adds to the index, n x (1 + features); a machine without a feature has no part of it."""
        columns = list(dict.fromkeys(name for names in self.columns_.values() for name in names))
        parts = pd.DataFrame(0.0, index=range(len(X)), columns=[START, *columns])
        for model, machine, places in self._judges(X):
            own = model.detectors_[machine].contributions(model._rows(X, machine, places))
            own[START] -= model.centre_[machine]
            parts.loc[places, own.columns] = own.to_numpy() / model.scale_[machine]
        return parts.set_axis(X.index)

    def _judges(self, X: pd.DataFrame) -> Iterator[tuple[MachineHealth, str, np.ndarray]]:
        """(who judges, machine, places of the rows): a machine's rows of one regime at a time."""
        regime = self.regime_of(X)
        for one in np.unique(regime):
            model, places = self.regimes_[str(one)] if one else self, np.flatnonzero(regime == one)
            for machine, here in rows_by_machine(X.iloc[places], MACHINE, model.detectors_):
                yield model, machine, places[here]

    def _rows(self, X: pd.DataFrame, machine: str, places: np.ndarray) -> pd.DataFrame:
        rows = X.iloc[places][self.columns_[machine]].astype(np.float64)
        whole = np.isfinite(rows.to_numpy()).all(axis=0)
        if not whole.all():
            column = self.columns_[machine][int(np.argmin(whole))]
            raise ValueError(f"{machine}: a value of {column!r} is missing; expected a number in every row")
        return rows

    def _fit_regimes(self, X: pd.DataFrame) -> Self:
        rows, regime = X.drop(columns=REGIME), X[REGIME].to_numpy(np.int64)
        self.fit(rows[regime == 0])
        later = sorted(set(regime.tolist()) - {0})
        self.regimes_ = {str(one): clone(self).fit(rows[regime == one]) for one in later}
        self.neighbours_ = {}
        if later:
            level = neighbours_level(rows)
            for machine in self.detectors_:
                here = (rows[MACHINE] == machine).to_numpy()
                known = [one for one in (0, *later) if (here & (regime == one)).any()]
                self.neighbours_[machine] = {str(one): float(np.median(level[here & (regime == one)])) for one in known}
        return self

    def regime_of(self, X: pd.DataFrame) -> np.ndarray:
        """The regime that each row is judged by, (n,) int; see the class."""
        if not getattr(self, "regimes_", None):
            return np.zeros(len(X), np.int64)
        level, machines = neighbours_level(X), X[MACHINE].to_numpy()
        chosen = np.zeros(len(X), np.int64)
        for machine in dict.fromkeys(machines):
            here, known = machines == machine, self.neighbours_.get(machine, {"0": 0.0})
            away = np.abs(level[here][:, None] - np.array(list(known.values())))
            chosen[here] = np.array([int(one) for one in known])[np.argmin(away, axis=1)]
        return chosen


def neighbours_level(X: pd.DataFrame) -> np.ndarray:
    """Log level of the other bearings on the shaft, (n,): a row's own less its level beside theirs.

    Raises:
        ValueError: the rows have no neighbours.
    """
    own, beside = X.filter(regex=r"^log_level "), X.filter(regex=r"^relative_level ")
    level = own.mean(axis=1).to_numpy(np.float64) - beside.mean(axis=1).to_numpy(np.float64)
    if not beside.shape[1] or not np.isfinite(level).all():
        raise ValueError("regimes are told apart by the neighbours on a shaft; the rows have no relative_level")
    return level


def _for_axes(detector: Detector | DetectorPipeline, columns: Sequence[str]) -> Detector | DetectorPipeline:
    """The detector, told how many sensor axes each feature has, if it wants to know."""
    if "axes" in detector.get_params():
        detector.set_params(axes=len({name.rpartition(" ")[2] for name in columns}))
    return detector


def _centre_and_scale(calibration: np.ndarray | None) -> tuple[float, float]:
    if calibration is None:
        return 0.0, 1.0
    centre = float(np.median(calibration))
    return centre, float(max(1.4826 * np.median(np.abs(calibration - centre)), calibration.std(), 1e-9))
