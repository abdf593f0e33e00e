"""Pictures of what a model looks at."""

from __future__ import annotations

import numpy as np

from gauntlet.tasks.report.canvas import COLOURS, GREY, picture, png
from gauntlet.tasks.tabular.explanation import Explanation


def importance_bars(explanation: Explanation) -> bytes:
    """Loss of PR-AUC per shuffled raw column."""
    losses = explanation.importance[::-1]
    figure, axes = picture(5.2, 0.35 * len(losses) + 1.4)
    axes.barh(losses.index, losses.to_numpy(), color=COLOURS[0])
    axes.set(xlabel="PR-AUC lost when shuffled, one held-out fold", title="Which measurements matter")
    return png(figure)


def shap_beeswarm(explanation: Explanation) -> bytes | None:
    """SHAP value of each sampled row and feature, coloured by the feature's value; None without SHAP values."""
    if explanation.shap is None:
        return None
    values, features = explanation.shap, explanation.features
    order = np.argsort(np.abs(values).mean(0))
    figure, axes = picture(6.4, 0.34 * len(order) + 1.4)
    rng = np.random.default_rng(0)
    points = None
    for place, column in enumerate(order):
        ranks = features.iloc[:, column].rank(pct=True)
        heights = place + rng.uniform(-0.28, 0.28, len(values))
        points = axes.scatter(values[:, column], heights, c=ranks, cmap="coolwarm", s=5, linewidths=0)
    axes.axvline(0, color=GREY, linewidth=0.8)
    axes.set_yticks(range(len(order)), [features.columns[column] for column in order])
    axes.set(xlabel="SHAP value: towards running on (−) or failing (+)", title="What moved each judgement")
    if points is not None:
        bar = figure.colorbar(points, ax=axes, ticks=[0.02, 1.0], shrink=0.7)
        bar.ax.set_yticklabels(["low", "high"])
    return png(figure)
