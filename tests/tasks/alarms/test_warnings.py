"""From scores to warnings: sustained, ended, judged against the failure; the threshold from training episodes."""

from __future__ import annotations

import numpy as np
import pytest

from gauntlet.tasks.alarms.warnings import Episode, choose_threshold, false_alarms_per_week, judge, warnings
from gauntlet.tasks.failure_prediction.warnings import judge_warnings, warning_row
from gauntlet.tasks.metrics.prices import Prices

QUARTER = 900.0


def episode(hours: float, failure: bool = True, number: int = 0) -> Episode:
    seconds = np.arange(0, hours * 3600, QUARTER)
    return Episode(number, np.arange(len(seconds)), seconds, float(hours * 3600) if failure else None)


def score(one: Episode, *spans: tuple[float, float]) -> np.ndarray:
    """2 between these hours, else 0."""
    hours = one.seconds / 3600
    return 2.0 * np.any([(hours >= a) & (hours < b) for a, b in spans], axis=0) if spans else np.zeros(len(hours))


def test_an_event_needs_an_hour_and_ends_after_one() -> None:
    """Three quarters of an hour are none; four decisions raise it, four below end it."""
    one = np.r_[np.zeros(4), np.ones(3), np.zeros(5), np.ones(6), np.zeros(8)]
    assert [(e.onset, e.raised, e.cleared) for e in warnings(one, 0.5)] == [(12, 15, 21)]


def test_lead_time_counts_from_when_the_warning_was_certain() -> None:
    """Past the threshold from hour 90 of 100: raised three quarters later, 9.25 h ahead."""
    one = episode(100)
    judged = judge(one, score(one, (90, 100)), 1.0, 24)
    assert judged.lead_h == pytest.approx(9.25)
    assert judged.false_alarms == 0


def test_an_alarm_long_before_the_failure_is_false() -> None:
    """At hour 20 to 30 of 200; the healthy time watched ends at twice the horizon before the failure."""
    one = episode(200)
    judged = judge(one, score(one, (20, 30)), 1.0, 24)
    assert (judged.lead_h, judged.false_alarms, judged.watched_h) == (None, 1, 152.0)
    assert false_alarms_per_week([judged]) == pytest.approx(168 / 152)


def test_an_episode_without_failure_has_false_alarms_only() -> None:
    """Whatever was raised in it."""
    one = episode(168, failure=False)
    judged = judge(one, score(one, (100, 168)), 1.0, 24)
    assert (judged.lead_h, judged.false_alarms) == (None, 1)


def test_the_threshold_lies_between_noise_and_precursor() -> None:
    """Noise below 1, precursors at 2 in three episodes: all seen, none false."""
    rng = np.random.default_rng(4)
    episodes = [episode(300, number=k) for k in range(3)]
    scores = [score(one, (290, 300)) + rng.random(len(one.seconds)) for one in episodes]
    threshold = choose_threshold(episodes, scores, 24, 2, 0.25)
    judged = [judge(e, s, threshold, 24) for e, s in zip(episodes, scores, strict=True)]
    assert [round(one.lead_h or 0, 2) >= 9 for one in judged] == [True] * 3
    assert false_alarms_per_week(judged) == 0


def test_without_a_threshold_within_the_budget_it_stays_silent() -> None:
    """Every threshold tried raises false alarms only: no score is past the one that is returned."""
    episodes = [episode(400, failure=False)]
    scores = [score(episodes[0], *[(h, h + 8.0) for h in range(10, 390, 20)])]
    assert not warnings(scores[0], choose_threshold(episodes, scores, 24, 2, 0.25))


def test_the_row_counts_failures_and_money() -> None:
    """One of two failures warned, one false alarm, over 20 days at 1,000 and 10: 1,010 in 20 days is 1,515 in 30."""
    episodes = [episode(240, number=0), episode(240, number=1)]
    scores = [score(episodes[0], (20, 30), (230, 240)), score(episodes[1])]
    within_horizon = [e.seconds >= 216 * 3600 for e in episodes]
    judged = judge_warnings("one", episodes, scores, within_horizon, [1.0, 1.0], 24)
    row = warning_row(judged, 2, Prices(1000, 10), seed=1)
    assert (row.metrics["recall"], row.metrics["precision"]) == (0.5, 0.5)
    assert row.metrics["cost"] == pytest.approx(1515, rel=0.01)
    assert all(low <= row.metrics[m] <= high for m, (low, high) in row.intervals.items())
