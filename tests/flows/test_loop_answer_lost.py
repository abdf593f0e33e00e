"""The answer is lost after the act: the step, or the same request, comes again, and the aliases have moved once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from gauntlet.blocks import RetrainPolicy
from gauntlet.datasets.errors import BadInput, ServiceDown
from gauntlet.flows import _promotion, call
from gauntlet.flows import promote as promoting
from gauntlet.flows import retrain as retraining
from gauntlet.flows.promote import promote
from gauntlet.flows.retrain import retrain
from gauntlet.flows.score import score
from gauntlet.tasks import claims
from gauntlet.tasks.claims import claims_database
from gauntlet.tasks.gauntlets import named
from gauntlet.tasks.loop import maintenance
from gauntlet.tasks.promotion import log as promotions
from gauntlet.tasks.promotion.move import Standing, standing
from gauntlet.tasks.registry.aliases import Holder, aliases_of
from gauntlet.tasks.runtime import steps
from gauntlet.tasks.runtime.connection import block_name

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("ran", ["ai4i"], indirect=True)]
NAMES = named("ai4i").registered


@dataclass
class Plant:
    """A champion, and rows of a new product to learn from."""

    stack: Any
    champion: Holder
    others: tuple[Holder, ...]

    @property
    def engine(self) -> Any:
        return claims_database(self.stack.cfg)

    def log(self) -> list[promotions.Entry]:
        promotions.open_log(self.engine)
        return promotions.history(self.engine, "ai4i")

    def begin(self) -> None:
        """The champion alone, without marks of an earlier move."""
        client = MlflowClient()
        for name in NAMES:
            for alias in aliases_of(name):
                client.delete_registered_model_alias(name, alias)
            for entry in client.search_model_versions(f"name='{name}'"):
                for tag in {"succeeds", "rolled_back", "promoted"} & set(entry.tags):
                    client.delete_model_version_tag(name, entry.version, tag)
        client.set_registered_model_alias(self.champion.name, "champion", str(self.champion.version))

    def followed_by(self, *later: Holder) -> None:
        """One champion after another."""
        client = MlflowClient()
        for before, new in zip((self.champion, *later), later, strict=False):
            client.set_model_version_tag(new.name, str(new.version), "succeeds", f"{before.name}/{before.version}")
        self._only("previous", (self.champion, *later)[-2])
        self._only("champion", later[-1])

    def _only(self, alias: str, to: Holder) -> None:
        for name in NAMES:
            if alias in aliases_of(name):
                MlflowClient().delete_registered_model_alias(name, alias)
        MlflowClient().set_registered_model_alias(to.name, alias, str(to.version))


_PLANTS: list[Plant] = []


@pytest.fixture
def plant(
    ran: Any, stack: Any, product: Callable[[int], Any], every_challenger_is_better: None, monkeypatch: Any
) -> Iterator[Plant]:
    """No cooldown; aliases and marks as after the first run."""
    if not _PLANTS:
        score("ai4i", product(43))
        made = [Holder(one.name, one.version) for one in ran.result.registered]
        best = next(one for one in made if one.name == ran.result.champion)
        _PLANTS.append(Plant(stack, best, tuple(one for one in made if one != best)))
    RetrainPolicy(cooldown_h=0).save(block_name(RetrainPolicy), overwrite=True)
    monkeypatch.setattr(steps, "RETRY_DELAYS_S", (0.1, 0.1))
    _PLANTS[0].begin()
    yield _PLANTS[0]
    _PLANTS[0].begin()
    RetrainPolicy().save(block_name(RetrainPolicy), overwrite=True)


def lost_once(
    patch: pytest.MonkeyPatch, place: Any, name: str, when: Callable[..., bool], error: type = ServiceDown
) -> None:
    """The call does what it does, and its answer is lost, once."""
    real, lost = getattr(place, name), []

    def answerless(*given: Any, **named: Any) -> Any:
        answer = real(*given, **named)
        if not lost and when(*given, **named):
            lost.append(name)
            raise ServiceDown("the server", "its address", "the answer was lost") if error is ServiceDown else error()
        return answer

    patch.setattr(place, name, answerless)


class Gone(Exception):
    """The run ends here, after everything was done."""


def cut_off(*_: Any, **__: Any) -> Any:
    """The run ends here, before this was done."""
    raise Gone


@pytest.mark.parametrize(
    ("place", "name", "when"),
    [
        (promotions, "write", lambda _engine, event, *_, **__: event == "intended"),
        (MlflowClient, "set_registered_model_alias", lambda *_: True),
        (promotions, "write", lambda _engine, event, *_, **__: event == "done"),
        (promoting, "roll_back", lambda *_, **__: True),
    ],
    ids=["intended", "alias", "done", "whole"],
)
@pytest.mark.promise("moves")
def test_a_rollback_retried_by_its_step_goes_back_once(
    plant: Plant, monkeypatch: pytest.MonkeyPatch, place: Any, name: str, when: Any
) -> None:
    """Of three champions in a row the second is in use again, and the log has one move."""
    first, second, last = plant.champion, *plant.others[:2]
    plant.followed_by(second, last)
    since = len(plant.log())
    with monkeypatch.context() as patch:
        lost_once(patch, place, name, when)
        told = promote("ai4i", rollback=True)
    assert told["champion"] == f"{second.name} v{second.version}"
    assert standing(NAMES) == Standing(second, first, None)
    moves = [one.line for one in plant.log()[since:] if one.event == "done"]
    assert [(one.champion, one.to) for one in moves] == [(last, second)]


@pytest.mark.promise("moves")
def test_the_same_request_again_is_told_what_it_did(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rollback whose run ended badly after it was done; and its id asks for nothing else."""
    first, second, last = plant.champion, *plant.others[:2]
    plant.followed_by(second, last)
    since = len(plant.log())
    with monkeypatch.context() as patch:
        lost_once(patch, promoting, "create_markdown_artifact", lambda *_, **__: True, Gone)
        with pytest.raises(Gone):
            promote("ai4i", rollback=True, request="change-17")
    told = [promote("ai4i", rollback=True, request="change-17") for _ in range(2)]
    assert {one["champion"] for one in told} == {f"{second.name} v{second.version}"}
    assert standing(NAMES) == Standing(second, first, None)
    assert [one.event for one in plant.log()[since:]] == ["intended", "done"]
    with pytest.raises(BadInput, match="was a rollback"):
        promote("ai4i", request="change-17")


def test_a_retraining_asked_for_again_is_told_what_it_did(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    """One version and one move, also where the cooldown runs by now; a person's rollback in between stands."""
    monkeypatch.setattr(retraining, "send_events", lambda: None)
    asked = {"gauntlet": "ai4i", "verdict": "operating_change", "seed": 2999, "request": "change-18"}
    since, versions = len(plant.log()), _versions()
    with monkeypatch.context() as patch:
        lost_once(patch, retraining, "name_run", lambda *_: True, Gone)
        with pytest.raises(Gone):
            call(retrain, **asked)
    first = call(retrain, **asked)
    RetrainPolicy(cooldown_h=24).save(block_name(RetrainPolicy), overwrite=True)
    promote("ai4i", rollback=True)
    assert call(retrain, **asked) == first
    assert (first["state"], first["decision"], first["new_rows"]) == ("completed", "promote", first["new_rows"])
    assert first["new_rows"] > 0
    assert standing(NAMES).champion == plant.champion
    assert _versions() == versions + 1
    assert [one.line.verdict for one in plant.log()[since:] if one.event == "done"] == ["promote", "rollback"]


def test_a_retraining_cut_off_after_its_registration_makes_no_second_version(
    plant: Plant, product: Callable[[int], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """New files were scored before the same request came again: it goes on with what it registered."""
    monkeypatch.setattr(retraining, "send_events", lambda: None)
    asked = {"gauntlet": "ai4i", "verdict": "operating_change", "seed": 3999, "request": "change-20"}
    versions = _versions()
    with monkeypatch.context() as patch:
        patch.setattr(retraining, "promote_challenger", cut_off)
        with pytest.raises(Gone):
            call(retrain, **asked)
    assert _versions() == versions + 1
    score("ai4i", product(77))
    again = call(retrain, **asked)
    assert (again["state"], again["decision"]) == ("completed", "promote")
    assert _versions() == versions + 1
    assert standing(NAMES).champion != plant.champion


def _versions() -> int:
    return sum(len(MlflowClient().search_model_versions(f"name='{name}'")) for name in NAMES)


def test_a_decision_asked_for_again_is_told_what_came_of_it(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its run ended badly after the move; then there is no challenger any more, and the answer is the first one's."""
    new = plant.others[0]
    MlflowClient().set_registered_model_alias(new.name, "challenger", str(new.version))
    since = len(plant.log())
    with monkeypatch.context() as patch:
        lost_once(patch, _promotion, "create_markdown_artifact", lambda *_, **__: True, Gone)
        with pytest.raises(Gone):
            promote("ai4i", request="change-19")
    told = [promote("ai4i", request="change-19") for _ in range(2)]
    assert told[0] == told[1]
    assert told[0]["verdict"] == "promote"
    assert told[0]["champion"] == f"{new.name} v{new.version}"
    assert [one.event for one in plant.log()[since:]] == ["intended", "done"]


def test_a_work_order_without_a_date_is_one_however_often_it_comes(plant: Plant) -> None:
    """Closed when it was first heard of."""
    RetrainPolicy(enabled=False).save(block_name(RetrainPolicy), overwrite=True)
    before = len(maintenance.events(plant.stack.connection, "ai4i"))
    for _ in range(2):
        call(retrain, gauntlet="ai4i", machine="press 7", work_order="WO-1", action="repaired", request="order-1")
    assert len(maintenance.events(plant.stack.connection, "ai4i")) == before + 1
    assert claims.first_seen(plant.engine, "work order", "order-1").timestamp() == pytest.approx(
        maintenance.events(plant.stack.connection, "ai4i")[-1].at_s
    )
