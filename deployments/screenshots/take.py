"""Take the README's pictures from the real thing: `python deployments/screenshots/take.py`, with `gauntlet up` and runs in it.

Needs chromium. Each page is opened as a person would open it, and photographed when it has settled.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

FOLDER = Path(__file__).parent
SIZE, SETTLE_MS = (1400, 900), 12_000
COLOURS = 128  # enough for a user interface, and a tenth of the bytes


def photograph(url: str, name: str, height: int = SIZE[1]) -> Path:
    """The page as PNG beside this file.

    Raises:
        RuntimeError: chromium is not installed, or took no picture.
    """
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        raise RuntimeError("chromium is not installed")
    with tempfile.TemporaryDirectory() as scratch:
        shot = Path(scratch) / "shot.png"
        command = [
            browser, "--headless=new", "--no-sandbox", "--hide-scrollbars", f"--window-size={SIZE[0]},{height}",
            f"--user-data-dir={scratch}/profile", f"--virtual-time-budget={SETTLE_MS}", f"--screenshot={shot}", url,
        ]  # fmt: skip
        subprocess.run(command, check=False, capture_output=True, timeout=120)
        if not shot.exists():
            raise RuntimeError(f"no picture of {url}")
        picture = Image.open(io.BytesIO(shot.read_bytes())).convert("RGB").quantize(COLOURS)
    file = FOLDER / f"{name}.png"
    picture.save(file, optimize=True)
    return file


def main() -> None:
    """All pages, by what the servers have."""
    from prefect import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateName
    from prefect.client.schemas.sorting import FlowRunSort

    from tasks.connection import local_address
    from tasks.settings import settings

    prefect, mlflow = (local_address(settings(), name) for name in ("prefect", "mlflow"))
    with get_client(sync_client=True) as client:
        done = FlowRunFilter(state=FlowRunFilterState(name=FlowRunFilterStateName(any_=["Completed"])))
        runs = client.read_flow_runs(flow_run_filter=done, sort=FlowRunSort.END_TIME_DESC, limit=100)
        automations = client.read_automations()
    gauntlets = [run for run in runs if "gauntlet" in run.tags or "ai4i" in run.tags]
    pages = {
        "prefect-deployments": (f"{prefect}/deployments", 1000),
        "prefect-automation": (f"{prefect}/automations/automation/{automations[0].id}" if automations else "", 700),
        "prefect-run": (f"{prefect}/runs/flow-run/{gauntlets[0].id}" if gauntlets else "", 1000),
        "prefect-artifacts": (f"{prefect}/artifacts", 900),
        "mlflow-models": (f"{mlflow}/#/models", 900),
    }
    for name, (url, height) in pages.items():
        if url:
            print(photograph(url, name, height))


if __name__ == "__main__":
    sys.exit(main())
