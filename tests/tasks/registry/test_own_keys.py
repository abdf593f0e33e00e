"""Never a new key in silence: what was signed with the old one could not be loaded any more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow import MlflowClient

from gauntlet.datasets.errors import BadInput
from gauntlet.tasks.registry.own_keys import any_signed, own_keys
from gauntlet.tasks.runtime.settings import settings


@pytest.fixture
def version(stack: Any) -> Iterator[str]:
    """A version that bears a work key, as every one that was registered does."""
    client = MlflowClient()
    client.create_registered_model("signed_before")
    client.create_model_version("signed_before", "s3://nowhere/m-1", tags={"key": "k"})
    yield "signed_before version 1"
    client.delete_registered_model("signed_before")


def test_no_key_is_made_where_the_registry_holds_signed_versions(version: str, stack: Any, tmp_path: Path) -> None:
    """One line names the place, a version and what to do; nothing is made."""
    place = tmp_path / "keys" / "signing.pem"
    with pytest.raises(BadInput, match=r"the registry holds signed versions \(.* version \d+ among them\)") as error:
        own_keys(stack.connection, place)
    assert str(place) in str(error.value)
    assert "gauntlet keys new" in str(error.value)
    assert not place.parent.exists()


@pytest.mark.slow
def test_the_first_key_is_made_where_the_registry_is_empty(stack: Any, tmp_path: Path) -> None:
    """A registry of its own, which holds a foreign version only; the second call reads what the first made."""
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path / 'registry.db'}")
    try:
        MlflowClient().create_registered_model("somebody_elses")
        MlflowClient().create_model_version("somebody_elses", str(tmp_path))
        assert any_signed() == ""
        made = own_keys(stack.connection, tmp_path / "keys" / "signing.pem")
        assert own_keys(stack.connection, tmp_path / "keys" / "signing.pem").names == made.names
    finally:
        mlflow.set_tracking_uri(before)


def test_a_key_that_was_named_is_never_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stack: Any) -> None:
    """A mounted secret that did not come is told; a key of this host's own would sign what nobody else reads."""
    monkeypatch.setenv("GAUNTLET_SIGNING_KEY", str(tmp_path / "mounted.pem"))
    settings.cache_clear()
    try:
        with pytest.raises(BadInput, match=r"mounted\.pem: no signing key"):
            own_keys(stack.connection, settings().key_file)
    finally:
        monkeypatch.undo()
        settings.cache_clear()
    assert list(tmp_path.iterdir()) == []
