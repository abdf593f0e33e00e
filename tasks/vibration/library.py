"""The lives that a detector brings along into the registry: past failures for later challengers, and its healthy rows."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from gauntlet.datasets.records.snapshot import Truth
from gauntlet.tasks.models.machine_health import MACHINE
from gauntlet.tasks.registry.files import parquet
from gauntlet.tasks.vibration.definition import RELATIVE
from gauntlet.tasks.vibration.lives import Life, healthy_rows

LIVES, FACTS, TRAINING = "library.parquet", "library.json", "training.parquet"


@dataclass(frozen=True)
class Monitored:
    """A machine that the detector knows. `basis`: "snapshots" or "levels", which are not the same measure of loudness."""

    run: str
    unit: str
    basis: str
    interval_s: float


def library_files(
    lives: Sequence[Life], features: Sequence[str], past: Sequence[Life] | None = None
) -> dict[str, bytes]:
    """Files for the model's folder.

    Args:
        lives: of every machine that the detector was fitted on.
        features: names, without channel, that it looks at.
        past: those whose whole life is kept; all of them.
    """
    past = lives if past is None else past
    monitored = {life.machine: asdict(Monitored(life.run, life.unit, life.basis, life.interval_s)) for life in lives}
    tables = [_table(life, features) for life in past]
    return {
        TRAINING: parquet(_seen(healthy_rows(lives), features)),
        LIVES: parquet(pd.concat(tables, ignore_index=True) if tables else pd.DataFrame({MACHINE: []})),
        FACTS: json.dumps({"machines": monitored, "lives": [_facts(life) for life in past]}, indent=1).encode(),
    }


def machines_in(files: Mapping[str, bytes]) -> dict[str, Monitored]:
    """The machines that the detector knows, by name."""
    return {name: Monitored(**facts) for name, facts in json.loads(files[FACTS])["machines"].items()}


def lives_in(files: Mapping[str, bytes]) -> tuple[Life, ...]:
    """The past lives, as they were registered."""
    rows = pd.read_parquet(io.BytesIO(files[LIVES]))
    return tuple(_life(facts, rows[rows[MACHINE] == facts["machine"]]) for facts in json.loads(files[FACTS])["lives"])


def _seen(rows: pd.DataFrame, features: Sequence[str]) -> pd.DataFrame:
    """The machine, what the detector looks at, and the levels by which operation is told."""
    wanted = {*features, *RELATIVE}
    return rows[[MACHINE, *(name for name in rows.columns if name.rpartition(" ")[0] in wanted)]]


def _table(life: Life, features: Sequence[str]) -> pd.DataFrame:
    return _seen(life.rows, features).assign(_index=life.index, _seconds=life.seconds, _power=life.power)


def _facts(life: Life) -> dict[str, object]:
    return {
        "machine": life.machine,
        "run": life.run,
        "unit": life.unit,
        "basis": life.basis,
        "interval_s": life.interval_s,
        "settled": life.settled,
        "ended": life.ended,
        "start": life.start.isoformat() if life.start else None,
        "truth": asdict(life.truth) if life.truth else None,
    }


def _life(facts: Mapping[str, object], table: pd.DataFrame) -> Life:
    known, start = facts["truth"], facts["start"]
    truth = Truth(**{**known, "elements": tuple(known["elements"])}) if isinstance(known, dict) else None
    rows = table.drop(columns=["_index", "_seconds", "_power"]).dropna(axis=1, how="all").reset_index(drop=True)
    return Life(
        str(facts["run"]),
        str(facts["unit"]),
        str(facts["basis"]),
        rows,
        table["_index"].to_numpy(np.int64),
        table["_seconds"].to_numpy(np.float64),
        datetime.fromisoformat(str(start)) if start else None,
        table["_power"].to_numpy(np.float64),
        float(str(facts["interval_s"])),
        truth,
        bool(facts["ended"]),
        int(str(facts["settled"])),
    )
