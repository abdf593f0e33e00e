"""The reference against a window: Evidently's report, and the numbers that the verdict is made of."""

from __future__ import annotations

import html
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from gauntlet.datasets.errors import BadInput
from gauntlet.tasks.drift import statistics
from gauntlet.tasks.drift.calibration import LEVEL, Calibration, calibrate, rows_per_independent_one
from gauntlet.tasks.drift.order import serial_order
from gauntlet.tasks.drift.performance import Performance, performance
from gauntlet.tasks.drift.statistics import is_number, sample_rows

PICTURED = 6  # features that moved most, with their distributions drawn
TIMES = ("time", "timestamp", "date")


@dataclass(frozen=True)
class Columns:
    """What the columns of a scored window are; every other column that the reference has, too, is a feature.

    `score`: the model's number. `prediction`: its decision. `label`: the truth, which may come later or in part.
    """

    score: str | None = "score"
    prediction: str | None = "prediction"
    label: str | None = "label"
    ignored: tuple[str, ...] = ()

    @property
    def no_features(self) -> set[str]:
        """Names that are no features."""
        return {name for name in (self.score, self.prediction, self.label) if name} | set(self.ignored)


@dataclass(frozen=True)
class FeatureShift:
    """A column's two numbers as the report has them, with their thresholds; categories have no KS."""

    name: str
    psi: float
    psi_threshold: float
    ks: float | None = None
    ks_threshold: float | None = None

    @property
    def moved(self) -> bool:
        """Whether one of the two is at or above its threshold."""
        by_ks = self.ks is not None and self.ks_threshold is not None and self.ks >= self.ks_threshold
        return self.psi >= self.psi_threshold or by_ks

    @property
    def excess(self) -> float:
        """The greater of the two in multiples of its threshold."""
        by_ks = self.ks / self.ks_threshold if self.ks is not None and self.ks_threshold else 0.0
        return max(self.psi / self.psi_threshold, by_ks)


@dataclass(frozen=True, eq=False)
class DriftReport:
    """A window against the reference. `share`, and every number of `features` and `prediction`, is the report's own.

    `drifted`: at least one feature moved, which undrifted windows do in at most `level` of all cases. `prediction`:
    drift of the score, None where there is none. `performance`: from labels, or an estimate that says so.
    `rows`, `reference_rows`: compared, after sampling. `skipped`: features that cannot be compared, with the reason.
    `html`: the page, asks for nothing from outside.
    """

    features: tuple[FeatureShift, ...]
    share: float
    level: float
    window_rows: int
    rows: int
    reference_rows: int
    prediction: FeatureShift | None
    performance: Performance | None
    skipped: Mapping[str, str]
    calibration: Calibration
    document: Mapping[str, Any] = field(repr=False)
    html: bytes = field(repr=False)

    @property
    def moved(self) -> tuple[str, ...]:
        """The features that moved, greatest excess first."""
        return tuple(
            feature.name for feature in sorted(self.features, key=lambda feature: -feature.excess) if feature.moved
        )

    @property
    def drifted(self) -> bool:
        """Whether any feature, or the prediction, moved."""
        return bool(self.moved) or (self.prediction is not None and self.prediction.moved)

    def summary(self) -> dict[str, Any]:
        """The verdict's numbers as plain types, for a log, an event or a table; without the page."""
        shifts = (*self.features, self.prediction) if self.prediction else self.features
        return {
            "drifted": self.drifted,
            "share": self.share,
            "moved": list(self.moved),
            "level": self.level,
            "window_rows": self.window_rows,
            "order": self.calibration.order,
            "features": {shift.name: {**asdict(shift), "moved": shift.moved} for shift in shifts},
            "performance": asdict(self.performance) if self.performance else None,
            "skipped": dict(self.skipped),
        }


def compare(
    reference: pd.DataFrame,
    window: pd.DataFrame,
    seed: int = 7,
    *,
    columns: Columns | None = None,
    calibration: Calibration | None = None,
    level: float = LEVEL,
) -> DriftReport:
    """The report of a window against the reference, on the same sample of at most 9,999 rows a side every time.

    Args:
        reference: the champion's healthy rows, oldest first; with `score` and `label` where these are known.
        window: newest rows, oldest first.
        calibration: thresholds made before, for windows of this size or smaller; by default they are made here.

    Raises:
        BadInput: nothing to compare, or the calibration is for larger windows or lacks a feature.
    """
    columns = columns or Columns()
    names, skipped = _comparable(reference, window, columns)
    old, new = reference[names], window[names]
    calibration = calibration or calibration_for(old, new, seed, level)
    _check(calibration, names, len(new))
    old = _plain(old.iloc[sample_rows(len(old), seed)])
    new = _plain(new.iloc[sample_rows(len(new), seed)])
    numbers = [name for name in names if is_number(old[name])]
    psi, ks = ({name: limits[name] for name in names if name in limits} for limits in (calibration.psi, calibration.ks))
    quality = performance(reference, window, columns.label, columns.prediction, columns.score)
    score = [name for name in names if name == columns.score]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Evidently and what it imports; nothing that a user could act on
        from gauntlet.tasks.drift import _evidently

        pictured = _most_moved(old, new, psi, ks)
        figures = quality.figures if quality else {}
        estimated = quality is not None and quality.estimated
        document, page = _evidently.run(old, new, numbers, score, psi, ks, pictured, figures, estimated)
    shifts, share = _numbers(document, names)
    return DriftReport(
        features=tuple(shift for shift in shifts if shift.name not in score),
        share=share,
        level=calibration.level,
        window_rows=len(window),
        rows=len(new),
        reference_rows=len(old),
        prediction=next((shift for shift in shifts if shift.name in score), None),
        performance=quality,
        skipped=skipped,
        calibration=calibration,
        document=document,
        html=page.encode(),
    )


def calibration_for(reference: pd.DataFrame, window: pd.DataFrame, seed: int = 7, level: float = LEVEL) -> Calibration:
    """Thresholds for windows of this window's size and autocorrelation, for the columns that both have.

    Raises:
        BadInput: see `calibrate`.
    """
    order = serial_order(reference, window, seed)
    held = rows_per_independent_one(window) if order == "held" else None
    return calibrate(reference, len(window), seed=seed, level=level, order=order, held=held)


def _comparable(reference: pd.DataFrame, window: pd.DataFrame, columns: Columns) -> tuple[list[str], dict[str, str]]:
    skipped: dict[str, str] = {}
    names: list[str] = []
    for name in map(str, reference):
        if name in columns.no_features and name != columns.score:
            continue
        if pd.api.types.is_datetime64_any_dtype(reference[name]) or name.lower() in TIMES:
            continue
        if name not in window:
            why = "missing in the window" if name != columns.score else ""
        elif not _finite(reference[name]).any() or not _finite(window[name]).any():
            why = "no value"
        elif is_number(reference[name]) != is_number(window[name]):
            why = f"{window[name].dtype} instead of {reference[name].dtype}"
        else:
            names.append(name)
            continue
        if why:
            skipped[name] = why
    if not [name for name in names if name != columns.score]:
        saw = "; ".join(f"{name}: {why}" for name, why in list(skipped.items())[:3])
        raise BadInput(None, "no feature of the window can be compared", saw=saw or "none", expected="the reference's")
    return names, skipped


def _finite(column: pd.Series) -> pd.Series:
    return pd.Series(np.isfinite(column.to_numpy(np.float64))) if is_number(column) else column.notna()


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Floats and texts: Evidently bins whole numbers otherwise, and knows no pandas categories."""
    kinds = {name: np.float64 if is_number(frame[name]) else object for name in frame}
    return frame.astype(kinds).reset_index(drop=True)


def _check(calibration: Calibration, names: list[str], rows: int) -> None:
    absent = [name for name in names if name not in calibration.psi]
    if absent:
        raise BadInput(None, "the calibration lacks a feature", column=str(absent[0]), do="calibrate again")
    if rows < calibration.window_rows:
        expected = f"at least {calibration.window_rows} rows, which the thresholds were calibrated for"
        raise BadInput(None, "the window is too small", saw=f"{rows} rows", expected=expected, do="calibrate again")


def _most_moved(
    old: pd.DataFrame, new: pd.DataFrame, psi: Mapping[str, float], ks: Mapping[str, float]
) -> list[tuple[str, str]]:
    """Features to be drawn, each by the statistic that says more; only their order is decided here, no number shown."""
    excess: dict[tuple[str, str], float] = {}
    for name in psi:
        before, now = (frame[name].dropna().to_numpy() for frame in (old, new))
        if name not in ks:
            excess[name, "psi"] = statistics.psi(before.astype(str), now.astype(str), categories=True) / psi[name]
            continue
        before, now = before[np.isfinite(before)], now[np.isfinite(now)]
        by_psi, by_ks = statistics.psi(before, now) / psi[name], statistics.ks(before, now) / ks[name]
        excess[(name, "psi") if by_psi >= by_ks else (name, "ks_distance")] = max(by_psi, by_ks)
    return sorted(excess, key=lambda key: -excess[key])[:PICTURED]


def _numbers(document: Mapping[str, Any], names: list[str]) -> tuple[list[FeatureShift], float]:
    """What the snapshot says, feature by feature, and its share of drifted features."""
    read: dict[str, dict[str, tuple[float, float]]] = {}
    share = float("nan")
    for metric in document["metrics"]:
        setting, value = metric["config"], metric["value"]
        if setting["type"].endswith(":FeatureDrift"):
            read.setdefault(html.unescape(setting["column"]), {})[setting["method"]] = (
                float(value),
                float(setting["threshold"]),
            )
        elif setting["type"].endswith(":DriftedFeatures"):
            share = float(value["share"])
    shifts = [FeatureShift(name, *read[name]["psi"], *read[name].get("ks_distance", (None, None))) for name in names]
    return shifts, share
