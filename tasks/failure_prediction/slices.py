"""A piece of a record with too few failures to judge a model: learnt from its first half, scored to its end."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gauntlet.datasets import pump
from gauntlet.datasets.errors import BadInput
from gauntlet.tasks.alarms.warnings import Episode, judge
from gauntlet.tasks.models.expected_behaviour import ExpectedBehaviour
from gauntlet.tasks.models.pump_features import PumpFeatures

STEP = 5  # minutes between decisions: slices are short
LEAST_DECISIONS = 40


@dataclass(frozen=True)
class SliceVerdict:
    """A slice's size, and whether a detector that knew its first half warned of its failure."""

    file: str
    rows: int
    sensors: int
    failures: int
    hours: float
    lead_h: float | None
    false_alarms: int
    watched_h: float

    @property
    def sentence(self) -> str:
        """In words, with what it is worth."""
        warned = f"warned {self.lead_h:.1f} h ahead" if self.lead_h is not None else "no warning"
        return (
            f"{self.file}: {self.rows:,} minutes, {self.sensors} sensors, {self.failures} failure; {warned}, "
            f"{self.false_alarms} alarms before that in {self.watched_h:.1f} h."
        )


def score_slice(path: Path) -> SliceVerdict:
    """The slice scored: fitted on its first half, threshold at the largest score of the third quarter, judged on the last.

    Raises:
        BadInput: the file cannot be read, holds no failure, or is too short.
    """
    table = pump.read(path)
    features = PumpFeatures(["mean15", "mean60"]).fit(table.values).transform(table.values)
    failure = int(table.failures[0])
    rows = np.arange(59, failure, STEP)
    if len(rows) < LEAST_DECISIONS:
        raise BadInput(path, f"{failure} minutes before the failure", expected="at least five hours")
    half, third = len(rows) // 2, 3 * len(rows) // 4
    at = features.iloc[rows].reset_index(drop=True)
    model = ExpectedBehaviour("mean15").fit(at.iloc[:half], np.zeros(half))
    score = model.decision_function(at)
    seconds = (table.time - table.time[0]).astype(np.int64) / 1e9
    threshold = float(score[half:third].max())
    last = Episode(0, rows[third:], seconds[rows[third:]], float(seconds[failure]))
    hours = float(seconds[failure] - seconds[rows[third]]) / 3600
    outcome = judge(last, score[third:], threshold, horizon_h=hours / 4)
    return SliceVerdict(
        file=path.name,
        rows=len(table.time),
        sensors=table.values.shape[1],
        failures=len(table.failures),
        hours=float(seconds[-1]) / 3600,
        lead_h=outcome.lead_h,
        false_alarms=outcome.false_alarms,
        watched_h=outcome.watched_h,
    )


def score_slices(root: Path) -> tuple[SliceVerdict, ...]:
    """Every slice (`*slice*.csv`) in the folder of the pump data below `root`; one that cannot be scored is left out."""
    verdicts = []
    for file in sorted((root / pump.SPEC.name).glob("*slice*.csv")):
        try:
            verdicts.append(score_slice(file))
        except BadInput:
            continue
    return tuple(verdicts)
