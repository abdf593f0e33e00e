"""Pictures of a sound detector: ROC by machine, AUC beside the published one, and where a score comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics import roc_curve

from gauntlet.tasks.metrics.detection import PARTIAL, CellFigures, CellScores
from gauntlet.tasks.report.canvas import COLOURS, GREY, blank, picture, png
from gauntlet.tasks.sound.attribution import ExaminedClip
from gauntlet.tasks.sound.featurize.clip import HOP, MELS, RATE, mel_filters

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DASHES = ("-", "--", ":", "-.")
TICKS_HZ = (125, 250, 500, 1000, 2000, 4000)


def roc_curves(name: str, answers: Sequence[CellScores], partial: bool = False) -> bytes:
    """Recall over false alarm rate, one line per cell; with `partial` only the part that pAUC measures."""
    figure, axes = picture(5.6, 4.4)
    groups = sorted({one.cell.split("/")[0] for one in answers})
    machines = sorted({one.cell.split("/", 1)[1] for one in answers})
    for one in answers:
        false, true, _ = roc_curve(one.abnormal, one.scores)
        snr, machine = one.cell.split("/", 1)
        axes.plot(
            false, true, linewidth=1.2, linestyle=DASHES[machines.index(machine) % 4],
            color=COLOURS[groups.index(snr) % len(COLOURS)], label=one.cell if len(answers) <= 12 else None,
        )  # fmt: skip
    axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="chance")
    if partial:
        axes.axvspan(0, PARTIAL, color=GREY, alpha=0.08)
    axes.set(
        xlabel="false alarm rate", ylabel="recall", xlim=(0, PARTIAL * 1.5) if partial else (-0.01, 1), ylim=(0, 1.03),
        title="ROC where alarms are rare (grey: pAUC)" if partial else f"ROC of {name}",
    )  # fmt: skip
    axes.title.set_fontsize(9)
    axes.legend(fontsize=6, loc="lower right", ncols=2)
    return png(figure)


def auc_bars(cells: Sequence[CellFigures], beside: Mapping[str, float], naive: Sequence[CellFigures]) -> bytes:
    """AUC per cell with its interval, the published figure and the loudness baseline as marks."""
    figure, axes = picture(5.6, 0.2 * max(len(cells), 8) + 1.6)
    place = np.arange(len(cells))
    auc = np.array([one.metrics["auc"] for one in cells])
    low, high = np.array([one.intervals["auc"] for one in cells]).T
    axes.barh(place, auc, color=COLOURS[5], height=0.7, label="champion")
    axes.errorbar(auc, place, xerr=[auc - low, high - auc], fmt="none", ecolor=COLOURS[0], capsize=2, linewidth=1)
    stated = [(k, beside[one.cell]) for k, one in enumerate(cells) if one.cell in beside]
    if stated:
        axes.plot([v for _, v in stated], [k for k, _ in stated], "D", color=COLOURS[1], markersize=4,
                  label="published autoencoder")  # fmt: skip
    loud = {one.cell: one.metrics["auc"] for one in naive}
    axes.plot([loud[one.cell] for one in cells], place, "|", color="black", markersize=9, label="loudness alone")
    axes.axvline(0.5, color=GREY, linestyle=":")
    axes.set_yticks(place, [one.cell for one in cells], fontsize=7)
    axes.set_ylim(max(len(cells), 6) - 0.4, -0.6)
    axes.set(xlabel="AUC, 95 % interval", xlim=(0.3, 1.01))
    axes.legend(
        fontsize=6.5, loc="upper center", bbox_to_anchor=(0.4, 1 + 0.5 / (0.2 * max(len(cells), 8) + 1)), ncols=3
    )
    return png(figure)


def spectrogram(one: ExaminedClip, beside: ExaminedClip, word: str) -> bytes | None:
    """A clip's mel spectrogram, and how far each patch of it is from normal; None where there are only tables.

    `beside`: the other clip, so that both are drawn on one scale.
    """
    if not one.decibels.size:
        return None
    figure = blank(5.6, 5.0)
    above, below = figure.subplots(2, 1, sharex=True)
    low, high = np.percentile(np.concatenate([one.decibels.ravel(), beside.decibels.ravel()]), [1, 99.8])
    shown = above.imshow(one.decibels, vmin=low, vmax=high, cmap="magma", **_extent(one))
    away = below.imshow(one.deviation, vmin=-6, vmax=6, cmap="RdBu_r", **_extent(one))
    label = "abnormal" if one.abnormal else "normal"
    above.set_title(f"{word}: margin {one.margin:.1f}, truly {label}", fontsize=9)
    below.set_title("standard deviations from the band in normal clips", fontsize=9)
    figure.colorbar(shown, ax=above, label="dB")
    figure.colorbar(away, ax=below, label="deviations")
    for axes in (above, below):
        _mel_axis(axes)
    below.set_xlabel("time [s]", fontsize=8)
    return png(figure)


def _extent(one: ExaminedClip) -> dict[str, Any]:
    seconds = one.decibels.shape[1] * HOP / RATE
    return {"origin": "lower", "aspect": "auto", "extent": (0, seconds, 0, MELS), "interpolation": "nearest"}


def _mel_axis(axes: Axes) -> None:
    """Frequencies where the mel bands of the features lie."""
    centres = mel_filters().argmax(1) * RATE / (2 * (mel_filters().shape[1] - 1))
    axes.set_yticks([float(np.interp(hz, centres, np.arange(MELS))) for hz in TICKS_HZ], [f"{hz:,}" for hz in TICKS_HZ])
    axes.set_ylabel("Hz", fontsize=8)
    axes.tick_params(labelsize=7)


def top_features(one: ExaminedClip) -> bytes:
    """The features that add most to the squared distance of a clip from normal."""
    figure, axes = picture(5.6, 4.0)
    names, values = zip(*one.top[::-1], strict=True)
    axes.barh(range(len(names)), values, color=COLOURS[0])
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.set(xlabel="adds to the squared distance from normal", title="Where it comes from: features")
    axes.title.set_fontsize(9)
    return png(figure)


def bands(one: ExaminedClip) -> bytes | None:
    """What each mel band adds to the squared distance, all its statistics together; None where there are only tables."""
    if not one.bands.size:
        return None
    figure, axes = picture(5.6, 4.0)
    axes.barh(np.arange(MELS), one.bands, color=COLOURS[0])
    _mel_axis(axes)
    axes.set(xlabel="adds to the squared distance from normal", title="Where it comes from: frequency")
    axes.title.set_fontsize(9)
    return png(figure)


def moments(one: ExaminedClip) -> bytes | None:
    """By how much the margin falls when half a second is cut out; None where there are only tables or too short clips."""
    if not len(one.moments):
        return None
    figure, axes = picture(5.6, 4.0)
    axes.bar(one.moments[:, 0], one.moments[:, 1], width=0.45, align="edge", color=COLOURS[1])
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set(xlabel="time [s]", ylabel="fall of the margin without it", title="Where it comes from: time")
    axes.title.set_fontsize(9)
    return png(figure)


def margins(name: str, answers: Sequence[CellScores]) -> bytes:
    """Margins of normal and abnormal judged clips by noise level, the threshold at zero."""
    figure, axes = picture(5.6, 4.4)
    groups = sorted({one.cell.split("/")[0] for one in answers}, key=_level)
    for k, group in enumerate(groups):
        inside = [one for one in answers if one.cell.split("/")[0] == group]
        for shift, label, colour in ((-0.17, False, COLOURS[0]), (0.17, True, COLOURS[1])):
            values = np.concatenate([one.scores[one.abnormal == label] for one in inside])
            axes.boxplot(
                np.clip(values, -10, 60), positions=[k + shift], widths=0.28, whis=(5, 95), showfliers=False,
                patch_artist=True, boxprops={"facecolor": colour, "alpha": 0.5}, medianprops={"color": "black"},
                manage_ticks=False,
            )  # fmt: skip
    axes.axhline(0, color="black", linewidth=0.8, linestyle="--")
    axes.set_xticks(range(len(groups)), groups)
    axes.set(
        xlabel="noise level", ylabel="margin over the threshold", title=f"{name}: normal (blue), abnormal (red)"
    )  # fmt: skip
    axes.title.set_fontsize(9)
    axes.set_yscale("symlog", linthresh=2)
    return png(figure)


def _level(snr: str) -> float:
    try:
        return -float(snr.removesuffix("dB"))
    except ValueError:
        return 0.0
