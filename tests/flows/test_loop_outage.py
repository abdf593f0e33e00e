"""S3 killed and MLflow stopped for twenty seconds in the middle of the loop's flows: they end well, and nothing is twice."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from mlflow import MlflowClient

from gauntlet.blocks import DriftPolicy, RetrainPolicy
from gauntlet.deployments import stack as local_stack
from gauntlet.deployments.stack.process import marked
from gauntlet.flows import drift_check as checking
from gauntlet.flows.drift_check import drift_check
from gauntlet.flows.retrain import retrain
from gauntlet.flows.score import score
from gauntlet.tasks.claims import claims_database, holders
from gauntlet.tasks.gauntlets import named
from gauntlet.tasks.loop import champion as champions
from gauntlet.tasks.loop import store
from gauntlet.tasks.loop.portions import manifests
from gauntlet.tasks.loop.store import listed
from gauntlet.tasks.promotion import log as promotions
from gauntlet.tasks.promotion.move import standing
from gauntlet.tasks.registry.aliases import CHALLENGER, CHAMPION, PREVIOUS, aliases_of
from gauntlet.tasks.runtime.connection import block_name
from gauntlet.tasks.runtime.tracking import experiment

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("ran", ["ai4i"], indirect=True)]

AWAY_S = 20.0
HUNG_S = 23.0  # longer than a request waits for its answer
NAMES = named("ai4i").registered


class Outages:
    """Takes a server away right before a stated call, once, and brings it back."""

    def __init__(self, stack: Any, patch: pytest.MonkeyPatch) -> None:
        self.cfg, self.patch, self.back, self.fell = stack.cfg, patch, [], False

    def before(
        self, place: Any, name: str, fall: Callable[[], None], when: Callable[..., bool] = lambda *_, **__: True
    ) -> None:
        real = getattr(place, name)

        def call(*given: Any, **named: Any) -> Any:
            if not self.fell and when(*given, **named):
                self.fell = True
                fall()
            return real(*given, **named)

        self.patch.setattr(place, name, call)

    def s3_killed(self) -> None:
        for process in marked(str(self.cfg.state / "stack" / "s3.json")):
            process.kill()
        # `up` would keep it for ever
        self._later(AWAY_S, lambda: local_stack._bring_up(self.cfg, lambda _: None, stay=False))

    def mlflow_hung(self) -> None:
        hung = marked(str(self.cfg.state / "stack" / "mlflow.json"))
        for process in hung:
            process.suspend()
        self._later(HUNG_S, lambda: [process.resume() for process in hung])

    def _later(self, seconds: float, act: Callable[[], Any]) -> None:
        self.back.append(threading.Timer(seconds, act))
        self.back[-1].start()


@pytest.fixture
def outages(stack: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Outages]:
    """All are back when a test ends, and at least one was there."""
    made = Outages(stack, monkeypatch)
    yield made
    for one in made.back:
        one.join()
    assert made.fell


@pytest.fixture(scope="module", autouse=True)
def policies(stack: Any) -> Iterator[None]:
    """No cooldown, and one window enough for a verdict."""
    RetrainPolicy(cooldown_h=0).save(block_name(RetrainPolicy), overwrite=True)
    DriftPolicy(window_rows=900, of_last=1, at_least=1).save(block_name(DriftPolicy), overwrite=True)
    yield
    RetrainPolicy().save(block_name(RetrainPolicy), overwrite=True)
    DriftPolicy().save(block_name(DriftPolicy), overwrite=True)


@pytest.fixture(autouse=True)
def put_back(ran: Any, policies: None) -> Iterator[None]:
    """The aliases as they were."""
    held = {name: aliases_of(name) for name in NAMES}
    yield
    for name, aliases in held.items():
        for alias in (CHAMPION, CHALLENGER, PREVIOUS):
            if alias in aliases:
                MlflowClient().set_registered_model_alias(name, alias, str(aliases[alias]))
            elif alias in aliases_of(name):
                MlflowClient().delete_registered_model_alias(name, alias)


@pytest.mark.promise("away")
def test_scoring_while_s3_is_killed(ran: Any, stack: Any, product: Any, outages: Outages) -> None:
    """Between rows and manifest: what is there by then does not count, and in the end it counts once."""
    seen: list[int] = []

    def fall() -> None:
        seen.append(len(list(manifests(stack.connection, "ai4i"))))
        outages.s3_killed()

    outages.before(store, "_put", fall, when=lambda _client, _connection, key, *_: key.endswith("manifest.json"))
    before, began = len(list(manifests(stack.connection, "ai4i"))), time.monotonic()
    (one,) = score("ai4i", product(61))
    assert time.monotonic() - began > AWAY_S
    assert (one.state, one.rows) == ("scored", 1000)
    assert seen == [before]
    assert len(list(manifests(stack.connection, "ai4i"))) == before + 1


def test_scoring_while_mlflow_hangs(ran: Any, stack: Any, product: Any, outages: Outages) -> None:
    """Before the champion is loaded."""
    outages.before(champions, "load", outages.mlflow_hung)
    before = len(list(manifests(stack.connection, "ai4i")))
    (one,) = score("ai4i", product(62))
    assert (one.state, one.rows) == ("scored", 1000)
    assert len(list(manifests(stack.connection, "ai4i"))) == before + 1


def _finished(stack: Any) -> int:
    """How many drift checks MLflow has that ended well."""
    found = MlflowClient().search_runs([experiment("Drift Check", stack.connection)], "attributes.status = 'FINISHED'")
    return len(found)


@pytest.mark.parametrize("server", ["S3", "MLflow"])
def test_a_drift_check_during_an_outage(ran: Any, stack: Any, product: Any, outages: Outages, server: str) -> None:
    """While its report is kept: one report, one verdict, and the window is judged once."""
    score("ai4i", product({"S3": 63, "MLflow": 64}[server]))
    before, runs = len(listed(stack.connection, "drift/ai4i/")), _finished(stack)
    if server == "S3":
        outages.before(checking, "put_document", outages.s3_killed)
    else:
        outages.before(checking, "log_files", outages.mlflow_hung)
    told = drift_check("ai4i")
    assert told["verdict"] != "none"
    assert drift_check("ai4i") == told
    kept = listed(stack.connection, "drift/ai4i/")
    assert len(kept) == before + 1
    assert kept[-1] == told
    assert _finished(stack) == runs + 1


FALLS = {
    "S3 while the model is uploaded": ("s3_killed", "log_model_artifacts", lambda *_: True),
    "MLflow while the version is made": ("mlflow_hung", "create_model_version", lambda *_, **__: True),
    "MLflow while the champion moves": ("mlflow_hung", "set_registered_model_alias", lambda *given: CHAMPION in given),
}


@pytest.mark.parametrize("fall", FALLS)
@pytest.mark.promise("away")
def test_a_retraining_during_an_outage(
    ran: Any, stack: Any, product: Any, outages: Outages, every_challenger_is_better: None, fall: str
) -> None:
    """One version more, the aliases moved, the log says so once, nothing is held."""
    score("ai4i", product(70 + list(FALLS).index(fall)))
    before, versions, engine = standing(NAMES), _versions(), claims_database(stack.cfg)
    promotions.open_log(engine)
    rows = len(promotions.history(engine, "ai4i"))
    how, call, when = FALLS[fall]
    outages.before(MlflowClient, call, getattr(outages, how), when)
    told = retrain(gauntlet="ai4i", verdict="operating_change")
    assert (told["state"], told["decision"]) == ("completed", "promote")
    after = standing(NAMES)
    assert _versions() == versions + 1
    assert after.champion is not None
    assert f"{after.champion.name} v{after.champion.version}" == told["challenger"]
    assert (after.previous, after.challenger) == (before.champion, None)
    events = [one.event for one in promotions.history(engine, "ai4i")[rows:]]
    assert events.count("done") == 1
    assert events.count("intended") == events.count("done") + events.count("failed")
    assert holders(engine) == []


def _versions() -> int:
    return sum(len(MlflowClient().search_model_versions(f"name='{name}'")) for name in NAMES)
