"""A gauntlet on the published files, through the command line, once for all tests that look at its result."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FOLDERS = {"nasa": "ims", "forecasting": "ett", "mimii": "mimii_fan_features", "anomaly": "nab"}


@pytest.fixture(scope="session")
def real_result(stack: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, Any]]:
    """The document of `gauntlet run NAME --data DIR --json FILE`; skipped where the publisher's files are not here."""
    documents: dict[str, dict[str, Any]] = {}

    def result(name: str) -> dict[str, Any]:
        root = os.environ.get("GAUNTLET_DATA_DIR", "")
        data = Path(root) / FOLDERS.get(name, name)
        if not root or not data.is_dir():
            pytest.skip(f"the published files of {name} are not here: GAUNTLET_DATA_DIR has no folder {data.name}")
        if name not in documents:
            file = tmp_path_factory.mktemp("real") / f"{name}.json"
            code = "from gauntlet.deployments.cli import main; main()"
            command = [sys.executable, "-c", code, "run", name, "--data", str(data), "--json", str(file), "--quiet"]
            answer = subprocess.run(command, capture_output=True, text=True, check=False)
            assert answer.returncode == 0, answer.stderr[-3000:]
            documents[name] = json.loads(file.read_text())
        return documents[name]

    return result
