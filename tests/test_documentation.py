"""Whatever is not documented fails the build."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from gauntlet.deployments import documentation, lock
from gauntlet.tasks.audit import CAUSES
from gauntlet.tasks.metrics.catalogue import METRICS
from gauntlet.tasks.runtime.settings import variables

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


def test_every_setting_is_named() -> None:
    """Every variable, and every other name that is read in its place."""
    for name, others, _, meaning in variables():
        assert meaning
        for one in (name, *others):
            assert f"`{one}`" in README


def test_every_command_and_option_is_named() -> None:
    """Commands and options as the command line has them."""
    table = documentation.commands_table()
    assert "gauntlet run" in table
    assert "`--allow-leakage`" in table
    assert all(line in README for line in table.splitlines())


def test_every_metric_and_finding_is_named() -> None:
    """Metrics of the document, findings of the audit; and no metric is left out of the results table's order."""
    assert all(one.meaning and one.digits for one in METRICS.values())
    assert all(f"`{name}`" in README for name in (*METRICS, *CAUSES))


def test_every_block_field_is_named() -> None:
    """What an operator edits is explained."""
    assert all(line in README for line in documentation.blocks_table().splitlines())


def test_generated_parts_are_current() -> None:
    """`cog --check`: the README's tables are what the code says."""
    command = [
        sys.executable,
        "-m",
        "cogapp",
        "--check",
        "-p",
        "from gauntlet.deployments.documentation import *",
        "README.md",
    ]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_the_lock_meets_the_project() -> None:
    """Every declared requirement is pinned inside its bounds, with hashes, and no index address stands in the lock."""
    assert lock.outdated() == []
    text = lock.LOCK.read_text()
    assert "://" not in text
    assert len(re.findall(r"^\S+==", text, re.MULTILINE)) <= text.count("--hash=sha256:")


def test_env_example_names_only_real_variables() -> None:
    """`.env.example` cannot drift from the settings."""
    known = {one for name, others, _, _ in variables() for one in (name, *others)}
    used = set(re.findall(r"^#?([A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert used <= known


def test_the_error_tree_is_drawn_whole() -> None:
    """The tree in the docstring of `gauntlet.datasets.errors` names every error, and each says its exit status."""
    from gauntlet.datasets import errors

    classes = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.GauntletError)]
    assert len(classes) >= 9
    for one in classes:
        assert re.search(rf"\b{one.__name__}\b", errors.__doc__ or "")
        assert one.exit_status in (1, 2)
