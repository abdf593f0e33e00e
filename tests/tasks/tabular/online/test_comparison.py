"""Two classifiers side by side: what a mistake costs is the champion's to say."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone

from gauntlet.datasets import ai4i
from gauntlet.datasets.errors import GauntletError
from gauntlet.tasks.gauntlets import in_loop
from gauntlet.tasks.loop.champion import Champion, adapter
from gauntlet.tasks.loop.contract import TrainingData
from gauntlet.tasks.metrics.prices import Prices
from gauntlet.tasks.registry.load import LoadedModel
from gauntlet.tasks.tabular.gauntlets import AI4I
from gauntlet.tasks.tabular.online.comparison import compare
from gauntlet.tasks.tabular.train import pipeline

DEAR = Prices(miss=40.0, false_alarm=7_000.0)  # nothing like those of AI4I
TARGET = ai4i.SPEC.target


@pytest.fixture(scope="module")
def champion(tmp_path_factory: pytest.TempPathFactory) -> tuple[Champion, TrainingData]:
    """A classifier registered at prices of its own, and frozen rows."""
    table = ai4i.read(ai4i.simulate(tmp_path_factory.mktemp("comparison"), seed=3, rows=2000)).frame
    rows = table[[*ai4i.SPEC.features, TARGET]].reset_index(drop=True)
    learnt, frozen = rows.iloc[:1200], rows.iloc[1200:].reset_index(drop=True)
    fitted = pipeline(AI4I.candidates[0], DEAR, 7).fit(
        learnt[list(ai4i.SPEC.features)], learnt[TARGET].to_numpy(np.int64)
    )
    model = LoadedModel(AI4I.candidates[0].name, 4, {"source": "simulated"}, fitted, {})
    return Champion("ai4i", model, adapter(in_loop("ai4i"))), TrainingData(
        learnt, frozen, frozen.iloc[:0], 0, (), "simulated"
    )


def test_the_cost_guard_counts_in_the_champions_own_prices(champion: tuple[Champion, TrainingData]) -> None:
    """Mistakes at the cheaper threshold, each at its price, per 1,000 rows; the challenger inherits the prices."""
    held, training_data = champion
    X, y = training_data.evaluation.drop(columns=TARGET), training_data.evaluation[TARGET].to_numpy(bool)
    again = clone(held.loaded.model).fit(
        training_data.training.drop(columns=TARGET), training_data.training[TARGET].to_numpy(np.int64)
    )
    judged = compare(held, again, training_data, 7, TARGET, "pr_auc")
    (cost,) = [one.difference for one in judged.frozen.guards if one.difference.metric == "cost"]
    for model, stated in ((held.loaded.model, cost.champion), (again, cost.challenger)):
        flagged = model.predict_proba(X)[:, 1] > model[-1].cheapest_threshold_
        paid = DEAR.miss * (y & ~flagged).sum() + DEAR.false_alarm * (~y & flagged).sum()
        assert paid > 0
        assert stated == pytest.approx(1_000 * paid / len(y))
    assert judged.metrics["cost"] == cost.challenger


@pytest.mark.parametrize("name", ["price_of_miss", "price_of_false_alarm"])
def test_a_champion_without_a_price_is_registered_anew(champion: tuple[Champion, TrainingData], name: str) -> None:
    """Nobody guesses what a mistake costs."""
    held, training_data = champion
    fitted = pipeline(AI4I.candidates[0], DEAR, 7).fit(
        training_data.training.drop(columns=TARGET), training_data.training[TARGET].to_numpy(np.int64)
    )
    delattr(fitted[-1], name)
    bare = Champion("ai4i", LoadedModel(held.loaded.name, 4, {}, fitted, {}), adapter(in_loop("ai4i")))
    with pytest.raises(GauntletError, match=r"ai4i_\w+ v4 .*register it anew with `gauntlet run ai4i`"):
        compare(bare, held.loaded.model, training_data, 7, TARGET, "pr_auc")
