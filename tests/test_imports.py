"""Imports run one way, and the light packages stay light."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("datasets", "tasks", "flows", "blocks", "deployments")
ALLOWED = {
    "datasets": {"datasets"},
    "blocks": {"blocks"},
    "tasks": {"tasks", "datasets", "blocks"},
    "flows": {"flows", "tasks", "datasets", "blocks"},
    "deployments": set(PACKAGES),
}
FILES = [file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))]


def imported(file: Path) -> set[str]:
    """The packages that a file imports; our own by the folder of the top level."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name.removeprefix("gauntlet.").split(".")[0] for name in names}


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_imports_run_one_way(file: Path) -> None:
    """deployments -> flows -> tasks -> datasets; blocks are imported by these and import none of them."""
    package = file.relative_to(ROOT).parts[0]
    assert imported(file) & set(PACKAGES) <= ALLOWED[package]


@pytest.mark.parametrize("file", [f for f in FILES if f.relative_to(ROOT).parts[0] == "datasets"], ids=lambda f: f.name)
def test_datasets_know_no_server(file: Path) -> None:
    """A data set can be read without Prefect and MLflow."""
    assert not imported(file) & {"prefect", "mlflow"}


PURE = ("alarms", "audit", "claims", "drift", "metrics", "models", "report")


@pytest.mark.parametrize("package", PURE)
def test_numerics_know_no_server(package: str) -> None:
    """Pure functions never import Prefect or MLflow."""
    for file in (ROOT / "tasks" / package).rglob("*.py"):
        assert not imported(file) & {"prefect", "mlflow"}, file


def test_nothing_is_called_utils() -> None:
    """A name says what is inside."""
    vague = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}
    assert not [file for file in FILES if vague & set(file.with_suffix("").parts)]


def test_modules_have_one_subject() -> None:
    """No module above 15 kB."""
    assert not [file.name for file in FILES if file.stat().st_size > 15_000]


def test_the_command_line_starts_without_the_machine_learning_stack() -> None:
    """`gauntlet --help` and `gauntlet status` import none of the heavy libraries."""
    heavy = ("prefect", "mlflow", "sklearn", "lightgbm", "shap", "evidently", "librosa", "matplotlib")
    code = f"import sys, gauntlet.deployments.cli; print([name for name in {heavy!r} if name in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert answer.stdout.strip() == "[]"


@pytest.fixture(scope="module")
def everything_imported() -> dict[str, Any]:
    """What importing every module changed, in a process whose settings cannot be read: it would end with `BadInput`."""
    environment = {**os.environ, "GAUNTLET_WORKERS": "zero"}
    for name in ("MPLCONFIGDIR", "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"):
        environment.pop(name, None)  # this process may have them of a test that drew or connected
    command = [sys.executable, "-W", "ignore", str(ROOT / "tests" / "import_everything.py"), *PACKAGES]
    answer = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    return dict(json.loads(answer.stdout.splitlines()[-1]))


@pytest.mark.slow
def test_an_import_reads_no_settings(everything_imported: dict[str, Any]) -> None:
    """Every flow can be listed, and deployed, where a setting is wrong: it is read when a run begins."""
    assert everything_imported["modules"] == len(FILES)
    assert everything_imported["settings_read"] == 0


@pytest.mark.slow
def test_an_import_changes_nothing_of_the_process(everything_imported: dict[str, Any]) -> None:
    """Environment, loggers and filters of warnings are as they were: who imports a module did not ask for more."""
    assert everything_imported["changed"] == {}


def test_every_folder_is_installed() -> None:
    """The list of packages in pyproject.toml names every folder with code: one left out would be missing in a wheel."""
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    folders = {"gauntlet." + ".".join(file.parent.relative_to(ROOT).parts) for file in FILES}
    assert set(listed) == folders
    assert len(listed) == len(set(listed))
