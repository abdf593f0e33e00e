"""Whatever is not documented fails the build."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gauntlet.deployments import documentation, lock, result_slots
from gauntlet.deployments.result_slots import SHOWN
from gauntlet.tasks.audit import CAUSES
from gauntlet.tasks.gauntlets import GAUNTLETS
from gauntlet.tasks.metrics.catalogue import METRICS
from gauntlet.tasks.runtime.settings import variables

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXT = "\n".join(page.read_text() for page in PAGES)


def test_every_setting_is_named() -> None:
    """Every variable, and every other name that is read in its place."""
    for name, others, _, meaning in variables():
        assert meaning
        for one in (name, *others):
            assert f"`{one}`" in TEXT


def test_every_command_and_option_is_named() -> None:
    """Commands and options as the command line has them."""
    table = documentation.commands_table()
    assert "gauntlet run" in table
    assert "`--allow-leakage`" in table
    assert all(line in TEXT for line in table.splitlines())


def test_every_metric_and_finding_is_named() -> None:
    """Metrics of the document, findings of the audit; and no metric is left out of the results table's order."""
    assert all(one.meaning and one.digits for one in METRICS.values())
    assert all(f"`{name}`" in TEXT for name in (*METRICS, *CAUSES))


def test_every_block_field_is_named() -> None:
    """What an operator edits is explained."""
    assert all(line in TEXT for line in documentation.blocks_table().splitlines())


MODULES = ("documentation", "promises", "result_slots")
PROLOGUE = "; ".join(f"from gauntlet.deployments.{module} import *" for module in MODULES)


def check(pages: list[Path], prologue: str = PROLOGUE) -> subprocess.CompletedProcess[str]:
    """`cog --check`, as `make lint` calls it."""
    command = [sys.executable, "-m", "cogapp", "--check", "-p", prologue, *map(str, pages)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_generated_parts_are_current() -> None:
    """Tables are what the code says, figures what the result files say."""
    answer = check(PAGES)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_the_readme_is_short() -> None:
    """9 kB at most: the rest is for whoever wants to know more."""
    assert (ROOT / "README.md").stat().st_size <= 9_000


@pytest.mark.slow
def test_a_changed_digit_of_a_result_is_found(tmp_path: Path) -> None:
    """One digit of the champion's figure in one result file, and the check of README and results page fails."""
    folder = shutil.copytree(result_slots.RESULTS, tmp_path / "results")
    elsewhere = f"{PROLOGUE}; from pathlib import Path; from gauntlet.deployments import result_slots; "
    elsewhere += f"result_slots.RESULTS = Path({str(folder)!r})"
    pages = [ROOT / "README.md", ROOT / "docs" / "results.md"]
    assert check(pages, elsewhere).returncode == 0
    changed = json.loads((folder / "ai4i-real.json").read_text())
    best = next(one for one in changed["candidates"] if one["name"] == changed["best"])
    best["metrics"]["pr_auc"] += 0.001
    (folder / "ai4i-real.json").write_text(json.dumps(changed))
    for page in pages:
        answer = check([page], elsewhere)
        assert answer.returncode != 0
        assert page.name in answer.stdout


def test_slots_are_filled_from_the_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A figure of a row, of the best row, the end of an interval, and an entry by its path; an unknown one is an error."""
    document = {
        "best": "b",
        "primary_metric": "f1",
        "input": {"rows": 12_345},
        "baselines": [{"name": "naive", "metrics": {"f1": 0.25}}],
        "candidates": [{"name": "b", "metrics": {"f1": 0.8761}, "intervals": {"f1": [0.8, 0.9]}}],
    }
    (tmp_path / "x-real.json").write_text(json.dumps(document))
    monkeypatch.setattr(result_slots, "RESULTS", tmp_path)
    text = "{x-real:best.f1} of {x-real:naive.f1:.1%}, {x-real:b.f1.low:.1f} to {x-real:b.f1.high:.1f}, {x-real:/input/rows:,}"
    assert result_slots.filled(text) == "0.876 of 25.0%, 0.8 to 0.9, 12,345"
    with pytest.raises(KeyError):
        result_slots.filled("{x-real:other.f1}")


def test_every_gauntlet_has_its_line() -> None:
    """In the README's table and in the reference, with a result file behind it."""
    assert set(SHOWN) == set(GAUNTLETS)
    assert all(f"| `{name}` |" in (ROOT / "README.md").read_text() for name in GAUNTLETS)


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
        assert one.exit_status in ((3,) if one is errors.NotAudited else (1, 2))
