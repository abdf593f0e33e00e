"""kill -9 in the middle of retraining, promotion and rollback, on real servers: the next trigger ends what was begun."""

from __future__ import annotations

import multiprocessing
import runpy
import signal
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
from gauntlet.flows import call
from gauntlet.flows.promote import promote
from gauntlet.flows.reap import reap
from gauntlet.flows.retrain import retrain
from gauntlet.flows.score import score
from gauntlet.tasks import claims
from gauntlet.tasks.claims import claims_database, database_clock, holders
from gauntlet.tasks.gauntlets import named
from gauntlet.tasks.loop.dead_runs import end_dead_runs
from gauntlet.tasks.promotion import log as promotions
from gauntlet.tasks.promotion.move import Standing, standing
from gauntlet.tasks.registry.aliases import CHALLENGER, CHAMPION, PREVIOUS, Holder, aliases_of, holder
from gauntlet.tasks.runtime.connection import block_name

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("ran", ["ai4i"], indirect=True)]

LIFE_S = 2.5  # of the claims of a process that is going to be killed
NAMES = named("ai4i").registered
TAGS = ("succeeds", "rolled_back", "promoted")


@dataclass
class Plant:
    """A champion, rows of a new product to learn from, and processes that can be killed."""

    stack: Any
    folder: Path
    champion: Holder
    spawn: Any
    number: int = 0
    cases: int = 0

    @property
    def engine(self) -> Any:
        return claims_database(self.stack.cfg)

    def run(self, flow: str, last: str = "", **parameters: Any) -> list[str]:
        """The acts of a flow in a process of its own, which dies right after the last one where one is named."""
        self.number += 1
        acts = self.folder / f"acts-{self.number}"
        order = {"flow": flow, "parameters": parameters, "last": last, "acts": str(acts), "life_s": LIFE_S}
        driver = str(Path(__file__).parent / "killed_process.py")
        child = self.spawn.Process(target=runpy.run_path, args=(driver, {"ORDER": order}))
        child.start()
        child.join(120)
        assert child.exitcode == (-signal.SIGKILL if last else 0)
        return acts.read_text().split("\n")[:-1]

    def begin(self, *, challenger: Holder | None = None, previous: Holder | None = None) -> None:
        """The aliases as they are at rest, and no mark of an earlier move."""
        client = MlflowClient()
        for name in NAMES:
            for alias in aliases_of(name):
                client.delete_registered_model_alias(name, alias)
            for entry in client.search_model_versions(f"name='{name}'"):
                for tag in set(TAGS) & set(entry.tags):
                    client.delete_model_version_tag(name, entry.version, tag)
        places = [(CHAMPION, self.champion), (CHALLENGER, challenger), (PREVIOUS, previous)]
        for alias, one in places:
            if one is not None:
                client.set_registered_model_alias(one.name, alias, str(one.version))

    def log(self) -> list[promotions.Entry]:
        promotions.open_log(self.engine)
        return promotions.history(self.engine, "ai4i")

    def freed(self) -> None:
        """What the killed process held lapses by itself, and is freed with a line in the log."""
        deadline = time.monotonic() + LIFE_S + 2
        while holders(self.engine) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert holders(self.engine) == []
        claims.reap(self.engine)
        assert {one.event for one in claims.history(self.engine)} >= {"claim.given", "claim.expired"}


def versions() -> int:
    """How many versions the gauntlet has."""
    return sum(len(MlflowClient().search_model_versions(f"name='{name}'")) for name in NAMES)


def legal() -> None:
    """At rest each alias is held once, and never two by the same version."""
    held = [(alias, name, version) for name in NAMES for alias, version in aliases_of(name).items()]
    assert len({alias for alias, *_ in held}) == len(held), held
    assert len({(name, version) for _, name, version in held}) == len(held), held
    assert sum(alias == CHAMPION for alias, *_ in held) == 1


_PLANTS: list[Plant] = []


@pytest.fixture
def plant(
    ran: Any,
    stack: Any,
    product: Callable[[int], Path],
    every_challenger_is_better: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Plant:
    """A file of another product scored; no cooldown."""
    if not _PLANTS:
        RetrainPolicy(cooldown_h=0).save(block_name(RetrainPolicy), overwrite=True)
        score("ai4i", product(41))
        made = next(one for one in ran.result.registered if one.name == ran.result.champion)
        spawn = multiprocessing.get_context("forkserver")
        spawn.set_forkserver_preload(
            [
                "gauntlet.flows.retrain",
                "gauntlet.flows.promote",
                "gauntlet.flows.score",
                "gauntlet.flows.drift_check",
                "lightgbm",
            ]
        )
        _PLANTS.append(Plant(stack, tmp_path_factory.mktemp("acts"), Holder(made.name, made.version), spawn))
    return _PLANTS[0]


@pytest.fixture(scope="module", autouse=True)
def put_back() -> Iterator[None]:
    """The policy of every other test."""
    yield
    if _PLANTS:
        RetrainPolicy().save(block_name(RetrainPolicy), overwrite=True)
        _PLANTS[0].begin()
        _PLANTS.clear()


RETRAIN = (
    "step policy", "claim retrain:ai4i", "claim promote:ai4i", "step recover", "release promote:ai4i",
    "step champion", "step gather", "step train", "step compare",
    "create_logged_model", "finalize_logged_model", "create_model_version", "set_registered_model_alias challenger",
    "step register",
    "claim promote:ai4i", "log intended", "set_model_version_tag succeeds", "set_model_version_tag promoted",
    "set_registered_model_alias previous", "set_registered_model_alias champion",
    "delete_registered_model_alias challenger", "log done", "step promote", "release promote:ai4i",
    "gauntlet.retraining.completed", "release retrain:ai4i",
)  # fmt: skip
PROMOTE = (
    "claim promote:ai4i", "step policy", "step recover", "step champion", "step challenger", "step compare",
    "log intended", "set_model_version_tag succeeds", "set_model_version_tag promoted",
    "set_registered_model_alias previous", "set_registered_model_alias champion",
    "delete_registered_model_alias challenger", "log done", "step promote", "release promote:ai4i",
)  # fmt: skip
ROLLBACK = (
    "claim promote:ai4i", "log intended", "set_model_version_tag rolled_back", "set_registered_model_alias champion",
    "delete_registered_model_alias previous", "log done", "step roll back", "release promote:ai4i",
)  # fmt: skip
# Killed one after the other, each time in the run that the death before left the work to.
BEFORE_REGISTRATION = RETRAIN[5:9]
REGISTRATION = RETRAIN[9:14]
BEFORE_THE_MOVE = ("log intended", "set_model_version_tag promoted", "set_registered_model_alias previous")
# The champion has moved: what is left is to tidy up, and never to retrain on the same rows.
AFTER_THE_MOVE = (
    "set_registered_model_alias champion", "delete_registered_model_alias challenger", "log done",
    "gauntlet.retraining.completed", "release retrain:ai4i",
)  # fmt: skip


@pytest.fixture
def case(plant: Plant, request: pytest.FixtureRequest) -> Case:
    """A fresh start: a seed of its own makes a version of its own."""
    plant.begin()
    plant.cases += 1
    return Case(plant, 1000 + plant.cases, versions(), len(plant.log()))


@dataclass
class Case:
    """A retraining of one seed, whatever number of times it is begun; `since`: rows of the log that were there."""

    plant: Plant
    seed: int
    versions: int
    since: int

    def retrain(self, last: str = "") -> list[str]:
        return self.plant.run("retrain", last, gauntlet="ai4i", verdict="operating_change", seed=self.seed)

    def again(self) -> dict[str, Any]:
        """The next trigger, in this process."""
        return call(retrain, gauntlet="ai4i", verdict="operating_change", seed=self.seed)

    def look(self, *champions: Holder) -> None:
        """After a death: readers find one champion, a later process gets the claims, nothing is there twice."""
        assert holder(NAMES, CHAMPION) in champions
        self.plant.freed()
        assert versions() <= self.versions + 1

    def ended(self, expected: Standing, done: int = 1, made: int = 1) -> None:
        """As after a run that nobody disturbed: one version more, one row that says done, no intention left open."""
        assert standing(NAMES) == expected
        legal()
        assert versions() == self.versions + made
        rows = self.plant.log()[self.since :]
        assert [one.line.to for one in rows if one.event == "done"] == [expected.champion] * done
        outcomes = [one.intent for one in rows if one.event in ("done", "failed")]
        assert sorted(outcomes) == [one.id for one in rows if one.event == "intended"]
        assert all("found cut off" in one.line.why for one in rows if one.event == "failed")
        assert holders(self.plant.engine) == []


def newest(plant: Plant) -> Holder:
    """The last version of the champion's model."""
    entries = MlflowClient().search_model_versions(f"name='{plant.champion.name}'")
    return Holder(plant.champion.name, max(int(one.version) for one in entries))


def test_an_undisturbed_run_does_these_acts(case: Case) -> None:
    """The deaths below are all there are; the second trigger finds nothing new and says so."""
    assert tuple(case.retrain()) == RETRAIN
    old, new = case.plant.champion, newest(case.plant)
    case.ended(Standing(new, old, None))
    assert case.again()["state"] == "refused"
    case.ended(Standing(new, old, None))


@pytest.mark.parametrize("deaths", [BEFORE_REGISTRATION, REGISTRATION, BEFORE_THE_MOVE], ids=lambda one: one[-1])
def test_a_retraining_killed_before_its_champion_is_ended_by_the_next(case: Case, deaths: tuple[str, ...]) -> None:
    """After every death the old champion works on; in the end there is one version more."""
    for death in deaths:
        acts = case.retrain(death)
        assert acts[-1] == death
        case.look(case.plant.champion)
    assert case.again()["state"] == "completed"
    case.ended(Standing(newest(case.plant), case.plant.champion, None))


@pytest.mark.parametrize("death", AFTER_THE_MOVE)
def test_a_retraining_killed_after_its_champion_is_not_repeated(case: Case, death: str) -> None:
    """The next trigger ends the log and the aliases, and has nothing new to learn."""
    case.retrain(death)
    new = newest(case.plant)
    case.look(new)
    told = case.again()
    assert (told["state"], "nothing was scored since" in told["why"]) == ("refused", True)
    case.ended(Standing(new, case.plant.champion, None))


def begun(acts: list[str]) -> tuple[str, ...]:
    """The acts without the row that closes what the death before left open."""
    return tuple(act for act in acts if act != "log failed")


@pytest.fixture
def promoting(case: Case) -> tuple[Case, Holder]:
    """A challenger that holds its alias."""
    case.retrain()
    new = newest(case.plant)
    case.plant.begin(challenger=new)
    return Case(case.plant, case.seed, versions(), len(case.plant.log())), new


def test_a_promotion_by_hand_killed_at_every_act_is_ended_by_the_next(promoting: tuple[Case, Holder]) -> None:
    """Before the champion moves, one after the other; then right after it moved."""
    case, new = promoting
    old, asked = case.plant.champion, {"gauntlet": "ai4i"}
    for death in ("claim promote:ai4i", "step challenger", "step compare", *BEFORE_THE_MOVE):
        acts = case.plant.run("promote", death, **asked)
        assert begun(acts) == PROMOTE[: PROMOTE.index(death) + 1]
        case.look(old)
    case.plant.run("promote", "set_registered_model_alias champion", **asked)
    case.look(new)
    told = promote("ai4i")
    assert told["verdict"] == "promote"
    assert told["champion"] == f"{new.name} v{new.version}"
    case.ended(Standing(new, old, None), made=0)


def test_a_rollback_killed_at_every_act_is_made_once(promoting: tuple[Case, Holder]) -> None:
    """A rollback that counted is closed by the second try; it does not go back a second time."""
    case, left = promoting
    promote("ai4i")
    case.since = len(case.plant.log())
    old, asked = case.plant.champion, {"gauntlet": "ai4i", "rollback": True}
    for death in ROLLBACK[:3]:
        acts = case.plant.run("promote", death, **asked)
        assert begun(acts) == ROLLBACK[: ROLLBACK.index(death) + 1]
        case.look(left)
    for death in ROLLBACK[3:5]:
        case.plant.run("promote", death, **asked)
        case.look(old)
    assert promote("ai4i", rollback=True)["verdict"] == "rolled back"
    case.ended(Standing(old, None, None), made=0)
    assert "rolled_back" in MlflowClient().get_model_version(left.name, str(left.version)).tags


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


def until(happened: Callable[[], bool]) -> None:
    assert wait_until(happened, time.monotonic() + 180, every=0.05)


def test_the_worker_killed_with_its_run(case: Case) -> None:
    """While the run is pending, and in the middle of it: after a `reap` nothing is held, and the next trigger works."""
    cfg, engine, api = case.plant.stack.cfg, case.plant.engine, case.plant.stack.urls["Prefect"] + "/api"
    list(deploy(cfg))
    RetrainPolicy(cooldown_h=0).save(block_name(RetrainPolicy), overwrite=True)
    try:
        worker.up(cfg, api)
        first = through_the_worker(case.seed)
        until(lambda: state_of(first) == "Pending")
        kill_worker(cfg)
        assert reap(silent_min=0) >= 1
        assert (state_of(first), holders(engine)) == ("Crashed", [])

        worker.up(cfg, api)
        second = through_the_worker(case.seed)
        until(lambda: any(one.subject == "retrain:ai4i" for one in holders(engine)))
        kill_worker(cfg)
        assert holder(NAMES, CHAMPION) == case.plant.champion
        assert {one.holder for one in holders(engine)} == {str(second)}
        claims.reap(engine, clock=lambda connection: database_clock(connection) + timedelta(minutes=2))
        assert holders(engine) == []
        with get_client(sync_client=True) as client:  # its first heartbeat, and from then on none
            until(lambda: second in [one.id for one in end_dead_runs(client, timedelta(seconds=1))])
        assert state_of(second) == "Crashed"

        worker.up(cfg, api)
        third = through_the_worker(case.seed)
        until(lambda: state_of(third) in ("Completed", "Failed", "Crashed"))
        assert state_of(third) == "Completed"
    finally:
        worker.down(cfg)
    legal()
    assert holders(engine) == []
    assert versions() == case.versions + 1
