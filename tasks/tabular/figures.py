"""Pictures of a classifier: curves over all candidates, and the best one's confusion, calibration and cost."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from sklearn.metrics import precision_recall_curve, roc_curve

from gauntlet.tasks.metrics.classification import COST_PER_ROWS, Judged
from gauntlet.tasks.metrics.prices import Prices
from gauntlet.tasks.report.canvas import COLOURS, GREY, picture, png


def _pooled(answer: Judged) -> tuple[np.ndarray, np.ndarray]:
    """(labels, scores) of all repeats in a row."""
    return np.tile(answer.y, len(answer.probability)), answer.probability.ravel()


def _points(answer: Judged) -> tuple[float, float, float]:
    """(recall, precision, false alarm rate) of a yes-or-no answer."""
    y, flagged = answer.y, answer.flagged[0]
    hits, alarms = int((flagged & (y == 1)).sum()), int(flagged.sum())
    return hits / y.sum(), hits / alarms if alarms else 0.0, (alarms - hits) / (y == 0).sum()


def pr_curves(answers: Mapping[str, Judged], oracle: Judged) -> bytes:
    """Precision over recall of each candidate, out of fold; the oracle as a point, the base rate as a line."""
    figure, axes = picture()
    for colour, (name, answer) in zip(COLOURS, answers.items(), strict=False):
        precision, recall, _ = precision_recall_curve(*_pooled(answer), drop_intermediate=True)
        axes.plot(recall, precision, color=colour, label=name, linewidth=1.4)
    recall, precision, _ = _points(oracle)
    axes.plot(recall, precision, "*", color="black", markersize=11, label="rule oracle")
    axes.axhline(float(oracle.y.mean()), color=GREY, linestyle=":", label="base rate")
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1.01), ylim=(0, 1.03), title="Precision and recall")
    axes.legend(fontsize=7, loc="lower left")
    return png(figure)


def roc_curves(answers: Mapping[str, Judged], oracle: Judged) -> bytes:
    """Recall over false alarm rate of each candidate, out of fold; the oracle as a point."""
    figure, axes = picture()
    for colour, (name, answer) in zip(COLOURS, answers.items(), strict=False):
        false, true, _ = roc_curve(*_pooled(answer))
        axes.plot(false, true, color=colour, label=name, linewidth=1.4)
    recall, _, false_rate = _points(oracle)
    axes.plot(false_rate, recall, "*", color="black", markersize=11, label="rule oracle")
    axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="chance")
    axes.set(xlabel="false alarm rate", ylabel="recall", xlim=(-0.01, 1), ylim=(0, 1.03), title="ROC")
    axes.legend(fontsize=7, loc="lower right")
    return png(figure)


def confusion_matrix(name: str, answer: Judged) -> bytes:
    """Counts at the F1 threshold, mean over repeats."""
    y, flagged = answer.y[None, :] == 1, answer.flagged
    cells = np.array(
        [
            [(~y & ~flagged).sum(1).mean(), (~y & flagged).sum(1).mean()],
            [(y & ~flagged).sum(1).mean(), (y & flagged).sum(1).mean()],
        ]
    )
    figure, axes = picture(4.2, 3.6)
    axes.grid(visible=False)
    axes.imshow(cells / cells.sum(1, keepdims=True), cmap="Blues", vmin=0, vmax=1.4)
    for (row, column), count in np.ndenumerate(cells):
        axes.text(column, row, f"{count:,.0f}", ha="center", va="center", fontsize=13)
    axes.set_xticks([0, 1], ["silent", "alarm"])
    axes.set_yticks([0, 1], ["ran on", "failed"])
    axes.set(xlabel="prediction", ylabel="outcome", title=f"{name}\nout of fold, F1 threshold")
    axes.title.set_fontsize(8)
    return png(figure)


def calibration(name: str, answer: Judged, bins: int = 10) -> bytes:
    """Observed failure share over stated probability, in bins of equal width with Wilson 95 % intervals."""
    y, probability = _pooled(answer)
    bin_of = np.minimum((probability * bins).astype(int), bins - 1)
    count = np.bincount(bin_of, minlength=bins)
    used = count > 0
    stated = np.bincount(bin_of, probability, bins)[used] / count[used]
    observed = np.bincount(bin_of, y, bins)[used] / count[used]
    # Repeats judge the same rows again, so that they do not narrow the interval.
    low, high = wilson(observed, count[used] / len(answer.probability))
    figure, axes = picture()
    axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="perfect")
    errors = np.clip([observed - low, high - observed], 0, None)
    axes.errorbar(stated, observed, yerr=errors, fmt="o-", color=COLOURS[0], capsize=3, markersize=4, label=name)
    axes.set(xlabel="stated probability of a failure", ylabel="share that failed", title="Calibration, out of fold")
    axes.legend(fontsize=7, loc="upper left")
    return png(figure)


def wilson(share: np.ndarray, count: np.ndarray, z: float = 1.959964) -> tuple[np.ndarray, np.ndarray]:
    """95 % interval of a binomial share (Wilson 1927)."""
    centre = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    return centre - half, centre + half


def cost_curve(name: str, answer: Judged, prices: Prices, threshold: float) -> bytes:
    """Cost per 1,000 rows over the threshold, with the two free policies: never alarm, alarm always."""
    y, probability = _pooled(answer)
    order = np.argsort(-probability, kind="stable")
    missed = y.sum() - np.cumsum(y[order])
    false = np.cumsum(1 - y[order])
    cost = (missed * prices.miss + false * prices.false_alarm) / len(y) * COST_PER_ROWS
    step = max(1, len(order) // 2_000)
    figure, axes = picture()
    axes.plot(probability[order][::step], cost[::step], color=COLOURS[0], label=name)
    axes.axvline(min(threshold, 1.0), color=COLOURS[1], linestyle="--", label=f"chosen in training: {threshold:.3f}")
    never = float(y.mean()) * prices.miss * COST_PER_ROWS
    always = float(1 - y.mean()) * prices.false_alarm * COST_PER_ROWS
    axes.axhline(never, color=GREY, linestyle=":", label=f"never alarm: {never:,.0f}")
    axes.axhline(always, color=GREY, linestyle="-.", label=f"always alarm: {always:,.0f}")
    axes.set(xlabel="threshold", ylabel=f"cost per {COST_PER_ROWS:,} processes", title="Cost at the stated prices")
    axes.set_xscale("symlog", linthresh=0.01)
    axes.set_xlim(0, 1)
    axes.legend(fontsize=7)
    return png(figure)
