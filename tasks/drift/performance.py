"""How good the champion is on a window: from labels where they came in, else an estimate that says it is one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

LEAST_LABELLED = 20


@dataclass(frozen=True)
class Performance:
    """Figures by name (precision, recall, f1, accuracy; or mae, rmse). `rows`: that they are over.

    `estimated`: not measured; `note` says how they came about, and what they take for granted.
    """

    figures: Mapping[str, float]
    rows: int
    estimated: bool
    note: str


def performance(
    reference: pd.DataFrame, window: pd.DataFrame, label: str | None, prediction: str | None, score: str | None
) -> Performance | None:
    """The figures over the labelled rows of a window, the estimate where fewer than 20 are, None where neither can be.

    The estimate (confidence-based, as NannyML's CBPE): scores are turned into probabilities by the reference's labels
    (isotonic regression), and a row counts as a fault by that probability. It cannot see that faults look different
    from those of the reference.
    """
    if prediction is None or prediction not in window:
        return None
    if label is not None and label in window:
        known = window[window[label].notna() & window[prediction].notna()]
        if len(known) >= LEAST_LABELLED:
            truth, said = known[label].to_numpy(np.float64), known[prediction].to_numpy(np.float64)
            figures = _decisions(truth, said) if _binary(truth) and _binary(said) else _errors(truth, said)
            return Performance(figures, len(known), False, f"from {len(known)} labelled rows of {len(window)}")
    if label is None or score is None or not {label, score} <= set(reference) or score not in window:
        return None
    return _estimate(reference[[label, score]].dropna(), window[[score, prediction]].dropna(), label, prediction, score)


def _estimate(
    reference: pd.DataFrame, window: pd.DataFrame, label: str, prediction: str, score: str
) -> Performance | None:
    truth, said = reference[label].to_numpy(np.float64), window[prediction].to_numpy(np.float64)
    if len(np.unique(truth)) != 2 or not _binary(truth) or not _binary(said) or not len(window):
        return None
    from sklearn.isotonic import IsotonicRegression

    curve = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip")
    curve.fit(reference[score].to_numpy(np.float64), truth)
    probability = curve.predict(window[score].to_numpy(np.float64))
    note = (
        f"an ESTIMATE, no labels yet: expected over {len(window)} rows from their scores, as scores and labels went "
        f"together in {len(reference)} rows of the reference; faults of a new kind would not show in it"
    )
    return Performance(_decisions(probability, said), len(window), True, note)


def _binary(values: np.ndarray) -> bool:
    return bool(np.isin(values, (0.0, 1.0)).all())


def _decisions(truth: np.ndarray, said: np.ndarray) -> dict[str, float]:
    """Of decisions (n,) 0 or 1 and truth (n,) 0, 1 or a probability; figures without a denominator are left out."""
    hits, false, missed = float(truth @ said), float((1 - truth) @ said), float(truth @ (1 - said))
    parts = {
        "precision": (hits, hits + false),
        "recall": (hits, hits + missed),
        "f1": (2 * hits, 2 * hits + false + missed),
        "accuracy": (len(truth) - false - missed, float(len(truth))),
    }
    return {name: above / below for name, (above, below) in parts.items() if below > 0}


def _errors(truth: np.ndarray, said: np.ndarray) -> dict[str, float]:
    error = said - truth
    return {"mae": float(np.mean(np.abs(error))), "rmse": float(np.sqrt(np.mean(error**2)))}
