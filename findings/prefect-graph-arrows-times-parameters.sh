#!/usr/bin/env bash
# Prefect's graph of a flow run draws an arrow once per parameter of the task that it comes from.
#
# One would guess: a task that uses another task's result has one arrow from it in `graph-v2`, the graph of the run's page.
# What happens: it has as many as the other task has parameters of its own; a task with ten parameters whose result goes to
# twenty others makes 200 arrows out of 20. The page draws no arrows at all past 500, so a pipeline whose first step takes
# many parameters shows boxes without a line between them.
# Since: seen in 3.8.8, on the server's SQLite database; a task without parameters has its one arrow.
# Hurts: whoever passes settings one by one to a loading step and fans its result out.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check prefect==3.8.8 fastapi==0.150.0 starlette==1.10.0
cat > arrows.py <<'PY'
import prefect
from prefect import flow, get_client, task
from prefect.runtime import flow_run
from prefect.testing.utilities import prefect_test_harness


@task
def none():
    return {"rows": 1}


@task
def two(a, b):
    return {"rows": a}


@task
def five(a, b, c, d, e):
    return {"rows": a}


@task
def use(rows):
    return 1


@flow
def pipeline():
    use.with_options(name="of none")(none())
    use.with_options(name="of two")(two(1, 2))
    use.with_options(name="of five")(five(1, 2, 3, 4, 5))
    return str(flow_run.id)


with prefect_test_harness(server_startup_timeout=120):
    run = pipeline()
    with get_client(sync_client=True) as client:
        nodes = client._client.get(f"/flow_runs/{run}/graph-v2").json()["nodes"]
arrows = {node["label"].rpartition("-")[0] or node["label"]: len(node["parents"]) for _, node in nodes}
print("prefect", prefect.__version__)
seen = [arrows.get(name) for name in ("of none", "of two", "of five")]
print("arrows into a task that uses one result of a task with 0, 2 and 5 parameters:", seen)
raise SystemExit(0 if seen == [1, 2, 5] else 1)
PY
DO_NOT_TRACK=true PREFECT_SERVER_ANALYTICS_ENABLED=false PREFECT_LOGGING_LEVEL=ERROR PREFECT_HOME="$folder/home" venv/bin/python arrows.py
