"""AI4I's own promises: leaks are named and marked, outages end well or say so, nothing is half registered."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from pydantic import SecretStr

from gauntlet.datasets import ai4i as data_set
from gauntlet.datasets.errors import Leak, NotPromotable, ServiceDown
from gauntlet.deployments import stack as local_stack
from gauntlet.flows.ai4i import ai4i
from gauntlet.tasks.metrics.prices import Prices
from gauntlet.tasks.registry.aliases import Holder, aliases_of, enter, give
from gauntlet.tasks.registry.keys import signing_key
from gauntlet.tasks.registry.load import load
from gauntlet.tasks.registry.register import register
from gauntlet.tasks.registry.submission import Submission
from gauntlet.tasks.runtime import steps
from gauntlet.tasks.runtime.connection import Credentials
from gauntlet.tasks.runtime.settings import settings
from gauntlet.tasks.runtime.steps import step
from gauntlet.tasks.runtime.tracking import experiment, servers, tracked
from gauntlet.tasks.tabular.gauntlets import AI4I
from gauntlet.tasks.tabular.train import pipeline

FIVE = {"TWF", "HDF", "PWF", "OSF", "RNF"}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ai4i")
    return Path(data_set.simulate(folder, seed=11, rows=2_500))


@pytest.fixture
def key_file() -> Path:
    return settings().state / "keys" / "signing.pem"


@pytest.fixture(scope="module")
def submission(table: Path) -> Submission:
    """A small, real candidate, fitted on a few rows."""
    frame = data_set.read(table)
    X, y = frame.features, frame.target.to_numpy()
    fitted = pipeline(AI4I.candidates[4], Prices(500.0, 25.0), seed=7).fit(X, y)
    tags = {"leaked": "false", "dataset": "ai4i"}
    return Submission(
        "outage_candidate", "key-1", fitted, X.head(200), {"pr_auc": 0.5}, {"seed": 7}, tags, "A test.", {}, {}
    )


def test_label_columns_stop_the_run_and_are_named(table: Path, stack: Any) -> None:
    """With the five mode columns among the features nothing is trained, and the message names all five."""
    with pytest.raises(Leak) as stopped:
        ai4i(data=table, columns="all")
    assert {finding.column for finding in stopped.value.findings} == FIVE
    assert all(name in str(stopped.value) for name in FIVE)
    failed = MlflowClient().search_runs([experiment(AI4I.experiment, stack.connection)], "attributes.status = 'FAILED'")
    assert any("label_derived" in run.data.tags.get("failure", "") for run in failed)


@pytest.mark.slow
def test_an_allowed_leak_is_marked_everywhere_and_never_champion(table: Path, stack: Any) -> None:
    """The famous figure comes out, and result, verdict, report and versions say that it is leaked."""
    before = {name: aliases_of(name) for name in AI4I.registered}
    result = ai4i(data=table, columns="all", allow_leakage=True)
    best = next(row for row in result.candidates if row.name == result.best)
    assert best.metrics["accuracy"] >= 0.998
    assert {finding.column for finding in result.leakage.findings} == FIVE
    assert result.leakage.allowed
    assert "leaked" in " ".join(result.verdict)
    assert {name: aliases_of(name) for name in AI4I.registered} == before
    for one in result.registered:
        version = MlflowClient().get_model_version(one.name, str(one.version))
        assert version.tags["leaked"] == "true"
        assert version.tags["status"] == "leaked"
        assert version.description.startswith("LEAKED")
        with pytest.raises(NotPromotable, match="never be champion"):
            give(one.name, one.version, "champion")


def test_registering_with_s3_away_says_so_and_registers_nothing(
    submission: Submission, stack: Any, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dead S3 endpoint is one line; no version and no registered model are left, and the run is FAILED."""
    with tracked(stack.connection, experiment("outages", stack.connection), "parent", {}) as parent:
        dead = replace(stack.connection, s3_endpoint_url="http://127.0.0.1:9")
        monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", "http://127.0.0.1:9")
        with pytest.raises(ServiceDown) as told:
            register(submission, parent, dead, key_file)
    assert "S3 at http://127.0.0.1:9 does not answer" in str(told.value)
    assert "\n" not in str(told.value)
    assert MlflowClient().search_registered_models("name='outage_candidate'") == []
    runs = MlflowClient().search_runs([parent.experiment_id], "attributes.run_name = 'outage_candidate'")
    assert [run.info.status for run in runs] == ["FAILED"]


def test_mlflow_away_is_one_line(stack: Any, monkeypatch: pytest.MonkeyPatch, table: Path) -> None:
    """Before any work is done, with the address and what to do."""
    monkeypatch.setenv("GAUNTLET_MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setattr(steps, "RETRY_DELAYS_S", ())  # without the retries' 32 seconds
    settings.cache_clear()
    try:
        with pytest.raises(ServiceDown, match=r"MLflow at http://127\.0\.0\.1:9 does not answer"):
            ai4i(data=table)
    finally:
        monkeypatch.undo()
        settings.cache_clear()
        stack.connection.export()


def test_an_outage_of_s3_is_waited_out(submission: Submission, stack: Any, key_file: Path) -> None:
    """S3 is killed, comes back while the step retries, and the version is registered once."""
    from prefect import flow

    local_stack.down(stack.cfg, only=["s3"], say=lambda _: None)
    # Still on loan: `up` would keep it.
    back = threading.Timer(4.0, lambda: local_stack._bring_up(stack.cfg, lambda _: None, stay=False))
    waited = replace(submission, name="waited_candidate")

    @flow(name="outage")
    def outage(parent: Any) -> Any:
        return step(register, calls_server=True)(waited, parent, stack.connection, key_file)

    with tracked(stack.connection, experiment("outages", stack.connection), "parent", {}) as parent:
        back.start()
        began = time.monotonic()
        try:
            version = outage(parent)
        finally:
            back.join()
    assert time.monotonic() - began > 3
    assert version.version == 1
    assert len(MlflowClient().search_model_versions("name='waited_candidate'")) == 1


def test_a_repeated_registration_finds_its_version(submission: Submission, stack: Any, key_file: Path) -> None:
    """The same key twice is one version, and what loads back predicts the same."""
    twice = replace(submission, name="twice_candidate")
    with tracked(stack.connection, experiment("outages", stack.connection), "parent", {}) as parent:
        first = register(twice, parent, stack.connection, key_file)
        second = register(twice, parent, stack.connection, key_file)
    assert first == second
    loaded = load("twice_candidate", first.version, signing_key(key_file).public_key())
    rows = submission.rows
    assert np.array_equal(loaded.model.predict_proba(rows), submission.model.predict_proba(rows))


def test_a_request_that_the_registry_did_twice_leaves_one_version(
    submission: Submission, stack: Any, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MLflow's client sends again what was answered late: the first version counts, the second is removed."""
    real = MlflowClient.create_model_version

    def twice(*given: Any, **named: Any) -> Any:
        real(*given, **named)
        return real(*given, **named)

    monkeypatch.setattr(MlflowClient, "create_model_version", twice)
    with tracked(stack.connection, experiment("outages", stack.connection), "parent", {}) as parent:
        made = register(replace(submission, name="resent_candidate"), parent, stack.connection, key_file)
    assert made.version == 1
    assert [one.version for one in MlflowClient().search_model_versions("name='resent_candidate'")] == ["1"]
    assert load("resent_candidate", 1, signing_key(key_file).public_key()).tags["key"] == submission.key


def test_later_best_becomes_challenger_and_only_one(stack: Any, submission: Submission, key_file: Path) -> None:
    """Champion stays; the challenger alias moves between models so that a gauntlet has one."""
    names = ["enter_a", "enter_b"]
    with tracked(stack.connection, experiment("outages", stack.connection), "parent", {}) as parent:
        versions = {
            (name, key): register(replace(submission, name=name, key=key), parent, stack.connection, key_file).version
            for name in names
            for key in ("one", "two")
        }
    enter(names, Holder("enter_a", versions["enter_a", "one"]))
    assert aliases_of("enter_a") == {"champion": 1}
    enter(names, Holder("enter_a", versions["enter_a", "two"]))
    assert aliases_of("enter_a") == {"champion": 1, "challenger": 2}
    enter(names, Holder("enter_b", versions["enter_b", "one"]))
    assert aliases_of("enter_a") == {"champion": 1}
    assert aliases_of("enter_b") == {"challenger": 1}
    enter(names, Holder("enter_a", versions["enter_a", "one"]))
    assert aliases_of("enter_a") == {"champion": 1}


def test_a_tampered_artifact_in_s3_is_refused(stack: Any, submission: Submission, key_file: Path) -> None:
    """One flipped byte in the bucket, and the model is not loaded."""
    from gauntlet.datasets.errors import Altered

    with tracked(stack.connection, experiment("outages", stack.connection), "parent", {}) as parent:
        one = register(replace(submission, name="tampered"), parent, stack.connection, key_file)
    bucket, _, prefix = one.uri.removeprefix("s3://").partition("/")
    place = {"Bucket": bucket, "Key": f"{prefix}/model.skops"}
    content = bytearray(stack.connection.s3().get_object(**place)["Body"].read())
    content[len(content) // 2] ^= 1
    stack.connection.s3().put_object(**place, Body=bytes(content))
    with pytest.raises(Altered, match=r"model\.skops was changed"):
        load("tampered", one.version, signing_key(key_file).public_key())


def test_wrong_credentials_are_one_line(stack: Any) -> None:
    """A refused key is told as such and does not show the secret."""
    wrong = replace(stack.connection, credentials=Credentials("gauntlet", SecretStr("not-the-secret")))
    with pytest.raises(ServiceDown) as told, servers(wrong):
        wrong.s3().put_object(Bucket=wrong.bucket, Key="refused", Body=b"")
    assert "S3 at" in str(told.value)
    assert "\n" not in str(told.value)
    assert "not-the-secret" not in str(told.value)


def test_flow_form_reads_well() -> None:
    """The Prefect form: every parameter has a description, and choices are choices."""
    schema = ai4i.parameters
    assert set(schema.properties) >= {"data", "source", "seed", "allow_leakage", "columns"}
    assert all(one.get("description") for one in schema.properties.values())
    assert schema.properties["source"]["enum"] == ["auto", "real", "simulated"]


def test_frames_are_not_changed_by_features(table: Path) -> None:
    """The feature step leaves its input alone: the same rows are used again by every fold."""
    from gauntlet.tasks.models.process_features import engineered

    rows = data_set.read(table).features
    before = rows.copy(deep=True)
    engineered(rows)
    pd.testing.assert_frame_equal(rows, before)


def test_many_callers_with_one_key_register_one_version(submission: Submission, key_file: Path, stack: Any) -> None:
    """At the same time, from several threads: all are told the same version, and the registry has no other."""
    place = experiment(AI4I.experiment, stack.connection)
    candidate = replace(submission, name="raced_candidate", key="race-1")
    with (
        servers(stack.connection),
        tracked(stack.connection, place, "race", {}) as parent,
        ThreadPoolExecutor(4) as pool,
    ):
        waiting = [pool.submit(register, candidate, parent, stack.connection, key_file) for _ in range(4)]
        versions = [one.result() for one in waiting]
    assert {one.version for one in versions} == {1}
    assert len(MlflowClient().search_model_versions("name='raced_candidate'")) == 1
