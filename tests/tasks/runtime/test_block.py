"""A block of Prefect's that cannot be read is not taken for one that was never saved."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings
from pydantic import SecretStr

from gauntlet.blocks import AlertChannel, ArtifactStore, RetrainPolicy, TrackingServer
from gauntlet.datasets.errors import BadInput, ServiceDown
from gauntlet.flows._loop import Loop
from gauntlet.tasks.claims import left_undone, open_database, sqlite_url
from gauntlet.tasks.loop.policy import policy
from gauntlet.tasks.runtime.connection import block_name, data_root, load_block, resolve
from gauntlet.tasks.runtime.settings import Settings

NAMES = (
    "MLFLOW_TRACKING_URI",
    "MLFLOW_S3_ENDPOINT_URL",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ACCESS_KEY_ID",
)
NOWHERE = "http://user:hunter2@127.0.0.1:9/api"


@pytest.fixture
def spoil(stack: Any) -> Iterator[Callable[..., None]]:
    """Saves a block and then, as any client of Prefect's API may, values that are none of its kind's."""
    spoilt = []

    def spoilt_one(block: Any, **values: Any) -> None:
        known = block.save(block_name(block), overwrite=True)
        spoilt.append(type(block))
        address = f"{stack.urls['Prefect']}/api/block_documents/{known}"
        body = {"data": values, "merge_existing_data": True}
        httpx.patch(address, json=body, auth=stack.login("prefect"), trust_env=False).raise_for_status()

    yield spoilt_one
    for kind in spoilt:
        kind.delete(block_name(kind))


def test_a_block_that_was_never_saved_is_the_defaults(stack: Any) -> None:
    """Prefect says that there is none."""
    if load_block(RetrainPolicy) is not None:
        RetrainPolicy.delete(block_name(RetrainPolicy))
    assert load_block(RetrainPolicy) is None
    assert policy(RetrainPolicy).enabled is RetrainPolicy().enabled


def test_prefect_away_is_an_outage_and_no_default(stack: Any) -> None:
    """It names the block and the server, and not the password in the server's address."""
    with temporary_settings({PREFECT_API_URL: NOWHERE}), pytest.raises(ServiceDown) as caught:
        policy(RetrainPolicy)
    assert "Prefect at http://user:***@127.0.0.1:9/api" in str(caught.value)
    assert "gauntlet-retrain-policy/retrain-policy" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_values_of_no_policy_are_refused_by_name(spoil: Callable[..., None]) -> None:
    """pydantic's error is a ValueError as Prefect's "there is none" is."""
    spoil(RetrainPolicy(enabled=False), promotion="off", cooldown_h=-1)
    with pytest.raises(
        BadInput, match=r"gauntlet-retrain-policy/retrain-policy.*cooldown_h: .*promotion: .*Prefect UI"
    ) as caught:
        policy(RetrainPolicy)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("error", [ValueError("Unable to find block document"), RuntimeError("no"), OSError("no")])
def test_whatever_else_goes_wrong_is_no_missing_block(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Only Prefect's own answer that there is none counts, not the words of an error."""

    def load(_: str) -> None:
        raise error

    monkeypatch.setattr(RetrainPolicy, "load", load)
    with pytest.raises(ServiceDown, match=type(error).__name__):
        policy(RetrainPolicy)


@pytest.fixture
def cfg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    """Settings that name no server."""
    for name in (*NAMES, "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "GAUNTLET_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return Settings.model_validate({"home": tmp_path})


def test_a_store_that_cannot_be_read_is_named_without_its_secret(spoil: Callable[..., None], cfg: Settings) -> None:
    """The run does not go on with the servers of the local stack; one whose servers the environment names does."""
    spoil(ArtifactStore(access_key="k", secret_key=SecretStr("very-secret")), bucket=["very-secret"])
    cfg = cfg.model_copy(update={"mlflow_tracking_uri": "http://plant"})
    with pytest.raises(BadInput, match="gauntlet-artifact-store/artifact-store") as caught:
        resolve(cfg)
    assert "very-secret" not in "".join(traceback.format_exception(caught.value))
    named = cfg.model_copy(update={"aws_profile": "plant"})
    with temporary_settings({PREFECT_API_URL: NOWHERE}):
        assert resolve(named).tracking_uri == "http://plant"


def test_neither_servers_nor_data_are_guessed_while_prefect_is_away(stack: Any, cfg: Settings) -> None:
    """The local stack's models and the home folder's data may be somebody else's, or simulated."""
    with temporary_settings({PREFECT_API_URL: NOWHERE}):
        with pytest.raises(ServiceDown, match=TrackingServer.get_block_type_slug()):
            resolve(cfg)
        with pytest.raises(ServiceDown, match="gauntlet-data-location/data-location"):
            data_root(cfg)


def test_an_alert_that_cannot_be_sent_says_so_and_fails_nothing(
    spoil: Callable[..., None], stack: Any, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """In the run's log: the channel's block, and what is wrong with it; the message waits for it to be mended."""
    spoil(AlertChannel(), timeout_s=-1)
    loop = Loop(stack.cfg, stack.connection, open_database(sqlite_url(tmp_path)), stack.cfg.state)
    with caplog.at_level("INFO", "gauntlet"):
        loop.tell("drift", "key", "text")
    assert "alerts wait: the Prefect block gauntlet-alert-channel/alert-channel" in caplog.text
    assert [left.content for left in left_undone(loop.engine, "alert:drift")] == ["text"]
