"""The worker and its run killed at once, on real servers: after a `reap` nothing is held, and the next trigger works."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from mlflow import MlflowClient
from prefect import get_client

from gauntlet.blocks import RetrainPolicy
from gauntlet.deployments.deploy import deploy
from gauntlet.deployments.stack import worker
from gauntlet.deployments.stack.process import marked, wait_until
from gauntlet.flows.reap import reap
from gauntlet.flows.score import score
from gauntlet.tasks import claims
from gauntlet.tasks.claims import claims_database, database_clock, holders
from gauntlet.tasks.gauntlets import named
from gauntlet.tasks.loop.dead_runs import end_dead_runs
from gauntlet.tasks.registry.aliases import CHAMPION, Holder, aliases_of, holder
from gauntlet.tasks.runtime.connection import block_name

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("ran", ["ai4i"], indirect=True)]

NAMES = named("ai4i").registered
SEED = 1001


@dataclass(frozen=True)
class Plant:
    """A champion, and rows of a new product to learn from."""

    stack: Any
    champion: Holder

    @property
    def engine(self) -> Any:
        return claims_database(self.stack.cfg)

    def rest(self) -> None:
        """The champion alone has an alias."""
        client = MlflowClient()
        for name in NAMES:
            for alias in aliases_of(name):
                client.delete_registered_model_alias(name, alias)
        client.set_registered_model_alias(self.champion.name, CHAMPION, str(self.champion.version))


def versions() -> int:
    """How many versions the gauntlet has."""
    return sum(len(MlflowClient().search_model_versions(f"name='{name}'")) for name in NAMES)


def legal() -> None:
    """At rest each alias is held once, and never two by the same version."""
    held = [(alias, name, version) for name in NAMES for alias, version in aliases_of(name).items()]
    assert len({alias for alias, *_ in held}) == len(held), held
    assert len({(name, version) for _, name, version in held}) == len(held), held
    assert sum(alias == CHAMPION for alias, *_ in held) == 1


@pytest.fixture
def plant(ran: Any, stack: Any, product: Callable[[int], Path], every_challenger_is_better: None) -> Iterator[Plant]:
    """A file of another product scored; no cooldown."""
    RetrainPolicy(cooldown_h=0).save(block_name(RetrainPolicy), overwrite=True)
    score("ai4i", product(41))
    made = next(one for one in ran.result.registered if one.name == ran.result.champion)
    plant = Plant(stack, Holder(made.name, made.version))
    plant.rest()
    yield plant
    RetrainPolicy().save(block_name(RetrainPolicy), overwrite=True)
    plant.rest()


def through_the_worker(seed: int) -> UUID:
    """A retraining asked for from the deployment."""
    with get_client(sync_client=True) as client:
        deployment = client.read_deployment_by_name("retrain/retrain-on-request").id
        asked = {"gauntlet": "ai4i", "verdict": "operating_change", "seed": seed}
        return client.create_flow_run_from_deployment(deployment, parameters=asked).id


def state_of(run: UUID) -> str:
    with get_client(sync_client=True) as client:
        return str(client.read_flow_run(run).state_name)


def kill_worker(cfg: Any) -> None:
    """The worker and the run that it has begun, at once."""
    for process in marked(str(cfg.state / "stack" / "worker.json")):
        process.kill()


def until(happened: Callable[[], bool], shown: Callable[[], Any] = lambda: "") -> None:
    assert wait_until(happened, time.monotonic() + 180, every=0.05), shown()


def test_the_worker_killed_with_its_run(plant: Plant) -> None:
    """While the run is pending, and in the middle of it: after a `reap` nothing is held, and the next trigger works."""
    before = versions()
    cfg, engine, api = plant.stack.cfg, plant.engine, plant.stack.urls["Prefect"] + "/api"
    list(deploy(cfg))
    RetrainPolicy(cooldown_h=0).save(block_name(RetrainPolicy), overwrite=True)
    try:
        worker.up(cfg, api)
        first = through_the_worker(SEED)
        until(lambda: state_of(first) == "Pending", lambda: state_of(first))
        kill_worker(cfg)
        assert reap(silent_min=0) >= 1
        assert (state_of(first), holders(engine)) == ("Crashed", [])

        worker.up(cfg, api)
        second = through_the_worker(SEED)
        until(lambda: any(one.subject == "retrain:ai4i" for one in holders(engine)))
        kill_worker(cfg)
        assert holder(NAMES, CHAMPION) == plant.champion
        assert {one.holder for one in holders(engine)} == {str(second)}
        claims.reap(engine, clock=lambda connection: database_clock(connection) + timedelta(minutes=2))
        assert holders(engine) == []
        with get_client(sync_client=True) as client:  # its first heartbeat, and from then on none
            until(lambda: second in [one.id for one in end_dead_runs(client, timedelta(seconds=1))])
        assert state_of(second) == "Crashed"

        worker.up(cfg, api)
        third = through_the_worker(SEED)
        until(lambda: state_of(third) in ("Completed", "Failed", "Crashed"))
        assert state_of(third) == "Completed"
    finally:
        worker.down(cfg)
    legal()
    assert holders(engine) == []
    assert versions() == before + 1
