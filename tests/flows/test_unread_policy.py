"""A policy that cannot be read lets nothing happen: no training, no alias moved, nothing scored, no verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from mlflow import MlflowClient
from prefect import get_client
from prefect.blocks.core import Block

from gauntlet.blocks import DriftPolicy, RetrainPolicy, TelemetryDatabase
from gauntlet.datasets.errors import BadInput
from gauntlet.flows import call
from gauntlet.flows.drift_check import drift_check
from gauntlet.flows.promote import promote
from gauntlet.flows.retrain import retrain
from gauntlet.flows.score import score
from gauntlet.tasks.claims import claims_database
from gauntlet.tasks.gauntlets import named
from gauntlet.tasks.loop.portions import manifests
from gauntlet.tasks.loop.store import listed
from gauntlet.tasks.promotion import log
from gauntlet.tasks.promotion.move import standing
from gauntlet.tasks.registry.aliases import CHALLENGER
from gauntlet.tasks.runtime.connection import block_name

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("ran", ["ai4i"], indirect=True)]
NAMES = named("ai4i").registered


@pytest.fixture
def challenged(ran: Any) -> Iterator[None]:
    """A version that would be compared with the champion."""
    other = next(one for one in ran.result.registered if one.name != ran.result.champion)
    MlflowClient().set_registered_model_alias(other.name, CHALLENGER, str(other.version))
    yield
    MlflowClient().delete_registered_model_alias(other.name, CHALLENGER)


@pytest.fixture
def spoilt(stack: Any) -> Iterator[None]:
    """Blocks with values that none of their kind may have, as any client of Prefect's API can save them."""
    values: dict[type[Block], dict[str, Any]] = {
        RetrainPolicy: {"promotion": "off"}, DriftPolicy: {"of_last": 0}, TelemetryDatabase: {"table": None},
    }  # fmt: skip
    for kind, wrong in values.items():
        address = f"{stack.urls['Prefect']}/api/block_documents/{kind().save(block_name(kind), overwrite=True)}"
        body = {"data": wrong, "merge_existing_data": True}
        with get_client(sync_client=True) as client:  # waits a busy server out, as httpx by itself does not
            client._client.patch(address, json=body).raise_for_status()
    yield
    for kind in values:
        kind.delete(block_name(kind))


FLOWS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "promote": ("retrain-policy", lambda _: promote("ai4i")),
    "retrain": ("retrain-policy", lambda _: retrain("ai4i", verdict="operating_change")),
    "drift-check": ("drift-policy", lambda _: drift_check("ai4i")),
    "score": ("telemetry-database", lambda folder: score("ai4i", folder)),
}


def _state(stack: Any) -> Any:
    versions = sorted(
        (name, v.version) for name in NAMES for v in MlflowClient().search_model_versions(f"name='{name}'")
    )
    scored = [one.sha256 for one in manifests(stack.connection, "ai4i")]
    verdicts = listed(stack.connection, "drift/ai4i/")
    engine = claims_database(stack.cfg)
    log.open_log(engine)
    return standing(NAMES), versions, scored, verdicts, log.history(engine, "ai4i")


@pytest.mark.parametrize("flow", FLOWS)
def test_nothing_happens(ran: Any, stack: Any, product: Any, challenged: None, spoilt: None, flow: str) -> None:
    """The run fails with the block's name, and everything is as it was."""
    block, call = FLOWS[flow]
    folder, before = product(81), _state(stack)
    with pytest.raises(BadInput, match=f"gauntlet-{block}/{block} cannot be used"):
        call(folder)
    assert _state(stack) == before


def test_an_outage_is_waited_out_and_the_policy_then_counts(
    ran: Any, stack: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prefect is away at the first question only; the policy forbids, as it would have then."""
    RetrainPolicy(enabled=False).save(block_name(RetrainPolicy), overwrite=True)
    asked, real = [], RetrainPolicy.load

    def load(name: str) -> Any:
        asked.append(name)
        if len(asked) == 1:
            raise httpx.ConnectError("All connection attempts failed")
        return real(name)

    monkeypatch.setattr(RetrainPolicy, "load", load)
    try:
        told = call(retrain, gauntlet="ai4i", verdict="operating_change")
    finally:
        monkeypatch.undo()
        RetrainPolicy.delete(block_name(RetrainPolicy))
    assert (told["state"], told["why"]) == ("refused", "retraining is switched off in the retrain policy")
    assert asked == [block_name(RetrainPolicy)] * 2
