"""Detectors of faults in sensor streams, fitted on sound beginnings: an isolation forest, and a plain limit beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import IsolationForest

from gauntlet.tasks.models.base import START, Detector, by_replacement
from gauntlet.tasks.models.per_machine import rows_by_machine
from gauntlet.tasks.models.stream_features import NAMES, SeasonalProfile, seasonal_profile, stream_features

LEAST_READINGS = 48  # of a sensor, to learn from
SPARE = 1.1  # the plain limit above the largest sound score
# The forest's scores saturate beyond what it has seen, so that its limit is a high quantile of the sound ones.
FOREST_SOUND = 0.999


class StreamDetector(Detector):
    """Raw rows (sensor_id, timestamp, value) in, fault or not out; profiles, scales, forest and threshold are inside.

    `kind` "forest": isolation forest on the scaled features; "limit": the largest of them, each as a share of the
    farthest that it went when sound. Limits come from the sound rows alone: `SPARE` times the largest score, or the
    forest's quantile `FOREST_SOUND`. Rows of a sensor must be in the order of time and begin where its history is to
    begin. `features`: those of `NAMES` that it sees.
    """

    def __init__(self, kind: str = "forest", seed: int = 7, features: Sequence[str] = NAMES) -> None:
        self.kind = kind
        self.seed = seed
        self.features = features

    def fit(self, rows: pd.DataFrame, y: Any = None) -> StreamDetector:  # noqa: ARG002 - scikit-learn calls it so
        """Learn from healthy rows of every sensor that will be watched.

        Raises:
            ValueError: a sensor has too few readings.
        """
        self.profiles_: dict[str, dict[str, Any]] = {}
        self.scales_: dict[str, dict[str, np.ndarray]] = {}
        scaled = []
        for name, one in rows.groupby("sensor_id", sort=True):
            times, values = _columns(one)
            if (readings := int(np.isfinite(values).sum())) < LEAST_READINGS:
                raise ValueError(f"sensor {name} has {readings} sound readings; expected {LEAST_READINGS}")
            usual = seasonal_profile(times, values)
            self.profiles_[str(name)] = {
                "centre": usual.centre,
                "by_hour": usual.by_hour,
                "by_weekday": usual.by_weekday,
                "per_day": _per_day(times),
            }
            raw = stream_features(times, values, usual, _per_day(times))
            centre = np.nanmedian(raw, axis=0)
            spread = 1.4826 * np.nanmedian(np.abs(raw - centre), axis=0)
            # Sound readings are seldom equal; a pair by chance is then as strange as three deviations.
            spread[-1] = max(spread[-1], np.log(2.0) / 3)
            self.scales_[str(name)] = {"centre": centre, "spread": np.where(spread > 0, spread, 1.0)}
            scaled.append(self._scale(str(name), raw))
        sound = np.vstack(scaled)
        if self.kind == "forest":
            self.forest_ = IsolationForest(
                n_estimators=200, max_samples=min(1024, len(sound)), random_state=self.seed, n_jobs=1
            ).fit(sound)
        self.reach_ = np.maximum(sound.max(axis=0), 1e-9)
        reached = self._score(sound)
        self.threshold_ = float(np.quantile(reached, FOREST_SOUND) if self.kind == "forest" else SPARE * reached.max())
        return self

    def decision_function(self, rows: pd.DataFrame) -> np.ndarray:
        """The score of each row, (rows,), above `threshold_` for a fault; higher is stranger.

        Raises:
            ValueError: a sensor that was not learnt.
        """
        scores = np.zeros(len(rows))
        for name, here in rows_by_machine(rows, "sensor_id", self.profiles_):
            scores[here] = self._score(self._scaled(name, rows[here]).to_numpy())
        return scores

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        """(rows, 2): a rank and no calibrated probability; above 0.5 where `predict` says 1."""
        score = np.maximum(self.decision_function(rows), 0.0)
        fault = score / (score + self.threshold_)
        return np.column_stack([1 - fault, fault])

    def raw_features(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The features that this detector sees, unscaled, a row each, with the sensor's name; as drift is measured by."""
        parts = []
        for name, one in rows.groupby("sensor_id", sort=True):
            times, values = _columns(one)
            known = self.profiles_[str(name)]
            usual = SeasonalProfile(known["centre"], known["by_hour"], known["by_weekday"])
            table = pd.DataFrame(stream_features(times, values, usual, known["per_day"]), columns=list(NAMES))
            parts.append(table[[feature for feature in NAMES if feature in self.features]].assign(sensor_id=str(name)))
        return pd.concat(parts, ignore_index=True)

    def contributions(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The score shared out among the features, n x (1 + features): of the forest by replacement, of the limit in whole."""
        parts = []
        for name, here in rows_by_machine(rows, "sensor_id", self.profiles_):
            parts.append(self._parts(self._scaled(name, rows[here])).set_axis(np.flatnonzero(here)))
        return pd.concat(parts).sort_index().set_axis(rows.index)

    def _parts(self, scaled: pd.DataFrame) -> pd.DataFrame:
        if self.kind == "forest":
            calm = dict.fromkeys(scaled.columns, 0.0)
            return by_replacement(lambda table: self._score(table.to_numpy()), scaled, calm)
        reached = scaled / self.reach_
        largest = np.arange(reached.shape[1])[None, :] == reached.to_numpy().argmax(1)[:, None]
        return reached.where(largest, 0.0).assign(**{START: 0.0})

    def _scaled(self, name: str, rows: pd.DataFrame) -> pd.DataFrame:
        known = self.profiles_[name]
        usual = SeasonalProfile(known["centre"], known["by_hour"], known["by_weekday"])
        raw = stream_features(*_columns(rows), usual, known["per_day"])
        columns = [feature for feature in NAMES if feature in self.features]
        return pd.DataFrame(self._scale(name, raw), columns=columns)

    def _scale(self, name: str, raw: np.ndarray) -> np.ndarray:
        scale = self.scales_[name]
        away = (raw - scale["centre"]) / scale["spread"]
        away[:, 3:] = np.maximum(away[:, 3:], 0.0)  # calm, as over a gap that was filled, is no fault
        seen = [place for place, feature in enumerate(NAMES) if feature in self.features]
        return np.nan_to_num(np.abs(away[:, seen]), nan=0.0)

    def _score(self, scaled: np.ndarray) -> np.ndarray:
        if self.kind == "forest":
            return np.asarray(-self.forest_.score_samples(scaled))
        return np.asarray((scaled / self.reach_).max(axis=1))


def _columns(rows: pd.DataFrame) -> tuple[pd.DatetimeIndex, np.ndarray]:
    return pd.DatetimeIndex(rows["timestamp"]), rows["value"].to_numpy(np.float64)


def _per_day(times: pd.DatetimeIndex) -> int:
    step = np.median(np.diff(times.to_numpy()).astype("timedelta64[s]").astype(float))
    return max(1, round(86_400 / max(1.0, float(step))))
