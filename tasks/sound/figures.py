"""Pictures of a sound detector: ROC by machine, AUC beside the published one, margins over the threshold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from sklearn.metrics import roc_curve

from gauntlet.tasks.report.canvas import COLOURS, GREY, picture, png
from gauntlet.tasks.sound.detection import PARTIAL, CellFigures, CellScores

DASHES = ("-", "--", ":", "-.")


def roc_curves(name: str, answers: Sequence[CellScores], partial: bool = False) -> bytes:
    """Recall over false alarm rate, one line per cell; with `partial` only the part that pAUC measures."""
    figure, axes = picture(5.6, 4.4)
    groups = sorted({cell.cell.split("/")[0] for cell in answers})
    machines = sorted({cell.cell.split("/", 1)[1] for cell in answers})
    for cell in answers:
        false, true, _ = roc_curve(cell.abnormal, cell.scores)
        snr, machine = cell.cell.split("/", 1)
        colour, dashes = COLOURS[groups.index(snr) % len(COLOURS)], DASHES[machines.index(machine) % len(DASHES)]
        label = cell.cell if len(answers) <= 12 else None
        axes.plot(false, true, linewidth=1.2, linestyle=dashes, color=colour, label=label)
    axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="chance")
    if partial:
        axes.axvspan(0, PARTIAL, color=GREY, alpha=0.08)
    axes.set(xlabel="false alarm rate", ylabel="recall", ylim=(0, 1.03))
    axes.set_xlim(*((0, PARTIAL * 1.5) if partial else (-0.01, 1)))
    axes.set_title("ROC where alarms are rare (grey: pAUC)" if partial else f"ROC of {name}", fontsize=9)
    axes.legend(fontsize=6, loc="lower right", ncols=2)
    return png(figure)


def auc_bars(cells: Sequence[CellFigures], published: Mapping[str, float], naive: Sequence[CellFigures]) -> bytes:
    """AUC per cell with its interval, the published figure and the loudness baseline as marks."""
    figure, axes = picture(5.6, 0.2 * max(len(cells), 8) + 1.6)
    place = np.arange(len(cells))
    auc = np.array([cell.metrics["auc"] for cell in cells])
    low, high = np.array([cell.intervals["auc"] for cell in cells]).T
    axes.barh(place, auc, color=COLOURS[5], height=0.7, label="champion")
    axes.errorbar(auc, place, xerr=[auc - low, high - auc], fmt="none", ecolor=COLOURS[0], capsize=2, linewidth=1)
    stated = [(k, published[cell.cell]) for k, cell in enumerate(cells) if cell.cell in published]
    if stated:
        rows, figures = zip(*stated, strict=True)
        axes.plot(figures, rows, "D", color=COLOURS[1], markersize=4, label="published autoencoder")
    loudness = {cell.cell: cell.metrics["auc"] for cell in naive}
    axes.plot([loudness[cell.cell] for cell in cells], place, "|", color="black", markersize=9, label="loudness alone")
    axes.axvline(0.5, color=GREY, linestyle=":")
    axes.set_yticks(place, [cell.cell for cell in cells], fontsize=7)
    axes.set_ylim(max(len(cells), 6) - 0.4, -0.6)
    axes.set(xlabel="AUC, 95 % interval", xlim=(0.3, 1.01))
    above = 1 + 0.5 / (0.2 * max(len(cells), 8) + 1)
    axes.legend(fontsize=6.5, loc="upper center", bbox_to_anchor=(0.4, above), ncols=3)
    return png(figure)


def margins(name: str, answers: Sequence[CellScores]) -> bytes:
    """Margins of normal and abnormal judged clips by noise level, the threshold at zero."""
    figure, axes = picture(5.6, 4.4)
    groups = sorted({cell.cell.split("/")[0] for cell in answers}, key=_noise_level)
    for k, group in enumerate(groups):
        inside = [cell for cell in answers if cell.cell.split("/")[0] == group]
        for shift, label, colour in ((-0.17, False, COLOURS[0]), (0.17, True, COLOURS[1])):
            values = np.concatenate([cell.scores[cell.abnormal == label] for cell in inside])
            axes.boxplot(
                np.clip(values, -10, 60),
                positions=[k + shift],
                widths=0.28,
                whis=(5, 95),
                showfliers=False,
                patch_artist=True,
                boxprops={"facecolor": colour, "alpha": 0.5},
                medianprops={"color": "black"},
                manage_ticks=False,
            )
    axes.axhline(0, color="black", linewidth=0.8, linestyle="--")
    axes.set_xticks(range(len(groups)), groups)
    axes.set(xlabel="noise level", ylabel="margin over the threshold")
    axes.set_title(f"{name}: normal (blue), abnormal (red)", fontsize=9)
    axes.set_yscale("symlog", linthresh=2)
    return png(figure)


def _noise_level(snr: str) -> float:
    try:
        return -float(snr.removesuffix("dB"))
    except ValueError:
        return 0.0
