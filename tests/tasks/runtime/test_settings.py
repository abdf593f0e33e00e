"""A path of the settings is one place, however it was written and whoever asks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gauntlet.datasets.errors import BadInput
from gauntlet.tasks.runtime import settings as settings_module
from gauntlet.tasks.runtime.settings import Settings, project, settings

PATHS = ("home", "data_dir", "signing_key")


@pytest.fixture
def user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A user's own folder; this process is in `work/` below it, the project in `project/`, and no path is set."""
    for name in PATHS:
        monkeypatch.delenv(f"GAUNTLET_{name.upper()}", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("work", "project"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(settings_module, "project", lambda: tmp_path / "project")
    monkeypatch.chdir(tmp_path / "work")
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize(("written", "meant"), [("~/x", "x"), ("x", "work/x"), ("../x", "work/../x")])
def test_a_path_is_the_same_place_to_everybody(
    user: Path, monkeypatch: pytest.MonkeyPatch, name: str, written: str, meant: str
) -> None:
    """From the user's folder or from where the process was when it was read; also after the process has moved."""
    monkeypatch.setenv(f"GAUNTLET_{name.upper()}", written)
    cfg = Settings.model_validate({})
    monkeypatch.chdir("/")
    assert getattr(cfg, name) == user / meant


@pytest.mark.parametrize(("written", "meant"), [("~/x", "x"), (None, "project/.gauntlet")])
def test_all_state_is_in_one_home(user: Path, monkeypatch: pytest.MonkeyPatch, written: str | None, meant: str) -> None:
    """The home, what is kept in it and the data, by whichever name they are asked for."""
    if written:
        monkeypatch.setenv("GAUNTLET_HOME", written)
    cfg = Settings.model_validate({})
    monkeypatch.chdir("/")
    assert cfg.home == cfg.state == cfg.data_root.parent == user / meant


def test_a_home_of_nobody_is_one_line(user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which variable, what it said and what to do."""
    monkeypatch.setenv("GAUNTLET_HOME", "~nobody-of-this-name/x")
    with pytest.raises(BadInput, match=r"GAUNTLET_HOME = '~nobody-of-this-name/x': .* give the path in full") as caught:
        settings()
    assert "\n" not in str(caught.value)


def test_the_project_is_this_checkout(user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the process stands; installed without one it is the user's own folder."""
    assert project() == Path(__file__).parents[3]
    installed = user / "site-packages" / "gauntlet" / "tasks" / "runtime" / "settings.py"
    monkeypatch.setattr(settings_module, "__file__", str(installed))
    assert project() == user


def test_env_file_and_state_are_the_projects(user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of that name where cron stands has no say; a path in ours is meant from where it lies."""
    (user / "work" / ".env").write_text("GAUNTLET_S3_BUCKET=strangers\nGAUNTLET_HOME=/strangers\n")
    cfg = Settings.model_validate({})
    assert (cfg.s3_bucket, cfg.home) == ("maintenance-artifacts", user / "project" / ".gauntlet")
    (user / "project" / ".env").write_text("GAUNTLET_S3_BUCKET=ours\nGAUNTLET_HOME=state\nGAUNTLET_DATA_DIR=~/data\n")
    cfg = Settings.model_validate({})
    assert (cfg.s3_bucket, cfg.home, cfg.data_dir) == ("ours", user / "project" / "state", user / "data")
    monkeypatch.setenv("GAUNTLET_HOME", "x")
    assert Settings.model_validate({}).home == user / "work" / "x"  # typed by whoever stands here
