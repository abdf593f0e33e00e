"""What the best model looks at: permutation importance on held-out rows, and SHAP values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.metrics import average_precision_score

from gauntlet.tasks.metrics.cross_validation import Folds

SHAP_ROWS = 600


@dataclass(frozen=True)
class Explanation:
    """`importance`: PR-AUC lost when a raw column is shuffled, by column. `shap`: rows x features, or None."""

    importance: pd.Series
    features: pd.DataFrame
    shap: np.ndarray | None


def permutation_importance(
    pipeline: Any, X: pd.DataFrame, y: np.ndarray, folds: Folds, seed: int, shuffles: int = 5
) -> pd.Series:
    """Mean loss of PR-AUC per shuffled raw column on one held-out fold, largest first (Breiman 2001, section 10)."""
    _, train, test = next(iter(folds))
    fitted = clone(pipeline).fit(X.iloc[train], y[train])
    held_out, truth = X.iloc[test], y[test]
    whole = average_precision_score(truth, fitted.predict_proba(held_out)[:, 1])
    rng = np.random.default_rng(seed)
    losses = {}
    for column in X.columns:
        copies = [held_out.assign(**{column: rng.permutation(held_out[column].to_numpy())}) for _ in range(shuffles)]
        scores = fitted.predict_proba(pd.concat(copies))[:, 1].reshape(shuffles, -1)
        losses[column] = whole - np.mean([average_precision_score(truth, score) for score in scores])
    return pd.Series(losses).sort_values(ascending=False)


def shap_values(pipeline: Any, X: pd.DataFrame, y: np.ndarray, seed: int) -> tuple[pd.DataFrame, np.ndarray | None]:
    """(features of a sample, SHAP values of the failure class in the tree model's own scale).

    TreeSHAP (Lundberg et al. 2020) for forests and boosting; None for other kinds. The sample holds as many failures as
    others where it can, else the failures would hardly be seen.
    """
    rng = np.random.default_rng(seed)
    failures, others = np.flatnonzero(y == 1), np.flatnonzero(y == 0)
    half = min(len(failures), SHAP_ROWS // 2)
    rest = min(len(others), SHAP_ROWS - half)
    chosen = np.r_[rng.choice(failures, half, replace=False), rng.choice(others, rest, replace=False)]
    features = pipeline[:-1].transform(X.iloc[chosen])
    model = pipeline[-1].estimator_
    if hasattr(model, "booster_"):  # LightGBM brings exact TreeSHAP, much faster
        return features, np.asarray(model.booster_.predict(features, pred_contrib=True))[:, :-1]
    if hasattr(model, "estimators_"):
        import shap  # three seconds, so only where it is needed

        values = np.asarray(shap.TreeExplainer(model).shap_values(features, check_additivity=False))
        return features, values[..., 1]
    return features, None


def explain(pipeline: Any, X: pd.DataFrame, y: np.ndarray, folds: Folds, seed: int) -> Explanation:
    """Both views of a fitted pipeline."""
    features, values = shap_values(pipeline, X, y, seed)
    return Explanation(permutation_importance(pipeline, X, y, folds, seed), features, values)
