"""A worker that lost its turn writes nothing; what S3 lost is scored again: on real S3, SQL and claims."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import create_engine, text

from gauntlet.blocks import TelemetryDatabase
from gauntlet.datasets.errors import BadInput, StaleClaim
from gauntlet.tasks.claims import Done, begin, database_clock, hold, open_database, sqlite_url
from gauntlet.tasks.loop import alarm_states, row_scoring, scoring, store
from gauntlet.tasks.loop.champion import Champion
from gauntlet.tasks.loop.contract import Adapter, Batch, Follower, InputFile, Scored
from gauntlet.tasks.loop.input_files import tables, take
from gauntlet.tasks.loop.portions import manifests, rows_of
from gauntlet.tasks.loop.row_keys import digests
from gauntlet.tasks.loop.scoring import FileScored, score_file, score_or_refuse
from gauntlet.tasks.loop.store import put
from gauntlet.tasks.registry.load import LoadedModel


def _unused(*_: Any) -> Any:
    raise AssertionError


def _adapter(offset: float) -> Adapter:
    """A kind of its own: a column of numbers, its score the number and the version's offset, a memory of the last one."""

    def read(file: InputFile, _champion: Champion, _latest_s: float) -> Batch:
        rows = pd.read_csv(io.BytesIO(file.content))
        if "x" not in rows:
            raise BadInput(file.path, "no numbers", column="x")
        keys, seconds = digests(rows, ["x"]), rows["x"].to_numpy(np.float64)
        sources = np.full(len(rows), "m", object)
        return Batch(rows, None, "g", keys, keys, tuple(range(2, len(rows) + 2)), sources, seconds)

    def score(batch: Batch, _champion: Champion) -> Scored:
        values = batch.rows["x"].to_numpy(np.float64) + offset
        return Scored(batch.rows, values, values > 100)

    def advance(_memory: Any, _sources: Any, _seconds: Any, score: np.ndarray, _rules: Any) -> Any:
        return score > 100, {"last": float(score[-1])}

    def follow(_champion: Champion, _connection: Any) -> Follower:
        return Follower({"m": {}}, advance, lambda _: ())

    return Adapter(tables, take, read, lambda batch, *_: batch, score, follow, *[_unused] * 6)


@dataclass
class Bench:
    """A file to be scored by workers that hold one version or another."""

    folder: Path
    connection: Any
    database: TelemetryDatabase
    engine: Any
    wrote: list[str] = field(default_factory=list)

    def champion(self, version: int) -> Champion:
        return Champion("g", LoadedModel("m", version, {}, None, {}), _adapter(1000.0 * version))

    def score(self, version: int, name: str = "a.csv") -> FileScored:
        (file,) = tables(self.folder / name)
        return score_file(file, self.champion(version), self.connection, self.engine, self.database)

    def outcome(self) -> dict[str, Any]:
        """What the claims say came out."""
        (file,) = tables(self.folder / "a.csv")
        done = begin(self.engine, "score:g", take(file).sha256, timedelta(minutes=1))
        assert isinstance(done, Done)
        return dict(json.loads(done.outcome))

    def agrees_on(self, version: int) -> None:
        """S3, SQL and claims: the same version's rows, each once."""
        (manifest,) = list(manifests(self.connection, "g"))
        assert manifest.version == version == self.outcome()["version"]
        expected = [1.0 + 1000 * version, 2.0 + 1000 * version]
        assert rows_of(self.connection, manifest)["_score"].tolist() == expected
        assert alarm_states.current(self.champion(version), self.connection, "g") == {"last": expected[-1]}
        url = self.database.url
        assert url is not None
        with create_engine(url.get_secret_value()).connect() as connection:
            found = connection.execute(text("SELECT version, score FROM gauntlet_predictions ORDER BY row")).all()
        assert [tuple(one) for one in found] == [(version, score) for score in expected]


@pytest.fixture
def bench(new_store: Callable[..., Any], tmp_path: Path) -> Bench:
    """Two rows; a bucket, a telemetry database and claims of their own."""
    (tmp_path / "a.csv").write_text("x\n1\n2\n")
    url = f"sqlite:///{tmp_path / 'telemetry.db'}"
    return Bench(tmp_path, new_store(), TelemetryDatabase(url=url), open_database(sqlite_url(tmp_path)))


def _overtaken(bench: Bench, patch: pytest.MonkeyPatch, place: Any, name: str, when: Callable[..., bool]) -> None:
    """Right before a stated call the worker is frozen past its turn, and another scores the file with version 2."""
    real, over = getattr(place, name), []

    def call(*given: Any, **named: Any) -> Any:
        if not over and when(*given, **named):
            over.append(name)
            lapsed = lambda connection: database_clock(connection) + timedelta(hours=1)  # noqa: E731
            with pytest.MonkeyPatch.context() as later:
                for room in (scoring, hold):
                    later.setattr(room, "begin", lambda *a, **k: begin(*a, **k, clock=lapsed))
                assert bench.score(2).state == "scored"
        return real(*given, **named)

    patch.setattr(place, name, call)


def _puts(end: str) -> Callable[..., bool]:
    return lambda _client, _connection, key, *_: key.endswith(end)


@pytest.mark.parametrize(
    ("place", "name", "when"),
    [
        (row_scoring, "write_predictions", lambda *_: True),
        (store, "_put", _puts("/rows.parquet")),
        (store, "_put", _puts("/predictions.parquet")),
        (store, "_put", lambda _client, _connection, key, *_: key.startswith("memories/")),
        (store, "_put", _puts("/manifest.json")),
        (row_scoring, "finish", lambda *_, **__: True),
    ],
    ids=["sql", "rows", "predictions", "memory", "manifest", "finish"],
)
def test_a_worker_that_lost_its_turn_writes_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, place: Any, name: str, when: Any
) -> None:
    """Overtaken before each of its writes: its successor's stand, in S3, in SQL and in the claims."""
    _overtaken(bench, monkeypatch, place, name, when)
    with pytest.raises(StaleClaim):
        bench.score(1)
    bench.agrees_on(2)


@pytest.mark.parametrize("end", ["/rows.parquet", "/manifest.json"])
def test_a_worker_frozen_between_check_and_write_writes_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    """The check was good, then its successor wrote: S3 itself refuses what would take that one's place."""
    client = bench.connection.s3()
    real = type(client).put_object
    _overtaken(bench, monkeypatch, type(client), "put_object", lambda *_, **named: named["Key"].endswith(end))
    with pytest.raises(StaleClaim):
        bench.score(1)
    monkeypatch.setattr(type(client), "put_object", real)
    bench.agrees_on(2)


@pytest.mark.parametrize("lost", ["manifest.json", "rows.parquet", "predictions.parquet"])
def test_what_s3_lost_is_scored_again(bench: Bench, lost: str) -> None:
    """Once: by the champion of now, and then it is known again."""
    assert [bench.score(1).state for _ in range(2)] == ["scored", "known"]
    (manifest,) = list(manifests(bench.connection, "g"))
    store.remove(bench.connection, f"{manifest.prefix}/{lost}")
    assert [bench.score(2).state for _ in range(2)] == ["scored", "known"]
    bench.agrees_on(2)


def test_a_memory_that_s3_lost_is_told_anew_from_the_rows(bench: Bench) -> None:
    """By whoever asks for it."""
    bench.score(1)
    for key, _ in store.keys(bench.connection, "memories/"):
        store.remove(bench.connection, key)
    bench.agrees_on(1)


def test_claims_that_were_lost_cost_a_scoring_and_nothing_else(bench: Bench, tmp_path: Path) -> None:
    """Another database, an empty one: what is in S3 and SQL is replaced."""
    bench.score(1)
    (tmp_path / "other").mkdir()
    bench.engine = open_database(sqlite_url(tmp_path / "other"))
    assert bench.score(2).state == "scored"
    bench.agrees_on(2)


def test_an_object_that_others_keep_writing_is_left_to_them(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every time between the look and the write; it gives up in words."""
    numbers = iter(range(100))

    def another() -> None:
        bench.connection.s3().put_object(Bucket=bench.connection.bucket, Key="k", Body=str(next(numbers)).encode())

    with pytest.raises(StaleClaim, match="others keep writing"):
        put(bench.connection, "k", b"mine", check=another)
    assert bench.connection.s3().get_object(Bucket=bench.connection.bucket, Key="k")["Body"].read() != b"mine"


def test_a_file_that_cannot_be_read_is_refused_with_the_reason(bench: Bench) -> None:
    """Of another content, and one that is a folder; each may be offered again, once it is mended."""
    (bench.folder / "b.csv").write_text("y\n1\n")
    (bench.folder / "c.csv").mkdir()
    files = tables(bench.folder)
    told = [score_or_refuse(one, bench.champion(1), bench.connection, bench.engine, bench.database) for one in files]
    assert [one.state for one in told] == ["scored", "refused", "refused"]
    assert "b.csv, column 'x': no numbers." in told[1].why
    assert "c.csv: cannot be read, saw Is a directory." in told[2].why
    (bench.folder / "c.csv").rmdir()
    (bench.folder / "c.csv").write_text("x\n7\n")
    assert bench.score(1, "c.csv").state == "scored"


def test_a_table_of_an_earlier_version_gets_the_columns_that_it_lacks(bench: Bench) -> None:
    """What stands in it stays."""
    assert bench.database.url is not None
    old = "gauntlet, file, file_sha256, row, score, alarm, model, version, scored_at"
    with create_engine(bench.database.url.get_secret_value()).begin() as connection:
        connection.execute(text(f"CREATE TABLE gauntlet_predictions ({old})"))
        connection.execute(text("INSERT INTO gauntlet_predictions (gauntlet, file_sha256, row) VALUES ('g', 'old', 7)"))
    bench.score(1)
    with create_engine(bench.database.url.get_secret_value()).connect() as connection:
        found = connection.execute(text("SELECT row, row_key IS NULL, machine, late FROM gauntlet_predictions")).all()
    assert [tuple(one) for one in found] == [(7, 1, None, None), (0, 0, "m", 0), (1, 0, "m", 0)]
