"""Two monitors side by side: every past failure replayed, false alarms on healthy rows, and rows of since set apart.

Where a baseline was learnt anew, past failures say nothing as they were recorded: another part is in place. There each
failure's departure from its own healthy beginning is laid onto the baseline of the model that is asked. The same is done
with the failures of other machines onto every baseline that has changed, so that one that has learnt a growing fault, and
would hear the next one later, is found out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from gauntlet.datasets.errors import GauntletError
from gauntlet.tasks.loop.champion import Champion
from gauntlet.tasks.loop.contract import Contest, TrainingData
from gauntlet.tasks.metrics.lives import Outcome, alarm_row
from gauntlet.tasks.models.machine_health import MACHINE, REGIME
from gauntlet.tasks.promotion.compare import Comparison, Tolerance, compare_lives, compare_means
from gauntlet.tasks.promotion.library import Announcement, Replay, from_lives, replay
from gauntlet.tasks.vibration.evaluate import RULE, answer, outcomes
from gauntlet.tasks.vibration.lives import Life
from gauntlet.tasks.vibration.online.monitor import TIME, Monitor, monitor_of

GUARDS = (Tolerance("recall", 0.0), Tolerance("false_alarms_per_week", 0.0))
LATER = 0.1  # share of the lead time by which a machine's new baseline may hear the same departure later
BLOCK = 6  # rows in a row that count as one


def contest(champion: Champion, challenger: Any, training_data: TrainingData, seed: int) -> Contest:
    """The frozen lives and the rows of since, by both models.

    Raises:
        GauntletError: no life is known to its end.
    """
    monitor, old = monitor_of(champion), champion.loaded.model
    ended = [life for life in monitor.lives if life.ended]
    if not ended:
        raise GauntletError("no life is known to its end: there is nothing to judge a challenger by")
    before, now = _baselines(monitor.training), _baselines(training_data.training)
    mended = set(training_data.notes["rebaselined"]) | set(monitor.baselines)
    first = _judged([_onto(life, before) if life.machine in monitor.baselines else life for life in monitor.lives], old)
    second = _judged([_onto(life, now) if life.machine in mended else life for life in monitor.lives], challenger)
    replays = _replayed(first, second, training_data.notes["rebaselined"], monitor)
    replays += _laid(monitor, old, challenger, before, now, training_data.notes)
    frozen = (
        compare_lives(first, second, seed, tolerances=GUARDS)
        if any(one.fails for one in first)
        else compare_means(_false(first), _false(second), "false_alarms_per_week", seed)
    )
    row = alarm_row("challenger", second, seed)
    metrics = {name: float(value) for name, value in row.metrics.items() if np.isfinite(value)}
    return Contest(frozen, _since(old, challenger, training_data, seed), tuple(replays), metrics)


def _judged(lives: Sequence[Life], model: Any) -> list[Outcome]:
    scores = {life.machine: np.asarray(model.decision_function(life.rows), np.float64) for life in lives}
    return outcomes(lives, answer(lives, scores, model.fit_share))


def _false(judged: Sequence[Outcome]) -> np.ndarray:
    return np.array([one.false for one in judged], np.float64)


Baselines = Mapping[str, pd.Series]


def _baselines(training: pd.DataFrame) -> Baselines:
    """The median of every feature over the healthy rows of the first regime, by machine."""
    rows = training[training[REGIME] == 0] if REGIME in training else training
    rows = rows.drop(columns=[TIME, REGIME], errors="ignore")
    return {str(machine): own.drop(columns=MACHINE).median().dropna() for machine, own in rows.groupby(MACHINE)}


def _onto(life: Life, baselines: Baselines, machine: str | None = None) -> Life:
    """The life's departure from its healthy beginning, from a machine's baseline; another machine has the axes' mean."""
    machine = machine or life.machine
    features = life.rows.drop(columns=MACHINE)
    departure = features - features.iloc[life.settled : life.healthy].median()
    target = baselines[machine]
    if machine != life.machine:
        kinds = departure.T.groupby(lambda name: name.rpartition(" ")[0]).mean().T
        departure = pd.DataFrame(
            {name: kinds[name.rpartition(" ")[0]] for name in target.index if name.rpartition(" ")[0] in kinds}
        )
    rows = departure + target[departure.columns]
    rows.insert(0, MACHINE, machine)
    run, unit = (life.run, life.unit) if machine == life.machine else (machine, machine)
    return replace(life, rows=rows, run=run, unit=unit)


def _replayed(
    first: Sequence[Outcome], second: Sequence[Outcome], mended: Sequence[str], monitor: Monitor
) -> list[Replay]:
    """Every past failure: as early as by the champion, or nearly so from a baseline that is new."""
    told = []
    for old, new in zip(from_lives(first), from_lives(second), strict=True):
        later = _allowance(old, monitor.machines[old.failure].interval_s) if old.failure in mended else 0.0
        told += replay([old], [new], later_h=later)
    return told


def _allowance(old: Announcement, interval_s: float) -> float:
    return max(LATER * (old.lead_h or 0.0), RULE.sustained * interval_s / 3600)


def _laid(
    monitor: Monitor, old: Any, new: Any, before: Baselines, now: Baselines, notes: Mapping[str, Any]
) -> list[Replay]:
    """The failures of other machines laid onto every baseline that has changed."""
    told = []
    failed = [life for life in monitor.lives if life.fails]
    for machine in notes["relearnt"]:
        mended = machine in notes["rebaselined"]
        for life in failed:
            if life.machine == machine:
                continue
            own, other = _onto(life, before, machine), _onto(life, now if mended else before, machine)
            if not set(old.columns_[machine]) <= set(own.rows):
                continue  # the life lacks what this machine is judged by
            name = f"{life.machine} laid onto {machine}"
            said = [_announced(name, one, model) for one, model in ((own, old), (other, new))]
            later = _allowance(said[0], life.interval_s) if mended else 0.0
            told += replay(said[:1], said[1:], later_h=later)
    return told


def _announced(name: str, life: Life, model: Any) -> Announcement:
    judged = _judged([life], model)[0]
    return Announcement(name, float(judged.hit), judged.lead_h)


def _since(old: Any, new: Any, training_data: TrainingData, seed: int) -> Comparison | None:
    """How far from healthy either model finds healthy rows of since, in standard deviations; in blocks of an hour of IMS."""
    rows = training_data.since
    if not len(rows):
        return None
    features = rows.drop(columns=[TIME, REGIME]).reset_index(drop=True)
    away = [np.minimum(np.abs(model.decision_function(features)), RULE.clip) for model in (old, new)]
    place = rows.groupby(MACHINE)[TIME].rank(method="first").to_numpy() // BLOCK
    groups = np.array([f"{machine} {int(block)}" for machine, block in zip(rows[MACHINE], place, strict=True)])
    if len(np.unique(groups)) < 2:
        return None
    return compare_means(away[0], away[1], "mae", seed, groups=groups)
