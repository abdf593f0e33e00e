"""Event figures by hand-counted examples, and NAB's score at the points its definition fixes."""

from __future__ import annotations

import numpy as np
import pytest

from gauntlet.tasks.sensors.event import alarms_of, by_event, nab_score


def _flags(*rows: int, length: int = 1000) -> np.ndarray:
    flags = np.zeros(length, dtype=bool)
    flags[list(rows)] = True
    return flags


def test_two_events_one_found_late_one_false_alarm() -> None:
    """Counted by hand: precision 1/2, recall 1/2, delay 3 rows."""
    score = by_event(_flags(103, 104, 500), [(100, 110), (200, 210)])
    assert (score.precision, score.recall, score.delays, score.false_alarms) == (0.5, 0.5, (3,), 1)
    assert score.f1 == 0.5


def test_an_alarm_behind_an_event_is_neither_hit_nor_false_within_the_tail() -> None:
    """It does not find the event either."""
    assert by_event(_flags(115), [(100, 110)], tail=5).false_alarms == 0
    assert by_event(_flags(115), [(100, 110)], tail=5).found == 0
    assert by_event(_flags(116), [(100, 110)], tail=5).false_alarms == 1


def test_runs_within_the_gap_are_one_alarm() -> None:
    """Rows 3 and 6 have two unflagged rows between them."""
    assert alarms_of(_flags(3, 6, 20), gap=2) == [(3, 6), (20, 20)]
    assert alarms_of(_flags(3, 6), gap=1) == [(3, 3), (6, 6)]
    assert by_event(_flags(), [(1, 2)]).precision == 0


def test_nab_score_at_its_fixed_points() -> None:
    """No detection 0, perfect detection 100, a false alarm far from windows costs 0.11 of two per window."""
    windows = [(200, 219), (600, 619)]
    assert nab_score(_flags(), windows, 150) == 0
    assert nab_score(_flags(200, 600), windows, 150) == pytest.approx(100)
    assert nab_score(_flags(200, 600, 170), windows, 150) == pytest.approx(100 - 100 * 0.11 / 4)
    assert nab_score(_flags(200, 600, 900), windows, 150) == pytest.approx(100 - 100 * 0.11 / 4)
    assert nab_score(_flags(200, 600, 900), windows, 150, "low_FP") == pytest.approx(100 - 100 * 0.22 / 4)
    assert nab_score(_flags(200, 600, 100), windows, 150) == pytest.approx(100)  # probation is not scored


def test_nab_values_an_early_detection_more() -> None:
    """Within the window later is worth less, and only the first counts."""
    scores = [nab_score(_flags(row), [(200, 299)], 0) for row in (200, 250, 290)]
    assert scores[0] > scores[1] > scores[2] > 50
    assert nab_score(_flags(250, 260), [(200, 299)], 0) == scores[1]
