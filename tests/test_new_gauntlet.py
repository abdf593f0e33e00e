"""CONTRIBUTING's promise: a new gauntlet of a known kind is three new files and one edit, and nothing else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("blocks", "datasets", "deployments", "flows", "tasks")
ROW = """
RIG = replace(SKAB, name="rig", experiment="Anomaly Gauntlet (rig)", dataset="rig", cron="0 5 * * 5",
    candidates=tuple(Candidate(f"rig_{kind}", kind) for kind in KINDS))
GAUNTLETS = (SKAB, RIG)
"""
# Who is asked: command line, table, deployments, documentation, and the recipe up to its result, without a server.
ASKED = """
import json, sys
from pathlib import Path
from gauntlet.datasets import dataset
from gauntlet.deployments import documentation, schedule
from gauntlet.flows import flow_named
from gauntlet.tasks.gauntlet import Request
from gauntlet.tasks.gauntlets import GAUNTLETS
import gauntlet.flows.rig as module
from contextlib import contextmanager
from types import SimpleNamespace

folder = Path(sys.argv[1])
dataset("rig").simulation(seed=7, scale=0.25).write(folder)

@contextmanager
def bare(gauntlet, parameters):
    yield SimpleNamespace(gauntlet=gauntlet, request=Request(folder, "auto", 7, folder, folder / "cache"))

module.gauntlet_run = bare
module.conclude = lambda run, prepared, judgement, findings, story, artifacts: [one.name for one in artifacts]
print(json.dumps({
    "models": flow_named("rig").fn(data=folder),
    "registered": list(GAUNTLETS["rig"].registered),
    "deployments": [row.name for row in schedule.rows() if row.name.startswith("rig-")],
    "documented": "`rig_pca`" in documentation.gauntlets_table(),
}))
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the product with the new files and the edit."""
    ignored = shutil.ignore_patterns("__pycache__", "*.png")
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, tmp_path / "gauntlet" / folder, ignore=ignored)
    product = tmp_path / "gauntlet"
    reader = (product / "datasets" / "skab.py").read_text(encoding="utf-8")
    (product / "datasets" / "rig.py").write_text(reader.replace('name="skab"', 'name="rig"'), encoding="utf-8")
    recipe = (product / "flows" / "skab.py").read_text(encoding="utf-8")
    recipe = recipe.replace("SKAB", "RIG").replace("def skab(", "def rig(")
    (product / "flows" / "rig.py").write_text(recipe, encoding="utf-8")
    table = product / "tasks" / "multivariate" / "gauntlets.py"
    text = table.read_text(encoding="utf-8")
    assert "GAUNTLETS = (SKAB,)\n" in text
    text = text.replace("GAUNTLETS = (SKAB,)\n", ROW).replace("import dataclass\n", "import dataclass, replace\n")
    table.write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.slow
def test_three_files_and_one_edit_are_all(checkout: Path) -> None:
    """The third file is its own test. The new gauntlet is trained, deployed and documented, and the verb takes it."""
    environment = {**os.environ, "PYTHONPATH": str(checkout), "GAUNTLET_HOME": str(checkout / "home")}
    command = [sys.executable, "-c", ASKED, str(checkout / "data")]
    done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    names = ["rig_mahalanobis", "rig_pca", "rig_residual", "rig_mset"]
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "models": names,
        "registered": names,
        "deployments": ["rig-train-weekly"],
        "documented": True,
    }
