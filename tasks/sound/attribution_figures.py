"""Pictures of where a clip's score comes from: its spectrogram, features, bands and moments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gauntlet.tasks.report.canvas import COLOURS, blank, picture, png
from gauntlet.tasks.sound.attribution import ClipAttribution
from gauntlet.tasks.sound.featurize.clip import HOP, MELS, RATE, mel_filters

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TICKS_HZ = (125, 250, 500, 1000, 2000, 4000)
ADDS = "adds to the margin over the threshold"


def spectrogram(clip: ClipAttribution, beside: ClipAttribution, title: str) -> bytes | None:
    """A clip's mel spectrogram, and how far each patch of it is from normal; None where there are only tables.

    `beside`: the other clip, so that both are drawn on one scale.
    """
    if not clip.decibels.size:
        return None
    figure = blank(5.6, 5.0)
    above, below = figure.subplots(2, 1, sharex=True)
    low, high = np.percentile(np.concatenate([clip.decibels.ravel(), beside.decibels.ravel()]), [1, 99.8])
    level = above.imshow(clip.decibels, vmin=low, vmax=high, cmap="magma", **_extent(clip))
    deviation = below.imshow(clip.deviation, vmin=-6, vmax=6, cmap="RdBu_r", **_extent(clip))
    label = "abnormal" if clip.abnormal else "normal"
    above.set_title(f"{title}: margin {clip.margin:.1f}, truly {label}", fontsize=9)
    below.set_title("standard deviations from the band in normal clips", fontsize=9)
    figure.colorbar(level, ax=above, label="dB")
    figure.colorbar(deviation, ax=below, label="deviations")
    for axes in (above, below):
        _mel_axis(axes)
    below.set_xlabel("time [s]", fontsize=8)
    return png(figure)


def _extent(clip: ClipAttribution) -> dict[str, Any]:
    seconds = clip.decibels.shape[1] * HOP / RATE
    return {"origin": "lower", "aspect": "auto", "extent": (0, seconds, 0, MELS), "interpolation": "nearest"}


def _mel_axis(axes: Axes) -> None:
    """Frequencies where the mel bands of the features lie."""
    centres = mel_filters().argmax(1) * RATE / (2 * (mel_filters().shape[1] - 1))
    axes.set_yticks([float(np.interp(hz, centres, np.arange(MELS))) for hz in TICKS_HZ], [f"{hz:,}" for hz in TICKS_HZ])
    axes.set_ylabel("Hz", fontsize=8)
    axes.tick_params(labelsize=7)


def top_features(clip: ClipAttribution) -> bytes:
    """The features that add most to a clip's margin."""
    figure, axes = picture(5.6, 4.0)
    names, values = zip(*clip.top[::-1], strict=True)
    axes.barh(range(len(names)), values, color=COLOURS[0])
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.set_xlabel(ADDS)
    axes.set_title("Where it comes from: features", fontsize=9)
    return png(figure)


def bands(clip: ClipAttribution) -> bytes | None:
    """What each mel band adds to the margin, all its statistics together; None where there are only tables."""
    if not clip.bands.size:
        return None
    figure, axes = picture(5.6, 4.0)
    axes.barh(np.arange(MELS), clip.bands, color=COLOURS[0])
    _mel_axis(axes)
    axes.set_xlabel(ADDS)
    axes.set_title("Where it comes from: frequency", fontsize=9)
    return png(figure)


def moments(clip: ClipAttribution) -> bytes | None:
    """By how much the margin falls when half a second is cut out; None where there are only tables or too short clips."""
    if not len(clip.moments):
        return None
    figure, axes = picture(5.6, 4.0)
    axes.bar(clip.moments[:, 0], clip.moments[:, 1], width=0.45, align="edge", color=COLOURS[1])
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set(xlabel="time [s]", ylabel="fall of the margin without it")
    axes.set_title("Where it comes from: time", fontsize=9)
    return png(figure)
