"""The registered model of the vibration gauntlets: one detector per machine, each knowing its own healthy beginning."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone

MACHINE = "machine"
REGIME = "regime"


class MachineHealth(BaseEstimator):
    """A health index [standard deviations of the healthy calibration part] per row of any machine that it was fitted on.

    Rows are a frame with the column `machine` and features called "NAME CHANNEL" ("log_level 1"); a machine without
    some of the features (one sensor axis less) is judged by those that it has.

    Healthy rows may bear a `regime`, 0 for the first: another load or speed of the whole shaft. Each regime then has a
    baseline of its own, and a row is judged by the one whose neighbours were as loud as its neighbours are: a fault of
    one bearing leaves them alone, so that it is never taken for a regime.

    Args:
        detector: unfitted, with `fit` and `score_samples` (higher is more normal).
        features: the names, without channel, that the detector sees.
        fit_share: the earlier share of a machine's rows that fits the detector; the rest, later and unseen by it,
            gives centre and scale of the index. 1: the detector's own score is in standard deviations already.
    """

    def __init__(self, detector: BaseEstimator, features: Sequence[str], fit_share: float = 0.6) -> None:
        self.detector = detector
        self.features = features
        self.fit_share = fit_share

    def fit(self, X: pd.DataFrame, y: object = None) -> MachineHealth:  # noqa: ARG002
        """Itself, fitted on healthy rows, each machine's in the order of time.

        Raises:
            ValueError: a machine has none of the features.
        """
        if REGIME in X.columns:
            return self._fit_regimes(X)
        self.regimes_: dict[str, MachineHealth] = {}
        self.neighbours_: dict[str, dict[str, float]] = {}
        wanted = [name for name in X.columns if name.rpartition(" ")[0] in set(self.features)]
        self.columns_, self.detectors_, self.centre_, self.scale_ = {}, {}, {}, {}
        for machine, rows in X.groupby(MACHINE, sort=False):
            columns = [name for name in wanted if rows[name].notna().all()]
            if not columns:
                raise ValueError(f"{machine} has none of the features; expected {', '.join(self.features)}")
            values = rows[columns].to_numpy(np.float64)
            fitted = round(len(values) * self.fit_share)
            detector = _for_axes(clone(self.detector), columns).fit(values[:fitted])
            self.columns_[machine], self.detectors_[machine] = columns, detector
            rest = -np.asarray(detector.score_samples(values[fitted:]), np.float64) if fitted < len(values) else None
            self.centre_[machine], self.scale_[machine] = _centre_and_scale(rest)
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """The index of each row, shape (n,): 0 as healthy as the calibration part, greater is worse.

        Raises:
            ValueError: a row is of a machine that was not there in training, or lacks one of its features.
        """
        if getattr(self, "regimes_", None):
            return self._predict_regimes(X)
        index = np.empty(len(X))
        machines = X[MACHINE].to_numpy()
        for machine in dict.fromkeys(machines):
            if machine not in self.detectors_:
                known = ", ".join(map(str, list(self.detectors_)[:5]))
                raise ValueError(f"no healthy beginning of {machine!r} was learnt; expected one of {known}")
            here = machines == machine
            values = X.loc[here, self.columns_[machine]].to_numpy(np.float64)
            if not np.isfinite(values).all():
                column = self.columns_[machine][int(np.argmin(np.isfinite(values).all(axis=0)))]
                raise ValueError(f"{machine}: a value of {column!r} is missing; expected a number in every row")
            raw = -np.asarray(self.detectors_[machine].score_samples(values), np.float64)
            index[here] = (raw - self.centre_[machine]) / self.scale_[machine]
        return index

    def _fit_regimes(self, X: pd.DataFrame) -> MachineHealth:
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
                self.neighbours_[str(machine)] = {
                    str(one): float(np.median(level[here & (regime == one)])) for one in known
                }
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

    def _predict_regimes(self, X: pd.DataFrame) -> np.ndarray:
        regime, index = self.regime_of(X), np.empty(len(X))
        for one in np.unique(regime):
            model = self.regimes_[str(one)] if one else self._first()
            index[regime == one] = model.predict(X[regime == one])
        return index

    def _first(self) -> MachineHealth:
        """The first regime's baselines alone."""
        alone = clone(self)
        for name in ("columns_", "detectors_", "centre_", "scale_"):
            setattr(alone, name, getattr(self, name))
        return alone


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


def _for_axes(detector: BaseEstimator, columns: Sequence[str]) -> BaseEstimator:
    """The detector, told how many sensor axes each feature has, if it wants to know."""
    if "axes" in detector.get_params():
        detector.set_params(axes=len({name.rpartition(" ")[2] for name in columns}))
    return detector


def _centre_and_scale(calibration: np.ndarray | None) -> tuple[float, float]:
    if calibration is None:
        return 0.0, 1.0
    centre = float(np.median(calibration))
    return centre, float(max(1.4826 * np.median(np.abs(calibration - centre)), calibration.std(), 1e-9))
