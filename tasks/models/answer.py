"""What a registered model answers to rows: a frame with the same columns for every model of its sort.

forecaster   forecast, lower_80, upper_80, lower_95, upper_95       one row a step; of a series' own rows (a time, a
             value), those of the steps that follow, their times as index
scaler       the transformed features, by name
detector     score (higher is more abnormal), alarm (0 or 1), threshold
classifier   the same; its score is the probability of the second class
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

LEVELS = (80, 95)  # percent that an interval covers
HISTORY = (
    "history"  # the column of a forecaster's rows that holds the last values; without it rows are the series itself
)

# What each column means; a model's folder says so beside its recipe.
MEANING = {
    "score": "higher is more abnormal",
    "alarm": "1 where the score is past the threshold, else 0",
    "threshold": "learnt from training rows alone",
    "forecast": "in the series' unit",
    "lower_80": "lower end of the interval that covers 80 %",
    "upper_80": "upper end of the interval that covers 80 %",
    "lower_95": "lower end of the interval that covers 95 %",
    "upper_95": "upper end of the interval that covers 95 %",
}


def answer(model: Any, rows: pd.DataFrame) -> pd.DataFrame:
    """The model's answer, as many rows as were given and with their index.

    Raises:
        TypeError: the model has none of the methods that are asked for.
    """
    for method, ask in _ASK:
        if hasattr(model, method):
            return ask(model, rows)
    raise TypeError(f"{type(model).__name__} neither predicts nor transforms")


def _forecast(model: Any, rows: pd.DataFrame) -> pd.DataFrame:
    if HISTORY not in rows.columns:
        rows = steps_after(model, rows)
    columns = {"forecast": model.predict(rows)}
    for level in LEVELS:
        columns[f"lower_{level}"], columns[f"upper_{level}"] = model.predict_interval(rows, level).T
    return pd.DataFrame(columns, index=rows.index)


def few(model: Any, rows: pd.DataFrame, most: int) -> pd.DataFrame:
    """Rows enough for an answer: the first `most`; of a series the last ones, as many as its forecaster looks back on."""
    if hasattr(model, "predict_interval") and HISTORY not in rows.columns:
        return rows.tail(max(most, int(model.lookback))).reset_index(drop=True)
    return rows.head(most)


def steps_after(model: Any, series: pd.DataFrame) -> pd.DataFrame:
    """What a forecaster is asked for every step that it has an interval for, after the last row of a series.

    Args:
        series: one column of times and one of numbers, oldest first, equally spaced.

    Raises:
        ValueError: which column holds the times or the values cannot be told.
    """
    times, values = series.select_dtypes("datetime").columns, series.select_dtypes("number").columns
    if len(times) != 1 or len(values) != 1 or len(series) < 2:
        raise ValueError("a series is one column of times and one of numbers, of two rows and more")
    at, history = pd.DatetimeIndex(series[times[0]]), series[values[0]].tolist()
    horizon = len(getattr(model, f"half_width_{LEVELS[0]}_"))
    index = pd.DatetimeIndex(at[-1] + (at[-1] - at[-2]) * np.arange(1, horizon + 1), name=times[0])
    columns = {"origin": str(at[-1]), "step": np.arange(1, horizon + 1), HISTORY: [history] * horizon}
    return pd.DataFrame(columns, index=index)


def _transformed(model: Any, rows: pd.DataFrame) -> pd.DataFrame:
    values = model.transform(rows)
    if isinstance(values, pd.DataFrame):
        return values
    names = [str(name) for name in model.get_feature_names_out()] if hasattr(model, "get_feature_names_out") else None
    return pd.DataFrame(np.asarray(values), index=rows.index, columns=names or rows.columns)


def _by_distance(model: Any, rows: pd.DataFrame) -> pd.DataFrame:
    return _scored(model, rows, model.decision_function(rows))


def _by_probability(model: Any, rows: pd.DataFrame) -> pd.DataFrame:
    return _scored(model, rows, model.predict_proba(rows)[:, 1])


def _by_prediction(model: Any, rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"score": np.asarray(model.predict(rows), np.float64)}, index=rows.index)


def _scored(model: Any, rows: pd.DataFrame, score: np.ndarray) -> pd.DataFrame:
    columns = {"score": np.asarray(score, np.float64), "alarm": np.asarray(model.predict(rows), np.int64)}
    if (threshold := threshold_of(model)) is not None:
        columns["threshold"] = np.full(len(rows), threshold)
    return pd.DataFrame(columns, index=rows.index)


def threshold_of(model: Any) -> float | None:
    """The score past which the model, or the last step of a pipeline, alarms; None where it has no such number."""
    last = model.steps[-1][1] if hasattr(model, "steps") else model
    threshold = getattr(last, "threshold_", None)
    return None if threshold is None else float(threshold)


# First match wins: a forecaster predicts, too, and a detector may give probabilities beside its score.
_ASK: tuple[tuple[str, Callable[[Any, pd.DataFrame], pd.DataFrame]], ...] = (
    ("predict_interval", _forecast),
    ("transform", _transformed),
    ("decision_function", _by_distance),
    ("predict_proba", _by_probability),
    ("predict", _by_prediction),
)
