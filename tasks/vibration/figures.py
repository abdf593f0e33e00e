"""Pictures of bearings: health index over a life, spectra over a life, an envelope spectrum with the fault lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gauntlet.datasets.bearing import ELEMENTS
from gauntlet.tasks.report.canvas import COLOURS, GREY, blank, picture, png

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False)
class IndexPanel:
    """One bearing's health index: hours, smoothed index [standard deviations], limit; the moments in hours."""

    title: str
    hours: np.ndarray
    index: np.ndarray
    limit: float
    healthy_h: float
    published_h: float | None = None
    alarm_h: float | None = None
    failure_h: float | None = None
    crosstalk: bool = False


def health_index(panels: Sequence[IndexPanel], title: str) -> bytes:
    """A panel per bearing: what was learnt from, the index, the limit, published onset, alarm and failure."""
    columns = min(4, len(panels))
    rows = -(-len(panels) // columns)
    figure = blank(max(5.2, 3.0 * columns), 1.9 * rows + 0.9)
    axes = np.atleast_1d(figure.subplots(rows, columns, squeeze=False)).ravel()
    for axis, panel in zip(axes, panels, strict=False):
        _index_panel(axis, panel)
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    handles = [
        axes[0].plot([], [], color=COLOURS[0], label="health index")[0],
        axes[0].plot([], [], color=GREY, linestyle=":", label="limit")[0],
        axes[0].plot([], [], color=COLOURS[4], linestyle="-.", label="published onset")[0],
        axes[0].plot([], [], color=COLOURS[1], label="alarm")[0],
        axes[0].plot([], [], color=COLOURS[6], linestyle="--", label="failure")[0],
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=5, fontsize=7, frameon=False)
    figure.suptitle(title, fontsize=10)
    return png(figure)


def _index_panel(axes: Axes, panel: IndexPanel) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.axvspan(panel.hours[0], panel.healthy_h, color=COLOURS[2], alpha=0.12, linewidth=0)
    step = max(1, len(panel.hours) // 1_500)
    axes.plot(panel.hours[::step], panel.index[::step], color=COLOURS[0], linewidth=0.9)
    axes.axhline(panel.limit, color=GREY, linestyle=":", linewidth=0.9)
    marks = (
        (panel.published_h, COLOURS[4], "-."),
        (panel.alarm_h, COLOURS[1], "-"),
        (panel.failure_h, COLOURS[6], "--"),
    )
    for hour, colour, style in marks:
        if hour is not None:
            axes.axvline(hour, color=colour, linestyle=style, linewidth=1.1)
    note = " (cross-talk)" if panel.crosstalk else ""
    axes.set_title(f"{panel.title}{note}", fontsize=7.5)
    axes.tick_params(labelsize=6.5)
    axes.set_xlabel("hours", fontsize=6.5)


def waterfall(title: str, hours: np.ndarray, hertz: np.ndarray, level: np.ndarray, alarm_h: float | None) -> bytes:
    """Amplitude over frequency and life, in decibels over the first tenth of the life."""
    first = np.median(level[: max(1, len(level) // 10)], axis=0)
    decibel = (level - first) * 20 / np.log(10)
    figure, axes = picture(6.4, 3.6)
    axes.grid(visible=False)
    reach = float(max(6.0, np.quantile(np.abs(decibel), 0.995)))
    mesh = axes.pcolormesh(hertz / 1000, hours, decibel, cmap="RdBu_r", vmin=-reach, vmax=reach, shading="nearest")
    figure.colorbar(mesh, ax=axes, label="dB over the first tenth")
    if alarm_h is not None:
        axes.axhline(alarm_h, color="black", linewidth=1.0)
        axes.annotate("alarm", (hertz[0] / 1000, alarm_h), fontsize=7, va="bottom")
    axes.set(xlabel="frequency [kHz]", ylabel="hours", title=title)
    axes.title.set_fontsize(9)
    return png(figure)


def envelope_lines(
    title: str, hertz: np.ndarray, prominence: np.ndarray, lines: Mapping[str, Sequence[float]], named: str | None
) -> bytes:
    """Envelope spectrum over its noise floor with the four families of fault lines; the named one is drawn strongest.

    Args:
        prominence: natural log of bin over local floor.
        lines: harmonics [Hz] by element.
    """
    figure, axes = picture(6.8, 3.6)
    axes.plot(hertz, np.maximum(np.exp(prominence), 1.0), color="#30343b", linewidth=0.7)
    for element, colour in zip(ELEMENTS, COLOURS, strict=False):
        for k, place in enumerate(lines[element]):
            strong = element == named
            axes.axvline(
                place,
                color=colour,
                linestyle="-" if strong else ":",
                linewidth=1.6 if strong else 0.9,
                alpha=0.9 if strong else 0.7,
                label=f"{element}{' (named)' if strong else ''}" if k == 0 else None,
                zorder=0,
            )
    axes.set(xlabel="envelope frequency [Hz]", ylabel="times the noise floor", title=title, yscale="log")
    axes.set_xlim(0, hertz[-1])
    axes.title.set_fontsize(9)
    axes.legend(fontsize=7, loc="upper right")
    return png(figure)
