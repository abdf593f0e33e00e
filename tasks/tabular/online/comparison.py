"""Two classifiers on the same rows: the frozen ones of before, and those recorded since, that neither learnt."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from gauntlet.datasets.errors import GauntletError
from gauntlet.tasks.loop.champion import Champion
from gauntlet.tasks.loop.contract import Contest, TrainingData
from gauntlet.tasks.metrics.classification import Judged, figures
from gauntlet.tasks.metrics.prices import Prices
from gauntlet.tasks.promotion.compare import compare_rows
from gauntlet.tasks.promotion.library import Failure, Replay, from_rows, replay

FEWEST = 5  # failures, and rows without one, that a comparison needs


def compare(
    champion: Champion, challenger: Any, training_data: TrainingData, seed: int, target: str, metric: str
) -> Contest:
    """The two, side by side; decisions and thresholds are each model's own.

    Args:
        target: name of the label in the frozen rows.
        metric: the primary one.

    Raises:
        BadInput: the frozen rows hold one class only.
        GauntletError: the champion does not say what a miss and a false alarm cost.
    """
    models, prices = (champion.loaded.model, challenger), prices_of(champion)
    before = _answers(models, training_data.evaluation, target)
    since = None
    if len(training_data.since):
        after = _answers(models, training_data.since, target)
        if min(np.bincount(after[0].y, minlength=2)) >= FEWEST:
            since = compare_rows(*after, metric, prices, seed)
    rows = pd.concat([training_data.evaluation, training_data.since], ignore_index=True)
    answer = answer_of(challenger, rows.drop(columns=target), rows[target].to_numpy(np.int64))
    metrics = figures(answer, np.ones((1, len(rows))), prices)
    return Contest(
        compare_rows(*before, metric, prices, seed),
        since,
        tuple(_library(*before)),
        {name: float(values[0]) for name, values in metrics.items()},
    )


def prices_of(champion: Champion) -> Prices:
    """The prices of a miss and a false alarm at which the champion's own threshold was chosen.

    They stand in the signed model itself, from which a challenger takes them over.

    Raises:
        GauntletError: the model was registered without them.
    """
    decision = champion.loaded.model[-1]
    miss, false_alarm = (getattr(decision, name, None) for name in ("price_of_miss", "price_of_false_alarm"))
    if miss is None or false_alarm is None:
        raise GauntletError(
            f"{champion.label} does not say what a miss and a false alarm cost: register it anew with "
            f"`gauntlet run {champion.gauntlet}` and its prices."
        )
    return Prices(float(miss), float(false_alarm))


def answer_of(model: Any, rows: pd.DataFrame, y: np.ndarray) -> Judged:
    """Probabilities and decisions of a pipeline that ends in a `DecisionClassifier`, as (1, rows) arrays."""
    probability = np.asarray(model.predict_proba(rows)[:, 1])[None, :]
    by_cost = probability > model[-1].cheapest_threshold_
    return Judged(y, probability, np.asarray(model.predict(rows)).astype(bool)[None, :], by_cost)


def _answers(models: tuple[Any, Any], table: pd.DataFrame, target: str) -> tuple[Judged, Judged]:
    rows, y = table.drop(columns=target), table[target].to_numpy(np.int64)
    champion, challenger = models
    return answer_of(champion, rows, y), answer_of(challenger, rows, y)


def _library(champion: Judged, challenger: Judged) -> list[Replay]:
    """The failures of the frozen rows as one entry: single processes have no lead time, so the share announced counts.

    A share may fall by one failure, which is no more than one row's luck.
    """
    failing = np.flatnonzero(champion.y == 1)
    library = [Failure("failures of the frozen evaluation set", 0, len(failing))]
    known, replayed = (from_rows(library, answer.flagged[0][failing]) for answer in (champion, challenger))
    return replay(known, replayed, fewer=1 / max(1, len(failing)))
