"""Rows without a time: each once, however they are cut into files; labels may come later; what was altered teaches nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import create_engine, text

from gauntlet.blocks import DriftPolicy, TelemetryDatabase
from gauntlet.datasets import ai4i
from gauntlet.tasks.claims import open_database, sqlite_url
from gauntlet.tasks.gauntlets import in_loop
from gauntlet.tasks.loop.champion import Champion, adapter
from gauntlet.tasks.loop.portions import LABEL, all_of, manifests
from gauntlet.tasks.loop.scoring import FileScored, score_or_refuse
from gauntlet.tasks.loop.store import put
from gauntlet.tasks.metrics.prices import Prices
from gauntlet.tasks.registry.files import parquet
from gauntlet.tasks.registry.load import LoadedModel
from gauntlet.tasks.tabular.gauntlets import AI4I
from gauntlet.tasks.tabular.train import pipeline

FEATURES, TARGET, IDS = list(ai4i.SPEC.features), ai4i.SPEC.target, list(ai4i.SPEC.identifiers)


@dataclass
class Plant:
    """A folder, and runs that score what lies in it."""

    folder: Path
    champion: Champion
    store: Any
    engine: Any
    database: TelemetryDatabase

    def run(self) -> dict[str, FileScored]:
        files = self.champion.adapter.files(self.folder)
        made = [score_or_refuse(one, self.champion, self.store, self.engine, self.database) for one in files]
        return {one.file: one for one in made}

    def rows(self) -> pd.DataFrame:
        """Every row that counts, whatever portion it is in; SQL has the same ones."""
        kept = list(manifests(self.store, "ai4i"))
        parts = [all_of(self.store, one) for one in kept]
        assert [len(part) for part in parts] == [one.rows for one in kept]
        rows = pd.concat(parts).sort_values("_key").reset_index(drop=True)
        assert not rows["_key"].duplicated().any()
        assert self.database.url is not None
        with create_engine(self.database.url.get_secret_value()).connect() as connection:
            told = connection.execute(text("SELECT row_key, score FROM gauntlet_predictions ORDER BY row_key")).all()
        assert [tuple(one) for one in told] == list(zip(rows["_key"], rows["_score"], strict=True))
        return rows

    def gather(self) -> Any:
        return self.champion.adapter.gather(self.champion, {}, 30.0, self.store)


@pytest.fixture(scope="module")
def champion(tmp_path_factory: pytest.TempPathFactory) -> Champion:
    """A classifier with its own rows."""
    table = ai4i.read(ai4i.simulate(tmp_path_factory.mktemp("learnt"), seed=3, rows=1200)).frame
    rows = table[[*FEATURES, TARGET]].reset_index(drop=True)
    fitted = pipeline(AI4I.candidates[0], Prices(40.0, 7_000.0), 7).fit(rows[FEATURES], rows[TARGET].to_numpy(np.int64))
    files = {"training.parquet": parquet(rows.iloc[:900]), "evaluation.parquet": parquet(rows.iloc[900:])}
    model = LoadedModel(AI4I.candidates[0].name, 1, {"source": "simulated"}, fitted, files)
    return Champion("ai4i", model, adapter(in_loop("ai4i")))


@pytest.fixture
def made(champion: Champion, new_store: Callable[..., Any], tmp_path: Path) -> Callable[[], Plant]:
    """Makes a plant of its own."""
    count = iter(range(100))

    def new() -> Plant:
        home = tmp_path / str(next(count))
        (home / "incoming").mkdir(parents=True)
        database = TelemetryDatabase(url=f"sqlite:///{home / 'telemetry.db'}")
        return Plant(home / "incoming", champion, new_store(), open_database(sqlite_url(home)), database)

    return new


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """300 parts, three of them alike but for their ids."""
    rows = ai4i.read(ai4i.simulate(tmp_path_factory.mktemp("drawn"), seed=21, rows=300)).frame[
        [*IDS, *FEATURES, TARGET]
    ]
    rows.loc[[11, 12], FEATURES] = rows.loc[[10, 10], FEATURES].to_numpy()
    return rows


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_rows_are_those_of_one_file(made: Callable[[], Plant], table: pd.DataFrame, seed: int) -> None:
    """Overlapping, repeated, in any order, grown, cut in the middle of a number."""
    undisturbed, plant, rng = made(), made(), np.random.default_rng(seed)
    header, *lines = table.to_csv(index=False).splitlines()
    (undisturbed.folder / "whole.csv").write_text("\n".join([header, *lines]) + "\n")
    undisturbed.run()
    cuts = [0, *sorted(rng.choice(np.arange(1, 300), 5, replace=False).tolist()), 300]
    for i in rng.permutation(6).tolist():
        piece = lines[max(0, cuts[i] - int(rng.integers(0, 30))) : cuts[i + 1]]
        path = plant.folder / f"{rng.integers(10**9)}.csv"
        path.write_text("\n".join([header, *piece])[: -int(rng.integers(1, 5))])
        assert plant.run()[path.name].state == "waits"
        path.write_text("\n".join([header, *piece]) + "\n")
        (plant.folder / f"copy-{i}.csv").write_bytes(path.read_bytes())
        if rng.random() < 0.5:
            plant.run()
    plant.run()
    pd.testing.assert_frame_equal(
        plant.rows().drop(columns="_line"), undisturbed.rows().drop(columns="_line"), check_exact=True
    )


def test_a_file_that_grows_brings_its_new_rows_only(made: Callable[[], Plant], table: pd.DataFrame) -> None:
    """Without ids, rows that are alike are told apart by their number in the file; alike in another file they are the same."""
    plant, rows = made(), table[FEATURES]
    for until, fresh in ((11, 11), (12, 1), (300, 288)):
        rows.iloc[:until].to_csv(plant.folder / "grows.csv", index=False)
        (one,) = plant.run().values()
        assert (one.state, one.rows, one.known) == ("scored", fresh, until - fresh)
    assert len(plant.rows()) == 300
    rows.iloc[100:200].to_csv(plant.folder / "part.csv", index=False)
    assert plant.run()["part.csv"].state == "known"
    assert {one.state for one in plant.run().values()} == {"known"}


def test_labels_that_come_later_are_laid_beside_the_rows(made: Callable[[], Plant], table: pd.DataFrame) -> None:
    """No row is scored anew for them, and they can be learnt from."""
    plant = made()
    table.drop(columns=TARGET).to_csv(plant.folder / "rows.csv", index=False)
    plant.run()
    assert LABEL not in plant.rows()
    table.iloc[:200].to_csv(plant.folder / "labelled.csv", index=False)
    one = plant.run()["labelled.csv"]
    assert (one.state, one.rows, one.known) == ("known", 0, 200)
    assert plant.rows()[LABEL].notna().sum() == 200
    gathered = plant.gather()
    assert gathered.new_rows + len(gathered.since) == len(table.iloc[:200][FEATURES].drop_duplicates()) + 2
    assert len(plant.champion.adapter.windows(plant.champion, DriftPolicy(window_rows=100), plant.store)) == 1


def test_what_s3_lost_of_a_file_that_grew_is_scored_again(made: Callable[[], Plant], table: pd.DataFrame) -> None:
    """The rows of the portion that is gone are new to the file as it is now."""
    plant = made()
    for until in (100, 200):
        table.iloc[:until].to_csv(plant.folder / "grows.csv", index=False)
        plant.run()
    first = next(one for one in manifests(plant.store, "ai4i") if one.rows == 100)
    plant.store.s3().delete_object(Bucket=plant.store.bucket, Key=f"{first.prefix}/rows.parquet")
    (one,) = plant.run().values()
    assert one.state == "scored"
    assert len(plant.rows()) == 200


def test_altered_rows_teach_nothing_and_stop_nothing(
    made: Callable[[], Plant], table: pd.DataFrame, caplog: pytest.LogCaptureFixture
) -> None:
    """One portion of three is somebody else's: it is named, counted, left out, and the others are learnt from."""
    plant = made()
    for i in range(3):
        table.iloc[100 * i : 100 * i + 100].to_csv(plant.folder / f"{i}.csv", index=False)
    plant.run()
    whole = plant.gather()
    first = next(one for one in manifests(plant.store, "ai4i") if one.file == "0.csv")
    put(plant.store, f"{first.prefix}/rows.parquet", parquet(all_of(plant.store, first).assign(**{LABEL: 1.0})))
    with caplog.at_level("INFO", "gauntlet"):
        left = plant.gather()
    assert len(left.files) == 2
    assert left.new_rows + len(left.since) == whole.new_rows + len(whole.since) - 100
    assert f"{first.prefix}/rows.parquet was changed since 0.csv was scored" in caplog.text
    assert "1 of 3 scored files are left out" in caplog.text
