"""Take the README's pictures from the real thing: `python deployments/screenshots/take.py`, with `gauntlet up` and a run in it.

Needs chromium. Each page is opened as a person would open it, and photographed when it has settled.
"""

from __future__ import annotations

import base64
import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

from gauntlet.deployments.screenshots.browser import page
from gauntlet.tasks.runtime.connection import USER, local_address, read_password
from gauntlet.tasks.runtime.settings import settings

FOLDER = Path(__file__).parent
COLOURS = 256  # enough for a user interface, and a fifth of the bytes
GAUNTLET, CHAMPION = "ai4i", "ai4i_classifier_lightgbm_engineered"
# What a person clicks away once: MLflow's assistant, which opens by itself, and its pages for language models.
KNOWN = {
    "mlflow.assistant.fab.autoOpenedOnFirstLoad_v1": "true",
    "mlflow.assistant.panelOpen_v1": "false",
    "mlflow.workflowType_v1": '"machine_learning"',
}


@dataclass(frozen=True)
class Shot:
    """One picture: its name, the page, a text by which it is known to be there, its size, and a tab to click first."""

    name: str
    url: str
    expects: str
    size: tuple[int, int]
    tab: str = ""


def shots(prefect: str, mlflow: str) -> Iterator[Shot]:
    """All pictures, by what the servers have.

    Raises:
        LookupError: the gauntlet did not run yet.
    """
    run = _latest_run(prefect)
    experiments = _ask(f"{mlflow}/api/2.0/mlflow/experiments/search", max_results=100)["experiments"]
    (tracked,) = _ask(
        f"{mlflow}/api/2.0/mlflow/runs/search",
        experiment_ids=[experiment["experiment_id"] for experiment in experiments],
        filter=f"tags.prefect_flow_run = '{run}'",
    )["runs"]
    info = tracked["info"]
    kept = f"{mlflow}/#/experiments/{info['experiment_id']}/runs/{info['run_id']}/artifacts"
    yield Shot("prefect-run", f"{prefect}/runs/flow-run/{run}", "Task Runs", (1400, 840), tab="Artifacts")
    yield Shot("prefect-deployments", f"{prefect}/deployments", f"{GAUNTLET}-train-weekly", (1600, 1000))
    yield Shot("prefect-automation", f"{prefect}/automations", "gauntlet-drift-retrain", (1400, 460))
    yield Shot("mlflow-registry", f"{mlflow}/#/models/{CHAMPION}", "champion", (1500, 800))
    yield Shot("mlflow-run", f"{kept}/report.html", "report.html", (1500, 900))


def _latest_run(prefect: str) -> str:
    found = _ask(
        f"{prefect}/api/flow_runs/filter",
        flows={"name": {"any_": [GAUNTLET]}},
        flow_runs={"state": {"type": {"any_": ["COMPLETED"]}}},
        sort="START_TIME_DESC",
        limit=1,
    )
    if not found:
        raise LookupError(f"{GAUNTLET} did not run yet. Call `gauntlet run {GAUNTLET}` first.")
    return str(found[0]["id"])


def _ask(url: str, **body: Any) -> Any:
    return httpx.post(url, json=body, headers=_login(url), trust_env=False).raise_for_status().json()


def _login(url: str) -> dict[str, str]:
    """The header that opens a server of ours."""
    service = "prefect" if url.startswith(str(local_address(settings(), "prefect"))) else "mlflow"
    password = read_password(settings(), service)
    words = f"{USER}:{password.get_secret_value() if password else ''}"
    return {"Authorization": f"Basic {base64.b64encode(words.encode()).decode()}"}


def keep(picture: bytes, name: str) -> Path:
    """The picture as PNG of few colours beside this file."""
    file = FOLDER / f"{name}.png"
    Image.open(io.BytesIO(picture)).convert("RGB").quantize(COLOURS).save(file, optimize=True)
    return file


def main() -> None:
    """Take all, or those that are named."""
    prefect, mlflow = (local_address(settings(), name) for name in ("prefect", "mlflow"))
    if prefect is None or mlflow is None:
        raise SystemExit("the local servers are not up: call `gauntlet up` first")
    known = {**KNOWN, "prefect-password": _login(prefect)["Authorization"].removeprefix("Basic ")}
    with page(known) as tab:
        tab.send("Network.enable")
        for shot in shots(prefect, mlflow):
            if shot.name in (sys.argv[1:] or [shot.name]):
                tab.send("Network.setExtraHTTPHeaders", headers=_login(shot.url))
                tab.open(shot.url, shot.expects, *shot.size)
                if shot.tab:
                    tab.click(shot.tab)
                print(keep(tab.picture(), shot.name))


if __name__ == "__main__":
    main()
