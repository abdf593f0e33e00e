"""Alias moves on a real registry, cut off after every call that changes something: readers always find one champion."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from mlflow import MlflowClient
from sklearn.linear_model import LogisticRegression
from sqlalchemy import Engine, create_engine, delete, text

from gauntlet.datasets import ai4i
from gauntlet.datasets.errors import NotPromotable, ServiceDown
from gauntlet.tasks.metrics.prices import Prices
from gauntlet.tasks.promotion import log, smoke
from gauntlet.tasks.promotion.carry_out import carry_out, roll_back
from gauntlet.tasks.promotion.decide import Decision
from gauntlet.tasks.promotion.log import PROMOTIONS, Line, history, open_log, unfinished, write
from gauntlet.tasks.promotion.move import Standing, promote, repair, rollback, standing
from gauntlet.tasks.promotion.smoke import examine
from gauntlet.tasks.registry import aliases as reading
from gauntlet.tasks.registry.aliases import CHALLENGER, CHAMPION, PREVIOUS, Holder, aliases_of, enter, holder
from gauntlet.tasks.registry.publish import Submission, publish
from gauntlet.tasks.runtime.tracking import experiment, tracked
from gauntlet.tasks.tabular.gauntlets import AI4I
from gauntlet.tasks.tabular.train import pipeline

pytestmark = pytest.mark.slow

A, B, C = "promotion_a", "promotion_b", "promotion_c"
NAMES = (A, B, C)
KEY = Ed25519PrivateKey.generate()
PUBLIC = KEY.public_key()
WRITES = (
    "set_registered_model_alias",
    "delete_registered_model_alias",
    "set_model_version_tag",
    "delete_model_version_tag",
)


class Killed(BaseException):
    """Stands for kill -9: nothing of ours catches it."""


def submission(name: str, number: int, **tags: str) -> Submission:
    """A small model that answers its rows."""
    rng = np.random.default_rng(number)
    rows = pd.DataFrame({"load": rng.standard_normal(40), "speed": rng.standard_normal(40)})
    fitted = LogisticRegression().fit(rows, (rows["load"] > 0).astype(int))
    tags = {"leaked": "false", **tags}
    return Submission(name, f"{name} {number}", fitted, rows.head(5), {"pr_auc": 0.5}, {}, tags, "A test.", {})


@pytest.fixture(scope="module")
def add(stack: Any) -> Iterator[Callable[..., Holder]]:
    """Register another version of a model."""
    number = iter(range(1_000))
    with tracked(stack.connection, experiment("promotion", stack.connection), "parent", {}) as run:

        def register(name: str, key: Ed25519PrivateKey = KEY, **tags: str) -> Holder:
            one = publish(submission(name, next(number), **tags), run.experiment_id, run.run_id, key)
            return Holder(name, one.version)

        yield register


@pytest.fixture(scope="module")
def versions(add: Callable[..., Holder]) -> dict[str, Holder]:
    """Three versions of one model and one of each of two others."""
    return {"a1": add(A), "a2": add(A), "a3": add(A), "b1": add(B), "c1": add(C)}


def wipe() -> None:
    """No alias and no tag."""
    client = MlflowClient()
    for name in NAMES:
        for alias in aliases_of(name):
            client.delete_registered_model_alias(name, alias)
        for entry in client.search_model_versions(f"name='{name}'"):
            for tag in {"succeeds", "rolled_back", "promoted"} & set(entry.tags):
                client.delete_model_version_tag(name, entry.version, tag)


@pytest.fixture(autouse=True)
def clean(request: pytest.FixtureRequest) -> None:
    """No alias and no tag of an earlier test."""
    if "versions" in request.fixturenames:
        wipe()


def put(champion: Holder, challenger: Holder | None = None, previous: Holder | None = None) -> None:
    """Set the aliases of a gauntlet at rest; the champion succeeded the previous one."""
    client = MlflowClient()
    for alias, one in ((CHAMPION, champion), (CHALLENGER, challenger), (PREVIOUS, previous)):
        if one is not None:
            client.set_registered_model_alias(one.name, alias, str(one.version))
    if previous is not None:
        client.set_model_version_tag(
            champion.name, str(champion.version), "succeeds", f"{previous.name}/{previous.version}"
        )


class Cut:
    """The registry's writing calls, the process dying right after the n-th; `after` looks at every state left."""

    def __init__(self, patch: pytest.MonkeyPatch, die_after: int, after: Callable[[], None]) -> None:
        self.made, self.die_after, self.after = 0, die_after, after
        for name in WRITES:
            patch.setattr(MlflowClient, name, self._counting(getattr(MlflowClient, name)))

    def _counting(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            answer = real(*given, **named)
            self.made += 1
            self.after()
            if self.made == self.die_after:
                raise Killed
            return answer

        return call


def killed_everywhere(begin: Callable[[], None], move: Callable[[], object], look: Callable[[int], None]) -> int:
    """Run the move again and again, killed after its first, second, ... call; `look` after each. How many calls it has."""
    for die_after in range(1, 50):
        begin()
        with pytest.MonkeyPatch.context() as patch:
            cut = Cut(patch, die_after, lambda: None)
            try:
                move()
            except Killed:
                pass
            else:
                return cut.made
        look(die_after)
    raise AssertionError("it never ends")


# Champion, challenger, previous: within one model, from model to model both ways, and all on different ones.
PLACES = {
    "one model": ("a1", "a2", None),
    "one model, with previous": ("a2", "a3", "a1"),
    "across, against the order": ("b1", "a1", "a2"),
    "three models": ("a1", "c1", "b1"),
}


@pytest.mark.parametrize("place", PLACES)
def test_promotion_killed_after_every_call(place: str, versions: dict[str, Holder]) -> None:
    """Readers find the old champion or the new one; repair changes no reader's answer; a second try ends it."""
    old, new, before = (versions[one] if one else None for one in PLACES[place])
    assert old
    assert new
    ended = Standing(new, old, None)

    def begin() -> None:
        wipe()
        put(old, new, before)

    def look(_: int) -> None:
        read = holder(NAMES, CHAMPION)
        assert read in (old, new)
        mended = repair(NAMES)
        assert mended.champion == read == holder(NAMES, CHAMPION)
        assert mended == (ended if read == new else Standing(old, before, new))
        legal()
        with pytest.MonkeyPatch.context() as patch:
            again = Cut(patch, 0, lambda: None)
            assert repair(NAMES) == mended
        assert again.made == 0
        assert promote(NAMES, new, "me", "better", key=PUBLIC) == ended
        legal()

    calls = killed_everywhere(begin, lambda: promote(NAMES, new, "me", "better", key=PUBLIC), look)
    assert calls >= 5
    assert standing(NAMES) == ended
    legal()


@pytest.mark.parametrize("place", [one for one, (_, _, before) in PLACES.items() if before])
def test_rollback_killed_after_every_call(place: str, versions: dict[str, Holder]) -> None:
    """The same for the way back; the version that steps down is marked, and only when it did."""
    left, _, target = (versions[one] if one else None for one in PLACES[place])
    assert left
    assert target
    ended = Standing(target, None, None)

    def begin() -> None:
        wipe()
        put(left, None, target)

    def look(_: int) -> None:
        read = holder(NAMES, CHAMPION)
        assert read in (left, target)
        mended = repair(NAMES)
        assert mended.champion == read
        assert mended == (ended if read == target else Standing(left, target, None))
        marked = "rolled_back" in MlflowClient().get_model_version(left.name, str(left.version)).tags
        assert marked == (read == target)
        legal()
        if read == left:
            assert rollback(NAMES, "me", "worse", key=PUBLIC) == ended

    calls = killed_everywhere(begin, lambda: rollback(NAMES, "me", "worse", key=PUBLIC), look)
    assert calls >= 3
    assert standing(NAMES) == ended
    legal()


def legal() -> None:
    """At rest each alias is held once, and never two by the same version."""
    held = [(alias, name, version) for name in NAMES for alias, version in aliases_of(name).items()]
    assert sum(alias == CHAMPION for alias, *_ in held) == 1
    assert len({alias for alias, *_ in held}) == len(held)
    assert len({(name, version) for _, name, version in held}) == len(held)


def test_a_reader_between_two_calls_never_sees_none(
    versions: dict[str, Holder], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A whole move between the reading of one model and that of the next: the reader looks again."""
    old, new = versions["b1"], versions["a1"]
    put(old, new)
    real, moved = reading.aliases_of, []

    def torn(name: str) -> dict[str, int]:
        answer = real(name)
        if not moved:  # A was just read without the alias; B will be read when it has lost it
            moved.append(name)
            promote(NAMES, new, "me", "better", key=PUBLIC)
        return answer

    monkeypatch.setattr(reading, "aliases_of", torn)
    assert holder(NAMES, CHAMPION) == new
    assert moved == [A]


def test_at_every_call_readers_find_a_champion_and_the_old_one_is_previous_first(versions: dict[str, Holder]) -> None:
    """There and back over three models: looked at after every single call."""
    old, new, before = versions["a1"], versions["c1"], versions["b1"]
    put(old, new, before)
    seen: list[Holder | None] = []

    def look() -> None:
        seen.append(holder(NAMES, CHAMPION))
        if seen[-1] == new:
            assert aliases_of(old.name).get(PREVIOUS) == old.version

    with pytest.MonkeyPatch.context() as patch:
        Cut(patch, 0, look)
        promote(NAMES, new, "me", "better", key=PUBLIC)
    assert set(seen) == {old, new}
    assert seen == sorted(seen, key=[old, new].index)  # it changes once
    assert rollback(NAMES, "me", "worse", key=PUBLIC) == Standing(old, before, None)


def test_what_was_rolled_back_is_not_promoted_by_itself(versions: dict[str, Holder]) -> None:
    """It says who and why; with `again` it is promoted, and the mark is gone."""
    old, new = versions["a1"], versions["b1"]
    put(old, new)
    promote(NAMES, new, "me", "better", key=PUBLIC)
    rollback(NAMES, "Ann", "it is blind at night", key=PUBLIC)
    enter(NAMES, new)
    with pytest.raises(NotPromotable, match="by Ann: it is blind at night"):
        promote(NAMES, new, "me", "better", key=PUBLIC)
    assert standing(NAMES) == Standing(old, None, new)
    assert promote(NAMES, new, "me", "mended", key=PUBLIC, again=True) == Standing(new, old, None)
    assert "rolled_back" not in MlflowClient().get_model_version(new.name, str(new.version)).tags
    assert MlflowClient().get_model_version(new.name, str(new.version)).tags["promoted"].endswith("by me: mended")


def test_there_is_nothing_to_roll_back_to(versions: dict[str, Holder]) -> None:
    """One clear line, and the champion stays."""
    put(versions["a1"])
    with pytest.raises(NotPromotable, match="No previous champion"):
        rollback(NAMES, "me", "worse", key=PUBLIC)
    assert standing(NAMES).champion == versions["a1"]


def test_a_lost_claim_stops_the_move_where_it_is(versions: dict[str, Holder]) -> None:
    """The check comes before every change: nothing is written once it raises."""
    put(versions["a1"], versions["a2"])

    def lost() -> None:
        raise TimeoutError("another has the claim")

    with pytest.raises(TimeoutError):
        promote(NAMES, versions["a2"], "me", "better", key=PUBLIC, check=lost)
    assert standing(NAMES) == Standing(versions["a1"], None, versions["a2"])
    assert "promoted" not in MlflowClient().get_model_version(A, str(versions["a2"].version)).tags


def test_what_must_not_be_champion_is_refused_and_nothing_moves(
    versions: dict[str, Holder], add: Callable[..., Holder], stack: Any
) -> None:
    """Leaked, signed by another, one flipped byte, another gauntlet's, not there."""
    put(versions["a1"])
    flipped = add(A)
    bucket, _, prefix = _folder(flipped).removeprefix("s3://").partition("/")
    place = {"Bucket": bucket, "Key": f"{prefix}/model.skops"}
    content = bytearray(stack.connection.s3().get_object(**place)["Body"].read())
    content[len(content) // 2] ^= 1
    stack.connection.s3().put_object(**place, Body=bytes(content))
    refused = {
        add(A, leaked="true"): "leaked",
        add(A, Ed25519PrivateKey.generate()): "not confirmed by our key",
        flipped: "was changed",
        Holder("somebody_elses", 1): "none of this gauntlet's models",
        Holder(A, 999): "There is no",
    }
    for version, reason in refused.items():
        with pytest.raises(NotPromotable, match=reason):
            promote(NAMES, version, "me", "better", key=PUBLIC)
        assert standing(NAMES) == Standing(versions["a1"], None, None)


def _folder(version: Holder) -> str:
    from gauntlet.tasks.registry.load import artifact_location, find_version, model_id_of

    return artifact_location(model_id_of(find_version(version.name, version.version)))


def test_the_smoke_test_asks_for_finite_answers_to_the_own_example(
    versions: dict[str, Holder], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It answers the rows that it was registered with; a NaN among the answers, or an error, is a refusal."""
    loaded = examine(versions["a1"], PUBLIC)
    stored = json.loads(loaded.files["input_example.json"])["data"]
    assert loaded.example().to_numpy() == pytest.approx(np.array(stored))
    assert len(stored) == 5
    monkeypatch.setattr(smoke, "answer", lambda model, rows: np.array([0.1, np.nan, 0.2, 0.3, 0.4]))
    with pytest.raises(NotPromotable, match="gaps or infinities"):
        examine(versions["a1"], PUBLIC)

    def breaks(model: Any, rows: pd.DataFrame) -> np.ndarray:
        raise ValueError("no such column")

    monkeypatch.setattr(smoke, "answer", breaks)
    with pytest.raises(NotPromotable, match="no such column"):
        examine(versions["a1"], PUBLIC)


def test_a_gauntlets_own_model_passes_with_its_column_of_words(stack: Any, tmp_path: Path) -> None:
    """AI4I's pipeline takes whole numbers, fractions and words; the example has the types of the recipe."""
    frame = ai4i.read(ai4i.simulate(tmp_path, seed=3, rows=600))
    fitted = pipeline(AI4I.candidates[3], Prices(500.0, 25.0), seed=7).fit(frame.features, frame.target.to_numpy())
    one = Submission(
        "promotion_ai4i", "k", fitted, frame.features.head(5), {"f1": 0.5}, {}, {"leaked": "false"}, "A test.", {}
    )
    with tracked(stack.connection, experiment("promotion", stack.connection), "parent", {}) as run:
        version = publish(one, run.experiment_id, run.run_id, KEY).version
    loaded = examine(Holder("promotion_ai4i", version), PUBLIC)
    assert loaded.example().dtypes.astype(str).to_dict() == frame.features.dtypes.astype(str).to_dict()


def decision(verdict: str = "promote", mode: str = "enabled") -> Decision:
    """A decision with little evidence."""
    return Decision(verdict, ("it is better",), {"gain": 0.1}, mode)  # type: ignore[arg-type]


def test_a_crash_shows_in_the_log_and_is_closed_by_what_the_registry_says(
    versions: dict[str, Holder], connect: Callable[[], Engine]
) -> None:
    """Killed before the champion moved: failed; killed after it: done; in between the intent stands alone."""
    old, new = versions["a1"], versions["b1"]
    closed = set()

    def fresh() -> None:
        wipe()
        put(old, new)
        with engine.begin() as connection:
            connection.execute(delete(PROMOTIONS))

    def look(_: int) -> None:
        (intent,) = unfinished(engine, "g")
        assert (intent.event, intent.line.champion, intent.line.to) == ("intended", old, new)
        moved = holder(NAMES, CHAMPION) == new
        done = act()
        rows = history(engine, "g")
        assert [row.event for row in rows] == ["intended", *(["done"] if moved else ["failed", "intended", "done"])]
        assert rows[1].intent == intent.id
        assert "found cut off" in rows[1].line.why
        assert done == rows[-1]
        assert unfinished(engine, "g") == []
        closed.add(rows[1].event)

    def act() -> Any:
        return carry_out(engine, "g", NAMES, new, decision(), "me", key=PUBLIC)

    engine = connect()
    open_log(engine)
    killed_everywhere(fresh, act, look)
    assert closed == {"done", "failed"}
    assert standing(NAMES) == Standing(new, old, None)
    back = roll_back(engine, "g", NAMES, "Ann", "blind", key=PUBLIC)
    assert (back.event, back.line.verdict, back.line.champion, back.line.to) == ("done", "rollback", new, old)


def test_only_an_enabled_promotion_moves_anything(versions: dict[str, Holder]) -> None:
    """Dry run, keep and refused are one row each, with the reasons; a refusal on the way is told and recorded."""
    old, new = versions["a1"], versions["a2"]
    put(old, new)
    engine = create_engine("sqlite://")
    open_log(engine)
    for verdict, mode in (("promote", "dry run"), ("keep", "enabled"), ("refused", "enabled"), ("keep", "disabled")):
        row = carry_out(engine, "g", NAMES, new, decision(verdict, mode), "me", key=PUBLIC)
        assert (row.event, row.line.verdict, row.line.mode) == ("decided", verdict, mode)
        assert (row.line.why, row.line.evidence) == (
            "it is better",
            {"gain": 0.1, "reasons": ["it is better"]},
        )
    assert standing(NAMES) == Standing(old, None, new)
    with pytest.raises(NotPromotable, match="not confirmed by our key"):
        carry_out(engine, "g", NAMES, new, decision(), "me", key=Ed25519PrivateKey.generate().public_key())
    assert [row.event for row in history(engine, "g")][-2:] == ["intended", "failed"]
    assert "not confirmed by our key" in history(engine, "g")[-1].line.why
    assert standing(NAMES) == Standing(old, None, new)


def _lost_once(patch: pytest.MonkeyPatch, place: Any, name: str, when: Callable[..., bool]) -> None:
    """The call does what it does, and its answer is lost, once."""
    real, lost = getattr(place, name), []

    def call(*given: Any, **named: Any) -> Any:
        answer = real(*given, **named)
        if not lost and when(*given, **named):
            lost.append(name)
            raise ServiceDown("the server", "its address", "the answer was lost")
        return answer

    patch.setattr(place, name, call)


@pytest.mark.parametrize("act", ["intended", "set_registered_model_alias", "done"])
def test_a_rollback_whose_answer_was_lost_goes_back_one_champion(
    act: str, versions: dict[str, Holder], connect: Callable[[], Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same request again is told what it did; a request of its own goes back further."""
    first, second, third = versions["a1"], versions["b1"], versions["a2"]
    engine = connect()
    open_log(engine)
    put(second, third, previous=first)
    carry_out(engine, "g", NAMES, third, decision(), "me", key=PUBLIC)
    since = len(history(engine, "g"))
    with monkeypatch.context() as patch:
        if act.startswith("set_"):
            _lost_once(patch, MlflowClient, act, lambda *_: True)
        else:
            _lost_once(patch, log, "write", lambda _engine, event, *_, **__: event == act)
        with pytest.raises(ServiceDown):
            roll_back(engine, "g", NAMES, "Ann", "blind", key=PUBLIC, request="r1")
    told = [roll_back(engine, "g", NAMES, "Ann", "blind", key=PUBLIC, request="r1") for _ in range(2)]
    assert told[0] == told[1]
    assert (told[0].event, told[0].line.champion, told[0].line.to) == ("done", third, second)
    assert standing(NAMES) == Standing(second, first, None)
    assert [row.event for row in history(engine, "g")[since:]].count("done") == 1
    roll_back(engine, "g", NAMES, "Ann", "blind, too", key=PUBLIC, request="r2")
    assert standing(NAMES) == Standing(first, None, None)


def test_a_promotion_asked_again_after_it_was_rolled_back_moves_nothing(versions: dict[str, Holder]) -> None:
    """Its answer was lost, a person went back meanwhile, and the same request comes once more."""
    old, new = versions["a1"], versions["a2"]
    put(old, new)
    engine = create_engine("sqlite://")
    open_log(engine)
    row = carry_out(engine, "g", NAMES, new, decision(), "me", key=PUBLIC, request="r1")
    roll_back(engine, "g", NAMES, "Ann", "blind", key=PUBLIC)
    assert carry_out(engine, "g", NAMES, new, decision(), "me", key=PUBLIC, request="r1") == row
    assert standing(NAMES) == Standing(old, None, None)


def test_who_asks_after_a_rollback_was_cut_off_is_told_the_same_twice(
    versions: dict[str, Holder], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cut-off one is ended for the second request; whose answer is lost, too, and which is sent again."""
    first, second, third = versions["a1"], versions["b1"], versions["a2"]
    engine = create_engine("sqlite://")
    open_log(engine)
    put(second, third, previous=first)
    carry_out(engine, "g", NAMES, third, decision(), "me", key=PUBLIC)
    with monkeypatch.context() as patch:
        _lost_once(patch, MlflowClient, "set_registered_model_alias", lambda *_: True)
        _lost_once(patch, MlflowClient, "delete_registered_model_alias", lambda *_: True)
        with pytest.raises(ServiceDown):
            roll_back(engine, "g", NAMES, "Ann", "blind", key=PUBLIC, request="r1")
        with pytest.raises(ServiceDown):
            roll_back(engine, "g", NAMES, "Bob", "blind", key=PUBLIC, request="r2")
    told = [roll_back(engine, "g", NAMES, "Bob", "blind", key=PUBLIC, request="r2") for _ in range(2)]
    assert told[0] == told[1]
    assert told[0].line.to == second
    assert standing(NAMES).champion == second


def test_the_log_of_an_earlier_version_gets_what_it_lacks(connect: Callable[[], Engine]) -> None:
    """Its rows stay, and answer no request."""
    engine = connect()
    open_log(engine)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE gauntlet_promotions DROP COLUMN request"))
    open_log(engine)
    write(engine, "decided", Line("g", None, None, "keep", "enabled", "me", "why", {}, "r1"))
    assert [row.line.request for row in history(engine, "g")] == ["r1"]
    assert log.answered(engine, "g", "r2") is None
