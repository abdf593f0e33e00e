"""Pictures of what warnings cost, threshold by threshold."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gauntlet.tasks.report.canvas import COLOURS, picture, png


def cost_curves(curves: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> bytes:
    """Cost over the share of decisions past the threshold, a curve for each candidate."""
    figure, axes = picture()
    for colour, (name, (share, cost)) in zip(COLOURS, curves.items(), strict=False):
        axes.plot(share, cost, color=colour, label=name, linewidth=1.4)
    axes.set_xscale("log")
    axes.set(
        xlabel="share of decisions past the threshold", ylabel="cost per 30 days", title="Cost at the stated prices"
    )
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=7)
    return png(figure)
