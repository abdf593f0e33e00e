"""Pictures of a sound detector: ROC by machine, AUC beside the published one, and where a score comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from sklearn.metrics import roc_curve

from tasks.evaluate.detection import PARTIAL, CellFigures, CellScores
from tasks.evaluate.sound_attribution import Attribution, Heard
from tasks.featurize.sound import HOP, MELS, RATE
from tasks.figures.canvas import COLOURS, GREY, picture, png

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
    figure, axes = picture(9.6, 0.26 * max(len(cells), 6) + 1.2)
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
    axes.invert_yaxis()
    axes.set(xlabel="AUC, 95 % interval", xlim=(0.3, 1.01))
    axes.legend(fontsize=7, loc="upper center", bbox_to_anchor=(0.5, 1.16 if len(cells) < 20 else 1.06), ncols=3)
    return png(figure)


def spectrograms(found: Attribution) -> bytes | None:
    """Both clips: their mel spectrograms, and how far each patch is from normal; None where there are only tables."""
    if not found.abnormal.decibels.size:
        return None
    figure = Figure(figsize=(9.6, 5.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, 2, sharex="col", sharey=True)
    clips = (found.normal, found.abnormal)
    low, high = np.percentile(np.concatenate([one.decibels.ravel() for one in clips]), [1, 99.8])
    for row, (one, word) in enumerate(zip(clips, ("most normal", "most abnormal"), strict=True)):
        label = "abnormal" if one.abnormal else "normal"
        shown = axes[row][0].imshow(one.decibels, vmin=low, vmax=high, cmap="magma", **_extent(one))
        away = axes[row][1].imshow(one.deviation, vmin=-6, vmax=6, cmap="RdBu_r", **_extent(one))
        axes[row][0].set_title(f"{word}: margin {one.margin:.1f}, truly {label}", fontsize=8)
        axes[row][1].set_title("standard deviations from the normal clips' band", fontsize=8)
        figure.colorbar(shown, ax=axes[row][0], label="dB")
        figure.colorbar(away, ax=axes[row][1], label="deviations")
        _mel_axis(axes[row][0])
    for one in axes[1]:
        one.set_xlabel("time [s]")
    return png(figure)


def _extent(one: Heard) -> dict[str, object]:
    seconds = one.decibels.shape[1] * HOP / RATE
    return {"origin": "lower", "aspect": "auto", "extent": (0, seconds, 0, MELS), "interpolation": "nearest"}


def _mel_axis(axes: Axes) -> None:
    """Frequencies where the mel bands of the features lie."""
    from tasks.featurize.sound import mel_filters

    centres = mel_filters().argmax(1) * RATE / (2 * (mel_filters().shape[1] - 1))
    axes.set_yticks([float(np.interp(hz, centres, np.arange(MELS))) for hz in TICKS_HZ], [f"{hz:,}" for hz in TICKS_HZ])
    axes.set_ylabel("Hz", fontsize=8)
    axes.tick_params(labelsize=7)


def attribution(found: Attribution) -> bytes:
    """Where the most abnormal clip's score comes from: its features, and (of clips) its bands and its moments."""
    one = found.abnormal
    panels = 3 if one.bands.size else 1
    figure = Figure(figsize=(9.6, 3.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = np.atleast_1d(figure.subplots(1, panels))
    names, values = zip(*one.top[::-1], strict=True)
    axes[0].barh(range(len(names)), values, color=COLOURS[0])
    axes[0].set_yticks(range(len(names)), names, fontsize=6.5)
    axes[0].set_xlabel("adds to the squared distance", fontsize=8)
    axes[0].set_title("features", fontsize=9)
    if panels == 3:
        axes[1].barh(np.arange(MELS), one.bands, color=COLOURS[0])
        axes[1].set_title("mel bands", fontsize=9)
        axes[1].set_xlabel("adds to the squared distance", fontsize=8)
        _mel_axis(axes[1])
        if len(one.moments):
            axes[2].bar(one.moments[:, 0], one.moments[:, 1], width=0.45, align="edge", color=COLOURS[1])
        axes[2].set_title("moments: fall of the margin without them", fontsize=9)
        axes[2].set_xlabel("time [s]", fontsize=8)
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
