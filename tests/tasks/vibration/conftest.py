"""A shaft of four bearings: its whole life, the champion that learnt it, and files of what comes after."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from gauntlet.datasets.records.snapshot import Truth
from gauntlet.tasks.gauntlets import in_loop
from gauntlet.tasks.loop.champion import Champion, adapter
from gauntlet.tasks.models.relative_level import relative_levels
from gauntlet.tasks.registry.files import parquet
from gauntlet.tasks.registry.load import LoadedModel
from gauntlet.tasks.vibration.gauntlets import NASA
from gauntlet.tasks.vibration.library import library_files
from gauntlet.tasks.vibration.lives import Life, healthy_rows
from gauntlet.tasks.vibration.train import trained_on

START = datetime(2026, 1, 1, tzinfo=UTC)
LATER_S = datetime(2026, 2, 1, tzinfo=UTC).timestamp()
UNITS = tuple(f"bearing {i}" for i in (1, 2, 3, 4))
STEP_S = 600.0
FLEET = tuple(f"shaft-{i}" for i in range(1, 6))


def _levels(rows: int, seed: int, fault: np.ndarray | float = 0.0) -> dict[str, np.ndarray]:
    """Log levels of four bearings, spread 0.03; `fault` is added to bearing 1."""
    rng = np.random.default_rng(seed)
    levels = {unit: np.log(0.06) + rng.normal(0, 0.03, (rows, 1)) for unit in UNITS}
    levels["bearing 1"] = levels["bearing 1"] + np.broadcast_to(fault, rows)[:, None]
    return levels


def _lives(shaft: str, seed: int) -> tuple[Life, ...]:
    """A shaft's whole life of 300 snapshots: bearing 1 grows louder from the 200th on."""
    levels = _levels(300, seed, np.maximum(0, np.arange(300) - 200) * 0.01)
    beside = relative_levels(levels)
    made = []
    for unit in UNITS:
        rows = pd.DataFrame(
            {"machine": f"{shaft} {unit}", "log_level 1": levels[unit][:, 0], "relative_level 1": beside[unit][:, 0]}
        )
        truth = Truth(shaft, unit, ("outer",), 300, 200) if unit == "bearing 1" else None
        seconds, power = STEP_S * np.arange(300), np.exp(2 * levels[unit][:, 0])
        made.append(Life(shaft, unit, "levels", rows, np.arange(300), seconds, START, power, STEP_S, truth, True))
    return tuple(made)


@pytest.fixture(scope="session")
def lives() -> tuple[Life, ...]:
    """The life of one shaft."""
    return _lives("2nd_test", 1)


@pytest.fixture(scope="session")
def fleet_champion() -> Champion:
    """Learnt from five shafts, `FLEET`: twenty machines."""
    return _learnt(tuple(life for seed, shaft in enumerate(FLEET, 1) for life in _lives(shaft, seed)), "joint_rise")


@pytest.fixture(scope="session")
def champion(lives: tuple[Life, ...]) -> Champion:
    """Learnt from the healthy beginnings; a bearing's level beside its neighbours' counts."""
    return _learnt(lives, "joint_rise")


@pytest.fixture(scope="session")
def lone_champion(lives: tuple[Life, ...]) -> Champion:
    """One that looks at each bearing by itself."""
    return _learnt(lives, "level_rise")


def _learnt(lives: tuple[Life, ...], kind: str) -> Champion:
    candidate = next(one for one in NASA.candidates if one.kind == kind)
    files = {"reference.parquet": parquet(healthy_rows(lives)), "sensor_config.txt": b"", "audit.json": b"{}"}
    files |= library_files(lives, candidate.features)
    model = trained_on(candidate, lives, 7).model
    return Champion(
        "nasa", LoadedModel(candidate.name, 1, {"source": "simulated"}, model, files), adapter(in_loop("nasa"))
    )


def _table(levels: dict[str, np.ndarray], first: int = 0, shaft: str = "2nd_test") -> pd.DataFrame:
    """As somebody's own file has it, without the levels beside the neighbours."""
    parts = []
    for unit, values in levels.items():
        seconds = LATER_S + STEP_S * (first + np.arange(len(values)))
        times = pd.to_datetime(seconds, unit="s", utc=True).strftime("%Y-%m-%dT%H:%M:%SZ")
        parts.append(pd.DataFrame({"time": times, "machine": f"{shaft} {unit}", "log_level 1": values[:, 0]}))
    return pd.concat(parts).sort_values("time", kind="stable")


@pytest.fixture(scope="session")
def levels() -> Callable[..., dict[str, np.ndarray]]:
    """Makes log levels: of so many rows, by a seed, with a fault of bearing 1."""
    return _levels


@pytest.fixture(scope="session")
def table_of() -> Callable[..., pd.DataFrame]:
    """Makes a table of levels, from a stated snapshot after the life on."""
    return _table
