"""The data quality of the sensors of a run: as they came, and with known shares of faults put into the sound ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gauntlet.tasks.sensors.dimensions import DIMENSIONS, Dimensions, Injection, dimensions, injections
from gauntlet.tasks.sensors.load import Streams

CLEAN = 95.0  # percent; a score above is what clean data have


@dataclass(frozen=True, eq=False)
class QualityReport:
    """By sensor: quality of the beginning that was learnt from and of the rest; and what injected faults did."""

    beginning: Mapping[str, Dimensions]
    rest: Mapping[str, Dimensions]
    injected: tuple[Injection, ...]

    @property
    def score(self) -> float:
        """Mean score of the beginnings [percent]."""
        return float(np.mean([one.score for one in self.beginning.values()]))

    @property
    def furthest(self) -> float:
        """The largest distance between the expected and the measured score over all injections [percent points]."""
        return max((abs(fault.after - fault.expected) for fault in self.injected), default=0.0)

    def rows(self) -> list[dict[str, str]]:
        """A line per sensor, for a table."""
        return [
            {
                "sensor": sensor,
                **{name: f"{getattr(one, name):.2f}" for name in DIMENSIONS},
                "score": f"{one.score:.2f}",
                "score after the beginning": f"{self.rest[sensor].score:.2f}",
            }
            for sensor, one in self.beginning.items()
        ]

    def cells(self) -> list[Mapping[str, object]]:
        """The mean expected and measured scores by injected fault and share, as cells of the result."""
        cells: list[Mapping[str, object]] = []
        # Rows and runs are whole, so that what could be injected differs a little between sensors of unequal length.
        for fault, share in dict.fromkeys((fault.fault, round(fault.share, 2)) for fault in self.injected):
            mine = [one for one in self.injected if (one.fault, round(one.share, 2)) == (fault, share)]
            figures = {
                "score_before": float(np.mean([one.before for one in mine])),
                "score_expected": float(np.mean([one.expected for one in mine])),
                "score": float(np.mean([one.after for one in mine])),
            }
            cells.append({"group": {"fault": fault, "share": share}, "model": "data_quality", "metrics": figures})
        return cells


def assess(streams: Streams, seed: int) -> QualityReport:
    """The quality of every sensor; faults are injected into beginnings that are long enough and clean."""
    beginning, rest = {}, {}
    injected: list[Injection] = []
    for number, (sensor, cut) in enumerate(streams.learnt.items()):
        rows, (low, high) = streams.of(sensor), streams.limits(sensor)
        times, values = rows["timestamp"].to_numpy(), rows["value"].to_numpy(np.float64)
        beginning[sensor] = dimensions(times[:cut], values[:cut], low, high)
        rest[sensor] = dimensions(times[cut:], values[cut:], low, high)
        if cut >= 200 and beginning[sensor].score >= CLEAN:
            injected += injections(times[:cut], values[:cut], low, high, seed + number)
    return QualityReport(beginning, rest, tuple(injected))


def sensor_rows(streams: Streams) -> list[dict[str, str]]:
    """The configuration of each sensor, as far as it is known: a line of the artifact, a block of the file."""
    rows_of_sensors = []
    for sensor, cut in streams.learnt.items():
        known = streams.configuration.get(sensor, {})
        configured = {name: str(known[name]) for name in ("quantity", "unit", "low", "high") if name in known}
        rows = streams.of(sensor)
        step = float(np.median(np.diff(rows["timestamp"].to_numpy()) / np.timedelta64(1, "s")))
        rows_of_sensors.append(
            {"sensor": sensor, **configured, "step_s": f"{step:g}", "rows": str(len(rows)), "learnt": str(cut)}
        )
    return rows_of_sensors
