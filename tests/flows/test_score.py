"""Scoring on real servers: each file once, in S3 and in SQL; the drift check judges each window once."""

from __future__ import annotations

import hashlib
import io
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import create_engine, text

from gauntlet.blocks import DriftPolicy, TelemetryDatabase
from gauntlet.datasets import ai4i as data_set
from gauntlet.datasets.errors import BadInput, GauntletError
from gauntlet.flows.drift_check import drift_check
from gauntlet.flows.housekeeping import housekeeping
from gauntlet.flows.reap import reap
from gauntlet.flows.retrain import retrain
from gauntlet.flows.score import score
from gauntlet.flows.validate_registry import validate_registry
from gauntlet.tasks import claims
from gauntlet.tasks.claims import claims_database
from gauntlet.tasks.loop.portions import manifests
from gauntlet.tasks.loop.store import listed
from gauntlet.tasks.registry.selection import get_all_registered_models
from gauntlet.tasks.runtime.connection import block_name

pytestmark = pytest.mark.parametrize("ran", ["ai4i"], indirect=True)


@pytest.fixture(scope="module")
def incoming(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two files of the same machine, and a copy of the first under another name."""
    folder = tmp_path_factory.mktemp("incoming")
    for seed in (21, 22):
        scratch = tmp_path_factory.mktemp("drawn")
        shutil.copy(data_set.simulate(scratch, seed=seed, rows=600), folder / f"shift-{seed}.csv")
    shutil.copy(folder / "shift-21.csv", folder / "copy.csv")
    (folder / "SIMULATED.json").write_text("{}")
    return folder


@pytest.mark.promise("rows")
def test_each_file_is_scored_once_in_s3_and_in_sql(ran: Any, stack: Any, incoming: Path, tmp_path: Path) -> None:
    """Offered twice and under two names: one row per machine row, in both places."""
    url = f"sqlite:///{tmp_path / 'telemetry.db'}"
    TelemetryDatabase(url=url).save(block_name(TelemetryDatabase), overwrite=True)
    try:
        first = score("ai4i", incoming)
        again = score("ai4i", incoming)
    finally:
        TelemetryDatabase(url=None).save(block_name(TelemetryDatabase), overwrite=True)
    assert sorted(one.state for one in first) == ["known", "scored", "scored"]
    assert {one.state for one in again} == {"known"}
    mine = {hashlib.sha256(path.read_bytes()).hexdigest() for path in incoming.glob("*.csv")}
    kept = [one for one in manifests(stack.connection, "ai4i") if one.sha256 in mine]
    assert sum(one.rows for one in kept) == 1200
    body = stack.connection.s3().get_object(Bucket=stack.connection.bucket, Key=f"{kept[0].prefix}/predictions.parquet")
    predictions = pd.read_parquet(io.BytesIO(body["Body"].read()))
    assert {"torque_nm", "_score", "_alarm"} <= set(predictions.columns)
    assert predictions["_score"].between(0, 1).all()
    with create_engine(url).connect() as connection:
        rows, files = connection.execute(
            text("SELECT count(*), count(DISTINCT file_sha256) FROM gauntlet_predictions")
        ).one()
    assert (rows, files) == (1200, 2)


def test_an_undrifted_window_is_judged_once_and_keeps_its_report(ran: Any, stack: Any, incoming: Path) -> None:
    """Rows of the same generator; the report is a page that fetches nothing."""
    DriftPolicy(window_rows=1000).save(block_name(DriftPolicy), overwrite=True)
    score("ai4i", incoming)
    told = drift_check("ai4i")
    again = drift_check("ai4i")
    assert told["verdict"] in ("none", "operating_change")
    assert again == told
    kept = listed(stack.connection, "drift/ai4i/")
    assert [one["key"] for one in kept].count(told["key"]) == 1
    assert told["report"].startswith("http://127.0.0.1")
    pages = stack.connection.s3().list_objects_v2(Bucket=stack.connection.bucket, Prefix="drift/ai4i/")["Contents"]
    page = next(one["Key"] for one in pages if one["Key"].endswith(f"{told['key'][:12]}.html"))
    html = stack.connection.s3().get_object(Bucket=stack.connection.bucket, Key=page)["Body"].read().decode()
    assert '<script src="http' not in html
    assert '<link href="http' not in html


def test_a_file_of_another_machine_is_refused_and_may_be_offered_again(ran: Any, tmp_path: Path) -> None:
    """One clear line; nothing is kept that would make a mended file unknown."""
    (tmp_path / "wrong.csv").write_text("a,b\n1,2\n")
    with pytest.raises(BadInput, match=r"wrong\.csv"):
        score("ai4i", tmp_path)
    with pytest.raises(BadInput, match=r"there is no such folder"):
        score("ai4i", tmp_path / "nothing-here")


def test_a_broken_file_among_good_ones_is_refused_and_told_once(
    ran: Any, stack: Any, tmp_path: Path, chat: list[str]
) -> None:
    """By name and with the reason; the others are scored, one that is being written waits, and at the second offering nothing
    is said again."""
    shutil.copy(data_set.simulate(tmp_path, seed=23, rows=100), tmp_path / "b-good.csv")
    for path in tmp_path.glob("*"):
        if path.name != "b-good.csv":
            path.unlink()
    (tmp_path / "SIMULATED.json").write_text("{}")
    (tmp_path / "a-cut.csv").write_text((tmp_path / "b-good.csv").read_text()[:-9] + "\n")
    (tmp_path / "d-written.csv").write_text((tmp_path / "b-good.csv").read_text()[:-2])
    (tmp_path / "c-folder.csv").mkdir()
    states = [{Path(one.file).name: one.state for one in score("ai4i", tmp_path)} for _ in range(2)]
    refused = {"a-cut.csv": "refused", "c-folder.csv": "refused"}
    others = {**refused, "d-written.csv": "waits"}
    assert states == [{**others, "b-good.csv": "scored"}, {**others, "b-good.csv": "known"}]
    assert [next(name for name in refused if name in one) for one in chat] == sorted(refused)


def test_a_work_order_of_next_year_is_refused(ran: Any, stack: Any) -> None:
    """It would end every alarm until then; nothing of it is kept."""
    closed = datetime.now(UTC) + timedelta(days=365)
    with pytest.raises(BadInput, match="press 7 repaired, work order WO-1 is closed in the future"):
        retrain("ai4i", machine="press 7", work_order="WO-1", action="repaired", closed=closed)
    kept = listed(stack.connection, "maintenance/ai4i/")
    assert [one for one in kept if one["at_s"] > datetime.now(UTC).timestamp() + 3600] == []


def test_every_version_with_an_alias_is_well(ran: Any) -> None:
    """The champion among them; and the table names folder, run and experiment of each."""
    names = {one.name for one in ran.result.registered}
    checked = validate_registry(sorted(names))
    held = {(one.name, version) for one in get_all_registered_models() for version in one.aliases.values()}
    assert {(one.model, one.version) for one in checked} == {(name, number) for name, number in held if name in names}
    assert ran.result.champion in {one.model for one in checked if "champion" in one.aliases}
    assert all(one.fault == "" and one.folder.startswith("s3://") and one.files >= 8 for one in checked)


def test_a_champion_that_lost_a_file_is_named(ran: Any, stack: Any) -> None:
    """Its reference is taken away from S3, and put back."""
    from urllib.parse import urlparse

    held = next(one for one in ran.result.registered if one.name == ran.result.champion)
    place = urlparse(f"{held.uri}/reference.parquet")
    client, where = stack.connection.s3(), {"Bucket": place.netloc, "Key": place.path.lstrip("/")}
    kept = client.get_object(**where)["Body"].read()
    client.delete_object(**where)
    try:
        with pytest.raises(GauntletError, match=f"{held.name} v{held.version}: reference.parquet is not in S3"):
            validate_registry([held.name])
    finally:
        client.put_object(**where, Body=kept)


def test_reap_frees_a_dead_workers_claim(ran: Any, stack: Any) -> None:
    """A claim of a tenth of a second, whose holder says nothing more."""
    engine = claims_database(stack.cfg)
    claims.claim(engine, "retrain:nobody", "dead worker", timedelta(milliseconds=100))
    import time

    time.sleep(0.3)
    assert reap() == 1
    given = claims.claim(engine, "retrain:nobody", "next", timedelta(seconds=5))
    assert isinstance(given, claims.Claim)
    claims.release(engine, given, finished=False)


def test_housekeeping_removes_what_is_older_and_nothing_else(ran: Any) -> None:
    """Nothing here is a day old; a negative age is refused."""
    assert housekeeping(days=1) == 0
    with pytest.raises(BadInput):
        housekeeping(days=-1)
