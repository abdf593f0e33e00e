"""What stands beside the rig's candidates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from gauntlet.datasets import skab
from gauntlet.tasks.multivariate.evaluate import evaluate
from gauntlet.tasks.multivariate.featurize import featurize
from gauntlet.tasks.multivariate.gauntlets import SKAB
from gauntlet.tasks.multivariate.load import load
from gauntlet.tasks.multivariate.train import train


def test_published_figures_stand_beside_the_published_files_only(
    tmp_path: Path, request_of: Callable[..., Any]
) -> None:
    """A simulated run is easier than SKAB: better than the leaderboard there means nothing."""
    skab.simulation(7, 0.2).write(tmp_path / "skab")
    prepared = featurize(load(SKAB, request_of(SKAB, tmp_path / "skab")))
    pca = next(one for one in SKAB.candidates if one.name == "skab_pca")
    trained = train(pca, prepared, 7)
    simulated = set(evaluate(prepared, [trained], 7).baselines)
    published = replace(prepared, rig=replace(prepared.rig, source="real"))
    real = set(evaluate(published, [trained], 7).baselines)
    assert simulated == {"majority", "all_positive"}
    assert real - simulated == set(skab.LEADERBOARD)
