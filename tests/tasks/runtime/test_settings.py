"""A path of the settings is one place, however it was written and whoever asks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gauntlet.datasets.errors import BadInput
from gauntlet.tasks.runtime.settings import Settings, settings

PATHS = ("home", "data_dir", "signing_key")


@pytest.fixture
def user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A user's own folder; this process is in `work/` below it, and no path is set."""
    for name in PATHS:
        monkeypatch.delenv(f"GAUNTLET_{name.upper()}", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "work").mkdir()
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


@pytest.mark.parametrize(("written", "meant"), [("~/x", "x"), (None, "work/.gauntlet")])
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
