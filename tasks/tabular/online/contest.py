"""Two classifiers on the same rows: the frozen ones of before, and those recorded since, that neither learnt."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from gauntlet.datasets.errors import GauntletError
from gauntlet.tasks.loop.champion import Champion
from gauntlet.tasks.loop.contract import Contest, Material
from gauntlet.tasks.metrics.classification import Judged, figures
from gauntlet.tasks.metrics.prices import Prices
from gauntlet.tasks.promotion.compare import compare_rows
from gauntlet.tasks.promotion.library import Failure, Replay, from_rows, replay

FEWEST = 5  # failures, and rows without one, that a comparison needs


def contest(champion: Champion, challenger: Any, material: Material, seed: int, target: str, metric: str) -> Contest:
    """The two, side by side; decisions and thresholds are each model's own.

    Args:
        target: name of the label in the frozen rows.
        metric: the primary one.

    Raises:
        BadInput: the frozen rows hold one class only.
        GauntletError: the champion does not say what a miss and a false alarm cost.
    """
    old, prices = champion.loaded.model, prices_of(champion)
    before = _both(old, challenger, material.evaluation, target)
    after = _both(old, challenger, material.since, target)
    since = None
    if after is not None and min(np.bincount(after[0].y, minlength=2)) >= FEWEST:
        since = compare_rows(*after, metric, prices, seed)
    assert before is not None
    both = pd.concat([material.evaluation, material.since], ignore_index=True)
    final = judged_by(challenger, both.drop(columns=target), both[target].to_numpy(np.int64))
    measured = figures(final, np.ones((1, len(final.y))), prices)
    return Contest(
        compare_rows(*before, metric, prices, seed),
        since,
        tuple(_library(*before)),
        {name: float(values[0]) for name, values in measured.items()},
    )


def prices_of(champion: Champion) -> Prices:
    """What its gauntlet was told that a miss and a false alarm cost: its own decision was fitted at these prices.

    They stand in the signed model itself, whence a challenger has the same.

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


def judged_by(model: Any, rows: pd.DataFrame, y: np.ndarray) -> Judged:
    """What a pipeline with a decision inside says of rows, as (1, rows) arrays."""
    probability = np.asarray(model.predict_proba(rows)[:, 1])[None, :]
    cheap = probability >= model[-1].cheapest_threshold_
    return Judged(y, probability, np.asarray(model.predict(rows)).astype(bool)[None, :], cheap)


def _both(old: Any, new: Any, table: pd.DataFrame, target: str) -> tuple[Judged, Judged] | None:
    if not len(table):
        return None
    rows, y = table.drop(columns=target), table[target].to_numpy(np.int64)
    return judged_by(old, rows, y), judged_by(new, rows, y)


def _library(old: Judged, new: Judged) -> list[Replay]:
    """The failures of the frozen rows as one entry: single processes have no lead time, so the share announced counts.

    A share may fall by one failure, which is no more than one row's luck.
    """
    failing = np.flatnonzero(old.y == 1)
    library = [Failure("failures of the frozen evaluation set", 0, len(failing))]
    said = [from_rows(library, one.flagged[0][failing]) for one in (old, new)]
    return replay(said[0], said[1], fewer=1 / max(1, len(failing)))
