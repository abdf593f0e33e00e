"""Pictures of a forecast: with its intervals beside what came, its error over the origins, and its coverage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from gauntlet.tasks.report.canvas import COLOURS, GREY, picture, png


def forecast(
    title: str,
    past: pd.Series,
    actual: pd.Series,
    ahead: np.ndarray,
    half: Mapping[int, np.ndarray],
    others: Mapping[str, np.ndarray],
) -> bytes:
    """The past, what came, the forecast (horizon,) with its 80 and 95 % intervals, and other models' forecasts.

    `past` and `actual` are indexed by time; all in the series' unit.
    """
    figure, axes = picture(7.6, 3.8)
    axes.plot(past.index, past.to_numpy(), color=GREY, linewidth=1.0, label="past")
    for level, shade in ((95, 0.15), (80, 0.25)):
        axes.fill_between(
            actual.index,
            ahead - half[level],
            ahead + half[level],
            color=COLOURS[0],
            alpha=shade,
            linewidth=0,
            label=f"{level} % interval",
        )
    for colour, (name, values) in zip(COLOURS[1:], others.items(), strict=False):
        axes.plot(actual.index, values, color=colour, linewidth=0.9, linestyle="--", label=name)
    axes.plot(actual.index, actual.to_numpy(), color="black", linewidth=1.1, label="what came")
    axes.plot(actual.index, ahead, color=COLOURS[0], linewidth=1.6, label="forecast")
    axes.set_title(title, fontsize=9)
    axes.tick_params(axis="x", labelsize=7, rotation=20)
    axes.legend(fontsize=6.5, ncols=2, loc="best")
    return png(figure)


def errors_by_origin(metric: str, errors: Mapping[str, np.ndarray], strong: str) -> bytes:
    """The error of each model at each common origin, (origins,), the champion's line strong."""
    figure, axes = picture(6.4, 3.8)
    for number, (name, values) in enumerate(errors.items()):
        axes.plot(
            np.arange(1, len(values) + 1),
            values,
            marker="o",
            markersize=3,
            color=COLOURS[number % len(COLOURS)],
            linewidth=2.2 if name == strong else 0.9,
            linestyle="-" if number < len(COLOURS) else ":",
            label=name,
        )
    axes.set(xlabel="common origin", ylabel=metric.upper(), title="Error at each origin", yscale="log")
    axes.legend(fontsize=6, ncols=2)
    return png(figure)


def coverage(rows: Sequence[tuple[str, float, float]]) -> bytes:
    """The share of values inside the 80 and the 95 % interval, per model."""
    figure, axes = picture(6.4, 0.9 + 0.32 * len(rows))
    places = np.arange(len(rows))[::-1]
    for colour, level, values in (
        (COLOURS[5], 80, [row[1] for row in rows]),
        (COLOURS[0], 95, [row[2] for row in rows]),
    ):
        axes.plot(values, places, "o", color=colour, label=f"{level} % interval")
        axes.axvline(level / 100, color=colour, linestyle=":", linewidth=1)
    axes.set_yticks(places, [row[0] for row in rows], fontsize=7)
    low = min([0.7, *(min(row[1:]) for row in rows)])
    axes.set(xlabel="share of values inside", xlim=(low - 0.02, 1.01), title="Coverage on the test part")
    axes.legend(fontsize=7, loc="lower left")
    return png(figure)
