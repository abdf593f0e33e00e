"""The contract that every gauntlet keeps, on real servers and a small simulated data set."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from typing import Any
from urllib.parse import urlparse
from uuid import UUID

import pandas as pd
import pytest
import requests
from mlflow import MlflowClient
from prefect import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId, ArtifactFilterKey

from gauntlet.tasks.gauntlets import GAUNTLETS
from gauntlet.tasks.metrics.catalogue import METRICS
from gauntlet.tasks.models.answer import answer as ours_answer
from gauntlet.tasks.registry.aliases import aliases_of
from gauntlet.tasks.registry.keys import signing_key
from gauntlet.tasks.registry.load import load

# The others take a minute and more each on two cores.
QUICK = ("ai4i",)
pytestmark = pytest.mark.parametrize(
    "ran", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in GAUNTLETS], indirect=True
)

KEYS = {
    "gauntlet", "source", "data_hash", "seed", "protocol", "leakage", "primary_metric", "candidates", "baselines",
    "champion", "registered", "timings_s", "input", "report",
}  # fmt: skip
TAGS = {
    "project", "phase", "task", "status", "dataset", "sensor_type", "source", "data_hash", "git_commit", "seed",
    "key", "leaked",
}  # fmt: skip


def objects_below(stack: Any, uri: str) -> dict[str, int]:
    place = urlparse(uri)
    pages = stack.connection.s3().get_paginator("list_objects_v2").paginate(
        Bucket=place.netloc, Prefix=place.path.strip("/")
    )  # fmt: skip
    return {item["Key"].removeprefix(place.path.strip("/") + "/"): item["Size"]
            for page in pages for item in page.get("Contents", [])}  # fmt: skip


def read(stack: Any, uri: str) -> bytes:
    place = urlparse(uri)
    return stack.connection.s3().get_object(Bucket=place.netloc, Key=place.path.lstrip("/"))["Body"].read()


def test_the_document_has_the_agreed_shape(ran: Any) -> None:
    """Every key of the contract, known metrics only, and plain JSON."""
    document = json.loads(json.dumps(ran.result.document(), allow_nan=False))
    assert set(document) >= KEYS
    assert document["gauntlet"] == ran.name
    assert document["leakage"] == {"findings": [], "allowed": False}
    for row in (*document["candidates"], *document["baselines"]):
        assert set(row["metrics"]) <= set(METRICS)
        for metric, (low, high) in row["intervals"].items():
            assert low <= row["metrics"][metric] <= high
    assert {"load", "train", "evaluate", "register", "total", "orchestration"} <= set(document["timings_s"])


def test_the_best_candidate_beats_the_naive_baselines(ran: Any) -> None:
    """By the primary metric; with intervals apart from an answer that is always the same."""
    result, metric = ran.result, ran.result.primary_metric
    best = next(row for row in result.candidates if row.name == result.best)
    naive = result.baselines[0]
    sign = 1 if METRICS[metric].higher_is_better else -1
    assert sign * best.metrics[metric] > sign * naive.metrics[metric]
    # Seven failures are too few for intervals apart.
    if naive.name in ("majority", "never_alarm", "all_positive") and ran.name != "pump":
        ends = naive.intervals.get(metric, (naive.metrics[metric],) * 2)
        assert min(sign * end for end in best.intervals[metric]) > max(sign * end for end in ends)


def test_simulated_is_said_everywhere(ran: Any, stack: Any) -> None:
    """Result, version tags, description, MLflow run and report."""
    assert ran.result.source == "simulated"
    page = read(stack, ran.result.report).decode()
    assert "simulated data" in page
    assert "simulated" in " ".join(ran.result.verdict)
    for one in ran.result.registered:
        version = MlflowClient().get_model_version(one.name, str(one.version))
        assert version.tags["source"] == "simulated"
        assert "simulated" in version.description


def test_versions_bear_their_names_tags_and_metrics(ran: Any) -> None:
    """The registered names are the agreed ones; every version has all tags and its figures."""
    names = GAUNTLETS[ran.name].registered
    registered = [one.name for one in ran.result.registered]
    assert len(registered) == len(set(registered))
    assert set(names) <= set(registered) <= {*names, ran.result.champion}
    rows = {row.name: row for row in ran.result.candidates}
    for one in ran.result.registered:
        version = MlflowClient().get_model_version(one.name, str(one.version))
        assert set(version.tags) >= TAGS
        assert version.status == "READY"
        metrics = MlflowClient().get_run(version.run_id).data.metrics
        if one.name in rows:  # a scaler is registered under its name, and is no candidate
            stated = rows[one.name].metrics[ran.result.primary_metric]
            assert metrics[ran.result.primary_metric] == pytest.approx(stated)


def test_objects_are_really_in_s3(ran: Any, stack: Any) -> None:
    """The model's folder with everything that belongs to it; report and plots beside the gauntlet's own run."""
    assert ran.result.report.startswith("s3://")
    told = objects_below(stack, ran.result.report.removesuffix("/report.html"))
    assert {"report.html", "result.json"} <= set(told)
    assert any(name.startswith("plots/") for name in told)
    for one in ran.result.registered:
        assert one.uri.startswith("s3://")
        inside = objects_below(stack, one.uri)
        wanted = {"MLmodel", "model.skops", "signature.json", "feature_names.txt", "sensor_config.txt", "audit.json",
                  "reference.parquet", "input_example.json"}  # fmt: skip
        assert wanted <= set(inside)
        assert all(inside.values())
        run = MlflowClient().get_run(MlflowClient().get_model_version(one.name, str(one.version)).run_id)
        parent = MlflowClient().get_run(run.data.tags["mlflow.parentRunId"])
        assert parent.info.artifact_uri == ran.result.report.removesuffix("/report.html")


def test_a_person_in_mlflow_finds_what_it_is(ran: Any, stack: Any) -> None:
    """Experiment, run and registered models say what they are for, and the run's name whether data were simulated."""
    gauntlet, client = GAUNTLETS[ran.name], MlflowClient()
    found = client.get_experiment_by_name(gauntlet.experiment)
    assert found.tags["mlflow.note.content"] == gauntlet.purpose
    assert found.tags["gauntlet"] == ran.name
    for one in ran.result.registered:
        model = client.get_registered_model(one.name)
        assert model.description
        assert {"project", "phase", "task", "dataset"} <= set(model.tags)
        version = client.get_model_version(one.name, str(one.version))
        parent = client.get_run(client.get_run(version.run_id).data.tags["mlflow.parentRunId"])
        assert parent.info.run_name == f"{ran.name} · simulated"
        assert parent.data.metrics[ran.result.primary_metric] == pytest.approx(
            next(row for row in ran.result.candidates if row.name == ran.result.best).metrics[ran.result.primary_metric]
        )


def test_reference_holds_the_features_by_name(ran: Any, stack: Any) -> None:
    """`reference.parquet` has the columns of `feature_names.txt` and no row that was not trained on."""
    one = ran.result.registered[0]
    reference = pd.read_parquet(io.BytesIO(read(stack, f"{one.uri}/reference.parquet")))
    names = read(stack, f"{one.uri}/feature_names.txt").decode().splitlines()
    assert set(names) <= set(reference.columns)
    assert 0 < len(reference) <= ran.result.input.rows


def test_exactly_one_champion(ran: Any) -> None:
    """The best candidate by the primary metric holds the alias, and nothing else does."""
    holders = [one.name for one in ran.result.registered if "champion" in aliases_of(one.name)]
    assert holders == [ran.result.champion] == [ran.result.best]


def test_the_champion_loads_in_a_fresh_process_and_predicts_the_same(ran: Any, stack: Any) -> None:
    """By MLflow's own loader, from nothing but the environment; and by ours."""
    from gauntlet.tasks.runtime.settings import settings

    key = signing_key(settings().state / "keys" / "signing.pem").public_key()
    ours = load(ran.result.champion, "champion", key)
    example = json.loads(ours.files["input_example.json"])
    rows = pd.DataFrame(example["data"], columns=example["columns"])
    code = (
        "import json, sys, mlflow, pandas as pd\n"
        f"model = mlflow.pyfunc.load_model('models:/{ran.result.champion}@champion')\n"
        "given = json.loads(sys.stdin.read())\n"
        "answer = model.predict(pd.DataFrame(given['data'], columns=given['columns']))\n"
        "print(json.dumps(answer.to_dict('list')))\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(example), capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr[-2000:]
    assert json.loads(answer.stdout.splitlines()[-1]) == ours_answer(ours.model, rows).to_dict("list")


def _flow_run(ran: Any) -> str:
    """The id of the flow run that registered this."""
    version = MlflowClient().get_model_version(ran.result.registered[0].name, str(ran.result.registered[0].version))
    run = MlflowClient().get_run(MlflowClient().get_run(version.run_id).data.tags["mlflow.parentRunId"])
    return str(run.data.tags["prefect_flow_run"])


def test_prefect_shows_verdict_table_and_report(ran: Any) -> None:
    """What a person sees in the Prefect UI: artifacts by key, no progress bar of what is done, runs named by what they are."""
    with get_client(sync_client=True) as client:
        for key in ("verdict", "results", "report"):
            found = client.read_artifacts(
                artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[f"{ran.name}-{key}"]))
            )
            assert found, key
        mine = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[UUID(_flow_run(ran))]))
        assert "progress" not in {one.type for one in client.read_artifacts(artifact_filter=mine)}
        names = {run.name for run in client.read_flow_runs()}
    assert f"{ran.name} · simulated" in names


def test_the_graph_shows_its_arrows(ran: Any, stack: Any) -> None:
    """Under 200 of them (Prefect's page draws none past 500), and from the first step to the last."""
    address = f"{stack.urls['Prefect']}/api/flow_runs/{_flow_run(ran)}/graph-v2"
    nodes = dict(requests.get(address, auth=stack.login("prefect"), timeout=30).json()["nodes"])
    arrows = [(parent["id"], key) for key, node in nodes.items() for parent in node["parents"]]
    assert len(arrows) < 200
    assert len(set(arrows)) >= len(nodes) - 2  # connecting stands by itself
    labels = {node["label"] for node in nodes.values()}
    assert {"load", "evaluate", "audit result", "build report", "assign alias"} <= labels


def test_running_again_changes_no_digit_and_registers_nothing_twice(ran: Any) -> None:
    """The same data, code, parameters and seed: the same figures to the digit, the same versions."""
    before = {
        one.name: len(MlflowClient().search_model_versions(f"name='{one.name}'")) for one in ran.result.registered
    }
    again = ran.again()
    assert again.candidates == ran.result.candidates
    assert again.baselines == ran.result.baselines
    assert again.registered == ran.result.registered
    after = {name: len(MlflowClient().search_model_versions(f"name='{name}'")) for name in before}
    assert after == before
