"""What stands beside the rig's candidates."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gauntlet.datasets import skab
from gauntlet.tasks.multivariate import load as steps


def test_published_figures_stand_beside_the_published_files_only(tmp_path: Path) -> None:
    """A simulated run is easier than SKAB: better than the leaderboard there means nothing."""
    skab.simulation(7, 0.2).write(tmp_path / "skab")
    rig = skab.read(tmp_path / "skab")
    found = steps.train("skab_pca", rig, steps.featurize(rig))
    simulated = {row.name for row in steps.evaluate(rig, [found], 7).baselines}
    real = {row.name for row in steps.evaluate(replace(rig, source="real"), [found], 7).baselines}
    assert simulated == {"majority", "all_positive"}
    assert real - simulated == set(skab.LEADERBOARD)
