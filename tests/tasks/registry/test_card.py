"""A version is what was registered under its name: whatever is changed in MLflow or S3, the signed card decides."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import numpy as np
import pandas as pd
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from mlflow import MlflowClient
from sklearn.linear_model import LogisticRegression

import gauntlet.tasks.registry.publish as publishing
from gauntlet.datasets.errors import Altered, NotPromotable, Unsigned
from gauntlet.tasks.loop import inventory
from gauntlet.tasks.promotion.move import promote
from gauntlet.tasks.registry.aliases import CHAMPION, UNUSABLE, Holder, enter, give, holder
from gauntlet.tasks.registry.cache import ModelCache
from gauntlet.tasks.registry.card import CARD, REGISTRATION, Card, check_registration, registration
from gauntlet.tasks.registry.files import parquet
from gauntlet.tasks.registry.keys import KeyRing, make_key, signing_key
from gauntlet.tasks.registry.load import find_version, load, model_id_of
from gauntlet.tasks.registry.publish import find, publish
from gauntlet.tasks.registry.submission import Submission
from gauntlet.tasks.result import Registered
from gauntlet.tasks.runtime.tracking import experiment, tracked

CARD_OF = Card("a", "ai4i", "", "real", False, "k", "m-1", "c")


def test_a_registration_is_of_one_card_name_and_number() -> None:
    """Another number, name or card, another key, and a signed document of another kind are none of its."""
    key, other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    record = registration(CARD_OF, 3, key)
    check_registration(record, CARD_OF, "a", 3, key.public_key())
    leaked = Card(**{**vars(CARD_OF), "leaked": True})
    for card, name, version in ((CARD_OF, "a", 4), (CARD_OF, "b", 3), (leaked, "a", 3)):
        with pytest.raises(Altered, match="was registered as a version 3"):
            check_registration(record, card, name, version, key.public_key())
    with pytest.raises(Unsigned):
        check_registration(record, CARD_OF, "a", 3, other.public_key())
    with pytest.raises(Unsigned):
        check_registration(b"[]", CARD_OF, "a", 3, key.public_key())


@pytest.fixture(scope="module")
def ring(stack: Any) -> KeyRing:
    """The installation's keys."""
    return signing_key(stack.cfg.key_file)


@pytest.fixture(scope="module")
def add(stack: Any, ring: KeyRing) -> Iterator[Callable[..., Registered]]:
    """Publish a small model; the same number is the same work."""
    rows = pd.DataFrame({"load": np.arange(20.0), "speed": np.arange(20.0)[::-1] ** 2})
    fitted = LogisticRegression().fit(rows, np.arange(20) % 2)
    files = {"feature_names.txt": b"load\nspeed", "reference.parquet": parquet(rows)}
    with tracked(stack.connection, experiment("cards", stack.connection), "parent", {"gauntlet": "ai4i"}) as run:

        def published(name: str, number: int = 1, key: Any = ring, **tags: str) -> Registered:
            stated = {"leaked": "false", "source": "simulated", "git_commit": "abc123", **tags}
            made = Submission(name, f"{name} {number}", fitted, rows, {}, {}, stated, "A test.", files, gauntlet="ai4i")
            return publish(made, run.experiment_id, run.run_id, key)

        yield published


def place(version: Registered, name: str) -> dict[str, str]:
    """Where a file of the model's folder, or beside it, is in S3."""
    folder = urlparse(version.uri)
    inside = folder.path.strip("/") if name != REGISTRATION else folder.path.strip("/").rpartition("/")[0]
    return {"Bucket": folder.netloc, "Key": f"{inside}/{name}"}


def test_a_card_says_what_was_registered(stack: Any, ring: KeyRing, add: Callable[..., Registered]) -> None:
    """In the folder, under its signature, and in the tags of what is loaded."""
    made = add("card_model")
    loaded = load("card_model", 1, ring.public_key())
    card = json.loads(loaded.files[CARD])
    assert (card["name"], card["gauntlet"], card["source"], card["leaked"]) == (
        "card_model",
        "ai4i",
        "simulated",
        False,
    )
    assert (card["key"], card["commit"]) == ("card_model 1", "abc123")
    assert card["model_id"] == model_id_of(find_version("card_model", 1))
    client = stack.connection.s3()
    assert json.loads(client.get_object(**place(made, REGISTRATION))["Body"].read())["manifest"]["version"] == 1


def test_a_leaked_version_that_lost_its_tag_stays_leaked(
    stack: Any, ring: KeyRing, add: Callable[..., Registered]
) -> None:
    """It is not promoted, not served, and validation names the tag."""
    add("washed_model", leaked="true")
    client = MlflowClient()
    for tag in ("leaked", "status"):
        client.set_model_version_tag("washed_model", "1", tag, "false")
    version, key = Holder("washed_model", 1), ring.public_key()
    with pytest.raises(NotPromotable, match="trained on leaked columns"):
        promote(["washed_model"], version, "a test", "why", key=key)
    assert holder(["washed_model"], CHAMPION) is None
    client.set_registered_model_alias("washed_model", CHAMPION, "1")  # by hand, past everything of ours
    with pytest.raises(NotPromotable, match="trained on leaked columns"):
        ModelCache(key).get("washed_model")
    [found] = inventory.versions_with_alias(["washed_model"])
    assert "leaked" in inventory.check(*found, stack.connection, stack.cfg.key_file).fault


@pytest.mark.promise("identity")
def test_a_tag_that_was_changed_is_named_by_validation(stack: Any, add: Callable[..., Registered]) -> None:
    """A simulated version that is said to be real."""
    add("painted_model")
    give("painted_model", 1, CHAMPION)
    MlflowClient().set_model_version_tag("painted_model", "1", "source", "real")
    [found] = inventory.versions_with_alias(["painted_model"])
    fault = inventory.check(*found, stack.connection, stack.cfg.key_file).fault
    assert fault == "its tag source says real, it was registered as simulated"


@pytest.mark.promise("identity")
def test_a_folder_of_ours_under_another_name_or_number_is_refused(
    ring: KeyRing, add: Callable[..., Registered]
) -> None:
    """Validly signed, under the right key: MLflow's word alone made it a version."""
    add("rightful_model")
    entry, client = find_version("rightful_model", 1), MlflowClient()
    client.create_registered_model("usurping_model")
    for name, number in (("usurping_model", 1), ("rightful_model", 2)):
        client.create_model_version(name, entry.source, run_id=entry.run_id, model_id=model_id_of(entry))
        with pytest.raises(Altered, match="what lies there was registered as rightful_model version 1"):
            load(name, number, ring.public_key())


def test_a_registration_that_was_cut_off_is_finished_by_the_next(
    ring: KeyRing, add: Callable[..., Registered], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before the record: nothing loads it, no alias comes to it; the same work ends it, as the same version."""
    with monkeypatch.context() as patch:
        patch.setattr(publishing, "_record", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            add("cut_model")
    with pytest.raises(Unsigned, match="its registration was never finished"):
        load("cut_model", 1, ring.public_key())
    with pytest.raises(NotPromotable, match="never finished"):
        promote(["cut_model"], Holder("cut_model", 1), "a test", "why", key=ring.public_key())
    assert add("cut_model").version == 1
    assert load("cut_model", 1, ring.public_key()).version == 1


@pytest.mark.parametrize("loss", ["folder", "one file", "key"])
def test_a_version_that_is_lost_is_marked_and_registered_anew(
    loss: str, stack: Any, ring: KeyRing, add: Callable[..., Registered]
) -> None:
    """The same work gives a new version, which takes the alias that the lost one held; the third time nothing is done."""
    name = f"lost_{loss.replace(' ', '_')}"
    made = add(name, key=Ed25519PrivateKey.generate() if loss == "key" else ring)
    give(name, 1, CHAMPION)
    client = stack.connection.s3()
    if loss == "one file":
        client.delete_object(**place(made, "model.skops"))
    if loss == "folder":
        where = place(made, "")
        for item in client.list_objects_v2(Bucket=where["Bucket"], Prefix=where["Key"])["Contents"]:
            client.delete_object(Bucket=where["Bucket"], Key=item["Key"])
    anew = add(name)
    assert anew.version == 2
    tags = find_version(name, 1).tags
    assert tags["status"] == UNUSABLE
    said = {"folder": "is gone|no signature.json", "one file": "model.skops is missing", "key": "not confirmed by our"}
    assert re.search(said[loss], tags[UNUSABLE])  # SeaweedFS keeps the names of empty folders
    enter([name], Holder(name, 2))
    assert holder([name], CHAMPION) == Holder(name, 2)
    assert add(name).version == 2
    assert load(name, CHAMPION, ring.public_key()).version == 2


def test_a_server_that_is_away_marks_nothing(
    stack: Any, ring: KeyRing, add: Callable[..., Registered], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be read now is not lost."""
    add("unreachable_model")
    monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(Exception, match=r"127\.0\.0\.1:9"):
        find("unreachable_model", "unreachable_model 1", ring)
    monkeypatch.undo()
    assert UNUSABLE not in find_version("unreachable_model", 1).tags
    assert add("unreachable_model").version == 1


def test_a_version_of_before_says_which_commit_and_what_to_do(
    ring: KeyRing, add: Callable[..., Registered], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was signed without a card, as all were."""
    monkeypatch.setattr(Path, "write_bytes", _without_card(Path.write_bytes))
    with monkeypatch.context() as patch:
        patch.setattr(publishing, "_record", lambda *_: None)
        add("former_card")
    monkeypatch.undo()
    with pytest.raises(Unsigned, match=r"former_card version 1: .* no card\.json") as refused:
        load("former_card", 1, ring.public_key())
    assert "registered by commit abc123. Do: register anew with `gauntlet run" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert add("former_card").version == 2


def _without_card(write: Callable[..., int]) -> Callable[..., int]:
    return lambda path, content: 0 if path.name == CARD else write(path, content)


@pytest.mark.promise("keys")
def test_versions_of_an_older_key_load_after_a_rotation(add: Callable[..., Registered], tmp_path: Path) -> None:
    """And what is registered then is signed by the new one."""
    from gauntlet.tasks.registry.keys import rotate

    path = tmp_path / "signing.pem"
    before = make_key(path)
    assert add("rotated_model", 1, before).version == 1
    after = rotate(path)
    assert add("rotated_model", 1, after).version == 1
    assert add("rotated_model", 2, after).version == 2
    assert [load("rotated_model", version, after.public_key()).version for version in (1, 2)] == [1, 2]
    with pytest.raises(Unsigned, match="not confirmed by our key"):
        load("rotated_model", 2, before.public_key())
