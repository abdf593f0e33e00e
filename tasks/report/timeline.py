"""Pictures over time: a score against its limit with what really happened, and which sensors spoke."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from gauntlet.tasks.report.canvas import COLOURS, GREY, picture, png


def score_timeline(
    time: np.ndarray,
    score: np.ndarray,
    limit: float,
    spans: Sequence[tuple[float, float]],
    title: str,
    *,
    marks: Sequence[float] = (),
    unit: str = "s",
    span_label: str = "labelled anomaly",
) -> bytes:
    """The score over time with its limit, labelled spans shaded and moments (failures) as lines; at most 3,000 points.

    Of each bin of points the largest is drawn, so that no short peak is lost.
    """
    step = max(1, len(time) // 3_000)
    starts = np.arange(0, len(time), step)
    figure, axes = picture(10.5, 2.6)
    for number, (start, end) in enumerate(spans):
        axes.axvspan(start, end, color=COLOURS[4], alpha=0.3, linewidth=0, label=span_label if number == 0 else None)
    for number, moment in enumerate(marks):
        axes.axvline(moment, color=COLOURS[1], linewidth=1.2, label="failure" if number == 0 else None)
    axes.plot(time[starts], np.maximum.reduceat(score, starts), color=COLOURS[0], linewidth=0.8, label="score")
    axes.axhline(limit, color=GREY, linestyle="--", linewidth=1, label="limit")
    top = float(np.nanquantile(score, 0.998))
    axes.set(xlabel=f"time [{unit}]", ylabel="score", title=title, ylim=(0, max(2 * limit, 1.15 * top)))
    axes.set_xlim(float(time[0]), float(time[-1]))
    axes.legend(fontsize=7, loc="upper left", ncols=4)
    return png(figure)


def contribution_bars(shares: Mapping[str, float], title: str, most: int = 10) -> bytes:
    """Mean share of each sensor in the score, largest first."""
    largest = sorted(shares.items(), key=lambda item: -item[1])[:most][::-1]
    figure, axes = picture(5.2, 0.8 + 0.3 * len(largest))
    axes.barh([name for name, _ in largest], [share for _, share in largest], color=COLOURS[0])
    axes.set(xlabel="share of the score", title=title)
    axes.title.set_fontsize(9)
    return png(figure)


def level_bars(values: Mapping[str, tuple[float, float, float]], reference: Mapping[str, float], metric: str) -> bytes:
    """(estimate, low, high) per model as points with intervals, reference figures as grey points."""
    names = [*reference, *values][::-1]
    figure, axes = picture(5.8, 0.9 + 0.28 * len(names))
    for place, name in enumerate(names):
        if name in values:
            estimate, low, high = values[name]
            axes.errorbar(
                estimate, place, xerr=[[estimate - low], [high - estimate]], fmt="o", color=COLOURS[0], capsize=3
            )
        else:
            axes.plot(reference[name], place, "o", color=GREY)
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.set(xlabel=metric, xlim=(0, 1))
    return png(figure)
