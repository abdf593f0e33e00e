"""Our top-level folders have common names: packages of those names in the same environment are never taken for ours."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("blocks", "datasets", "deployments", "flows", "tasks")
# As a worker does: the flow from its entrypoint in prefect.yaml, after stepping into the checkout.
WORKER = f"""
import os, yaml
from prefect.flows import load_flow_from_entrypoint

os.chdir({str(ROOT)!r})
print(load_flow_from_entrypoint(yaml.safe_load(open("prefect.yaml"))["deployments"][0]["entrypoint"]).name)
import datasets
print(datasets.THEIRS)
"""
COMMAND_LINE = "import sys; from gauntlet.deployments.cli import main; sys.argv.append('--help'); main()"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Packages of all five names stand first on the path."""
    for name in FOLDERS:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("THEIRS = 'theirs'\n")
    (tmp_path / "elsewhere").mkdir()
    return {**os.environ, "PYTHONPATH": str(tmp_path), "GAUNTLET_HOME": str(tmp_path / "home")}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "said"), [(COMMAND_LINE, "retrain"), (WORKER, "ai4i\ntheirs")], ids=["command line", "worker"]
)
def test_it_still_runs(environment: dict[str, str], tmp_path: Path, script: str, said: str) -> None:
    """And the other package is still importable beside it."""
    file = tmp_path / "elsewhere" / "script.py"
    file.write_text(script)
    command = [sys.executable, str(file)]
    done = subprocess.run(command, cwd=file.parent, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert said in done.stdout
