"""What identifies a piece of training work: the data, the code and the parameters."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[2]
_LIBRARIES = ("scikit-learn", "lightgbm", "prophet", "statsmodels", "numpy", "pandas", "scipy", "skops", "mlflow")


@lru_cache(maxsize=1)
def code_hash() -> str:
    """sha256 over the sources that make a model: datasets, tasks and flows."""
    summary = hashlib.sha256()
    for package in ("datasets", "tasks", "flows"):
        for file in sorted((_ROOT / package).rglob("*.py")):
            summary.update(file.relative_to(_ROOT).as_posix().encode() + b"\0" + file.read_bytes())
    return summary.hexdigest()


@lru_cache(maxsize=1)
def git_commit() -> str:
    """The commit of the checkout, with "-dirty" when files differ from it; "none" outside of git."""
    if not (_ROOT / ".git").exists():
        return "none"
    try:
        described = subprocess.run(
            ["git", "-C", str(_ROOT), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return "none"
    return described.stdout.strip() or "none"


def work_key(data_hash: str, parameters: Mapping[str, Any]) -> str:
    """The idempotency key: the same data, code, libraries and parameters give the same key, 64 hex digits."""
    parts = {"data": data_hash, "code": code_hash(), "libraries": libraries(), "parameters": dict(parameters)}
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


@lru_cache(maxsize=1)
def libraries() -> list[str]:
    """The libraries that can change a model, with their installed versions."""
    return [f"{name}=={version(name)}" for name in _LIBRARIES]
