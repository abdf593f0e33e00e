"""Pictures of sensor streams: readings with faults and alarms, what was found by kind, quality before and after faults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gauntlet.tasks.report.canvas import COLOURS, GREY, blank, picture, png

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False)
class StreamPanel:
    """One sensor: days since its first reading, readings, (first, last) day of each fault, flagged rows, learnt days."""

    title: str
    days: np.ndarray
    values: np.ndarray
    faults: tuple[tuple[float, float], ...]
    flagged: np.ndarray
    learnt: float


def streams(panels: Sequence[StreamPanel]) -> bytes:
    """A panel per sensor, readings over time, labelled faults shaded, flagged rows as dots."""
    figure = blank(9.0, 1.5 * len(panels) + 0.8)
    axes: list[Axes] = list(np.atleast_1d(figure.subplots(len(panels), 1, sharex=True)))
    for axis, panel in zip(axes, panels, strict=True):
        axis.plot(panel.days, panel.values, color=GREY, linewidth=0.6)
        axis.plot(panel.days[panel.flagged], panel.values[panel.flagged], ".", color=COLOURS[1], markersize=3)
        for first, last in panel.faults:
            axis.axvspan(first, last, color=COLOURS[0], alpha=0.25, linewidth=0)
        axis.axvline(panel.learnt, color=COLOURS[2], linestyle="--", linewidth=1)
        axis.set_title(panel.title, fontsize=8, loc="left")
        axis.tick_params(labelsize=7)
        axis.spines[["top", "right"]].set_visible(False)
    axes[-1].set_xlabel("days", fontsize=8)
    handles = [
        axes[0].plot([], [], ".", color=COLOURS[1], label="flagged")[0],
        axes[0].fill_between([], [], [], color=COLOURS[0], alpha=0.25, label="labelled fault"),
        axes[0].plot([], [], color=COLOURS[2], linestyle="--", label="end of what was learnt from")[0],
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, fontsize=7, frameon=False)
    return png(figure)


def bars(table: Mapping[str, Mapping[str, float]], label: str) -> bytes:
    """Bars of a figure by group, one colour per model; `table`: group -> model -> value, missing ones left out."""
    groups = list(table)
    models = list(dict.fromkeys(model for row in table.values() for model in row))
    figure, axes = picture(7.0, 3.6)
    width = 0.8 / max(1, len(models))
    for place, model in enumerate(models):
        values = [table[group].get(model, np.nan) for group in groups]
        at = np.arange(len(groups)) + (place - (len(models) - 1) / 2) * width
        axes.bar(at, values, width, color=COLOURS[place % len(COLOURS)], label=model)
    axes.set_xticks(np.arange(len(groups)), groups, fontsize=8)
    axes.set_ylabel(label)
    axes.legend(fontsize=6, frameon=False, loc="upper center", bbox_to_anchor=(0.5, 1.25), ncols=2)
    return png(figure)


def scatter(expected: np.ndarray, measured: np.ndarray, names: Sequence[str]) -> bytes:
    """Measured over expected quality score [percent], a colour per injected fault; on the diagonal they agree."""
    figure, axes = picture()
    low = min(float(expected.min()), float(measured.min())) - 1
    axes.plot([low, 100], [low, 100], color=GREY, linestyle=":")
    for place, name in enumerate(dict.fromkeys(names)):
        mine = np.asarray([one == name for one in names])
        axes.plot(expected[mine], measured[mine], "o", color=COLOURS[place % len(COLOURS)], label=name, alpha=0.7)
    axes.set_xlabel("score expected from the injected share [%]")
    axes.set_ylabel("score measured [%]")
    axes.legend(fontsize=7, frameon=False)
    return png(figure)
