"""A process of its own: imports every module of the project and prints, as JSON, what that changed in the process.

What the modules import from elsewhere is imported first: dependencies have effects of their own, which are not ours.
"""

from __future__ import annotations

import ast
import importlib
import json
import logging
import os
import sys
import warnings
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = sys.argv[1:]
FRESH = [0, True, False, "[] []"]  # a logger that nobody has set up


def others_imports(file: Path) -> list[str]:
    """The import statements at a module's top level that name no package of ours."""
    found = []
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            name = node.module or "" if isinstance(node, ast.ImportFrom) else node.names[0].name
            if name.split(".")[0] not in {"gauntlet", "__future__"}:
                found.append(ast.unparse(node))
    return found


def state() -> dict[str, Any]:
    """What belongs to the whole process: one name -> one value that JSON and == can take."""
    loggers = [logging.root, *(logging.getLogger(name) for name in list(logging.root.manager.loggerDict))]
    set_up = {f"logger {one.name}": settings_of(one) for one in loggers if settings_of(one) != FRESH}
    return {
        **{f"environment {name}": value for name, value in os.environ.items()},
        # Prefect sets its own loggers up when they are first asked for, as a flow's decorator does.
        **{name: value for name, value in set_up.items() if not name.startswith("logger prefect.")},
        "logging disabled up to": logging.root.manager.disable,
        "warning filters": repr(warnings.filters),
    }


def settings_of(logger: logging.Logger) -> list[Any]:
    """A logger's own settings, as opposed to those that it has of its parents."""
    return [logger.level, logger.propagate, logger.disabled, f"{logger.handlers} {logger.filters}"]


def main() -> None:
    """Everybody else's modules, then ours."""
    files = [file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))]
    for statement in dict.fromkeys(one for file in files for one in others_imports(file)):
        exec(statement, {})
    before = state()
    for file in files:
        parts = file.relative_to(ROOT).with_suffix("").parts
        importlib.import_module(".".join(["gauntlet", *(parts[:-1] if parts[-1] == "__init__" else parts)]))
    after = state()
    changed = {name: after.get(name) for name in before | after if before.get(name) != after.get(name)}
    settings = sys.modules["gauntlet.tasks.runtime.settings"].settings
    print(json.dumps({"changed": changed, "settings_read": settings.cache_info().misses, "modules": len(files)}))


main()
