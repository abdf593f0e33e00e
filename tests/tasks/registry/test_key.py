"""The key of a piece of work: equal for equal work, different for any difference that can change a model."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gauntlet.tasks.registry import key
from gauntlet.tasks.registry.key import code_hash, git_commit, libraries, work_key

DATA = "ab" * 32
PARAMETERS = {"seed": 7, "prices": {"miss": 500.0, "false_alarm": 25.0}, "columns": ["a", "b"], "source": "real"}


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A checkout of two source files."""
    for name in ("datasets/a.py", "tasks/train/b.py"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("x = 1\n")
    monkeypatch.setattr(key, "_ROOT", tmp_path)
    code_hash.cache_clear()
    yield tmp_path
    code_hash.cache_clear()


def fresh_code_hash() -> str:
    code_hash.cache_clear()
    return code_hash()


def test_the_same_work_has_the_same_key() -> None:
    """In whatever order the parameters are given; 64 hex digits."""
    assert re.fullmatch("[0-9a-f]{64}", work_key(DATA, PARAMETERS))
    assert work_key(DATA, dict(reversed(PARAMETERS.items()))) == work_key(DATA, PARAMETERS)


def test_another_process_gives_the_same_key() -> None:
    """No hash seed, address or time is in it."""
    code = f"from gauntlet.tasks.registry.key import work_key; print(work_key({DATA!r}, {PARAMETERS!r}))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=key._ROOT)
    assert said.stdout.strip() == work_key(DATA, PARAMETERS)


@pytest.mark.parametrize(
    "changed",
    [
        {"seed": 8},
        {"prices": {"miss": 501.0, "false_alarm": 25.0}},
        {"columns": ["b", "a"]},
        {"columns": ["a"]},
        {"source": "simulated"},
        {"candidate": "svc"},
    ],
)
def test_any_parameter_changes_it(changed: dict) -> None:
    """Seed, prices, columns and their order, source, candidate."""
    assert work_key(DATA, {**PARAMETERS, **changed}) != work_key(DATA, PARAMETERS)


def test_data_and_libraries_change_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other bytes of the file, or another scikit-learn."""
    before = work_key(DATA, PARAMETERS)
    assert work_key("cd" * 32, PARAMETERS) != before
    monkeypatch.setattr(key, "libraries", lambda: ["scikit-learn==0.0"])
    assert work_key(DATA, PARAMETERS) != before


def test_code_changes_it(sources: Path) -> None:
    """A changed, added or renamed source file does, another file does not."""
    seen = {fresh_code_hash()}
    (sources / "README.md").write_text("words")
    (sources / "tasks" / "notes.txt").write_text("words")
    assert fresh_code_hash() in seen
    (sources / "tasks/train/b.py").write_text("x = 2\n")
    seen.add(fresh_code_hash())
    (sources / "tasks/train/c.py").write_text("x = 1\n")
    seen.add(fresh_code_hash())
    (sources / "tasks/train/c.py").rename(sources / "tasks/train/d.py")
    seen.add(fresh_code_hash())
    assert len(seen) == 4


def test_libraries_are_the_installed_versions() -> None:
    """Every line pins one library, scikit-learn and skops among them."""
    assert all(re.fullmatch(r"[a-z-]+==\d[\w.]*", line) for line in libraries())
    assert {"scikit-learn", "skops", "lightgbm"} <= {line.split("==")[0] for line in libraries()}


def test_the_commit_is_gits_or_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """40 hex digits, marked when files differ; "none" where there is no checkout."""
    git_commit.cache_clear()
    assert re.fullmatch("[0-9a-f]{40}(-dirty)?|none", git_commit())
    monkeypatch.setattr(key, "_ROOT", tmp_path)
    git_commit.cache_clear()
    assert git_commit() == "none"
    git_commit.cache_clear()
