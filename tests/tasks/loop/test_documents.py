"""A document is ours by its MAC over kind, place and text; everything else is passed over and said by name."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gauntlet.datasets.errors import Altered, Unsigned
from gauntlet.tasks.loop import maintenance
from gauntlet.tasks.loop.alarm_states import State, fed, keep, state_before
from gauntlet.tasks.loop.contract import Batch, InputFile, Scored
from gauntlet.tasks.loop.documents import KINDS, opened, sealed
from gauntlet.tasks.loop.maintenance import Event
from gauntlet.tasks.loop.portions import manifest_of, manifests, predictions_of, rows_of, unaltered, whole_rows, write
from gauntlet.tasks.loop.store import keys, listed, put, put_document, remove
from gauntlet.tasks.registry.keys import KeyRing, make_key, rotate
from gauntlet.tasks.runtime.connection import Connection

KEY = "maintenance/ai4i/0000000000.000-abc.json"
DOCUMENT = {"machine": "press 7 ü", "at_s": 0.1 + 0.2, "files": ["a", "b"], "group": None, "nan": float("inf")}


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    """A key of this test's own."""
    return make_key(tmp_path / "signing.pem")


def test_a_document_comes_back_as_it_was(ring: KeyRing) -> None:
    """Every number to the last digit; nothing of the key stands in it but its name."""
    content = sealed(KEY, DOCUMENT, ring)
    assert opened(KEY, content, ring) == DOCUMENT
    assert json.loads(content)["by"] == ring.names[0]


@pytest.mark.promise("keys")
def test_a_document_of_before_a_rotation_is_still_ours(tmp_path: Path, ring: KeyRing) -> None:
    """And one of after it is not, to a host that lacks the new key."""
    content, new = sealed(KEY, DOCUMENT, ring), rotate(tmp_path / "signing.pem")
    assert opened(KEY, content, new) == DOCUMENT
    with pytest.raises(Unsigned, match="not by our keys"):
        opened(KEY, sealed(KEY, DOCUMENT, new), ring)


@pytest.mark.parametrize("elsewhere", [KEY.replace("ai4i", "nasa"), *(f"{one}/ai4i/x.json" for one in KINDS)])
def test_a_document_is_no_good_elsewhere(ring: KeyRing, elsewhere: str) -> None:
    """For another gauntlet, as another kind, under another name."""
    with pytest.raises(Unsigned, match=f"{elsewhere}: no {KINDS[elsewhere.partition('/')[0]]} of ours"):
        opened(elsewhere, sealed(KEY, DOCUMENT, ring), ring)


GARBAGE: dict[str, Callable[[dict[str, Any]], Any]] = {
    "plain, as before": lambda good: good["document"],
    "another text": lambda good: {**good, "document": {**good["document"], "machine": "press 8"}},
    "a field more": lambda good: {**good, "document": {**good["document"], "more": 1}},
    "another MAC": lambda good: {**good, "mac": "00" * 32},
    "no MAC": lambda good: {"document": good["document"], "by": good["by"]},
    "a MAC that is no text": lambda good: {**good, "mac": None},
    "a list": lambda good: [good],
    "a number": lambda _: 7,
}


@pytest.mark.parametrize("kind", GARBAGE)
def test_what_bears_no_mac_of_ours_is_one_error(ring: KeyRing, kind: str) -> None:
    """Whatever stands there."""
    content = json.dumps(GARBAGE[kind](json.loads(sealed(KEY, DOCUMENT, ring)))).encode()
    with pytest.raises(Unsigned, match="no work order of ours"):
        opened(KEY, content, ring)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_json_is_the_same_error(ring: KeyRing, content: bytes) -> None:
    """Neither a decoder's nor Python's own."""
    with pytest.raises(Unsigned, match="no work order of ours"):
        opened(KEY, content, ring)


@pytest.fixture
def store(new_store: Callable[..., Connection]) -> Connection:
    """An empty bucket."""
    return new_store()


def scored(store: Connection, sha: str, last_s: float) -> Any:
    """A scored file of ours: its rows."""
    rows = pd.DataFrame({"load": np.arange(4.0) + last_s})
    keys = tuple(f"{sha}{i}" for i in range(4))
    seconds, sources = last_s - np.arange(4.0)[::-1], np.full(4, "m", object)
    batch = Batch(rows, None, "2nd_test", keys, keys, (2, 3, 4, 5), sources, seconds)
    done, file = (
        Scored(rows, rows["load"].to_numpy(), np.zeros(4, bool)),
        InputFile(Path(f"{sha}.csv"), "simulated", sha256=sha * 16),
    )
    kept = whole_rows(batch, done, done.alarm, done.alarm)
    moment = f"2026-01-01T00:00:{int(last_s):02}+00:00"
    write(store, manifest_of("nasa", file, batch, kept, "model", 1, moment), kept, done.features, lambda: None)
    return rows


def said_of(caplog: pytest.LogCaptureFixture, read: Callable[[], Any]) -> tuple[Any, str]:
    """What was read, and what was said meanwhile."""
    caplog.clear()
    with caplog.at_level(logging.INFO, "gauntlet"):
        return read(), caplog.text


def test_a_work_order_that_is_not_ours_steers_nothing(store: Connection, caplog: pytest.LogCaptureFixture) -> None:
    """A forged one, and a good one that was copied to another gauntlet: said by name, the rest counts."""
    mine = Event("press-7", "", 10.0, "repaired", "1")
    maintenance.keep(store, "nasa", mine)
    [item] = store.s3().list_objects_v2(Bucket=store.bucket, Prefix="maintenance/")["Contents"]
    copied = item["Key"].replace("nasa", "xjtu")
    good = store.s3().get_object(Bucket=store.bucket, Key=item["Key"])["Body"].read()
    put(store, copied, good)
    put(store, "maintenance/nasa/0000000099.000-forged.json", json.dumps({**vars(mine), "at_s": 99.0}).encode())
    events, said = said_of(caplog, lambda: maintenance.events(store, "nasa"))
    assert events == (mine,)
    assert "maintenance/nasa/0000000099.000-forged.json: no work order of ours" in said
    events, said = said_of(caplog, lambda: maintenance.events(store, "xjtu"))
    assert events == ()
    assert copied in said


def test_a_manifest_and_rows_that_are_not_ours_count_for_nothing(
    store: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    """A manifest moved to another place, one by hand; rows that are not those that were scored are refused."""
    rows = scored(store, "aaaa", 1.0)
    [mine] = manifests(store, "nasa")
    assert rows_of(store, mine)["load"].tolist() == rows["load"].tolist()
    text = store.s3().get_object(Bucket=store.bucket, Key=f"{mine.prefix}/manifest.json")["Body"].read()
    put(store, "scores/nasa/moved/manifest.json", text)
    put(store, "scores/nasa/by-hand/manifest.json", json.dumps({"gauntlet": "nasa"}).encode())
    found, said = said_of(caplog, lambda: list(manifests(store, "nasa")))
    assert found == [mine]
    assert "scores/nasa/moved/manifest.json" in said
    assert "scores/nasa/by-hand/manifest.json" in said
    put(store, f"{mine.prefix}/rows.parquet", b"PAR1 of somebody else's")
    with pytest.raises(Altered, match=f"{mine.prefix}/rows.parquet was changed since aaaa.csv was scored"):
        rows_of(store, mine)


def test_predictions_that_are_not_ours_are_refused(store: Connection) -> None:
    """Their digest stands in the manifest, under its MAC."""
    scored(store, "aaaa", 1.0)
    [mine] = manifests(store, "nasa")
    assert predictions_of(store, mine)["_score"].tolist() == [1.0, 2.0, 3.0, 4.0]
    put(store, f"{mine.prefix}/predictions.parquet", b"PAR1 of somebody else's")
    with pytest.raises(Altered, match=f"{mine.prefix}/predictions.parquet was changed since aaaa.csv was scored"):
        predictions_of(store, mine)


def test_altered_rows_are_left_out_by_name_and_the_others_are_read(
    store: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    """Counted and said; and those that are gone."""
    for sha in ("aaaa", "bbbb", "cccc"):
        scored(store, sha, 4.0)
    first, second, third = manifests(store, "nasa")
    put(store, f"{first.prefix}/rows.parquet", b"PAR1 of somebody else's")
    remove(store, f"{third.prefix}/rows.parquet")
    found, said = said_of(caplog, lambda: unaltered(store, [first, second, third]))
    assert [one.sha256 for one, _ in found] == [second.sha256]
    assert f"{first.prefix}/rows.parquet was changed since aaaa.csv was scored" in said
    assert f"{third.prefix}/rows.parquet is gone since cccc.csv was scored" in said
    assert "2 of 3 scored files are left out" in said


def test_scoring_goes_on_from_the_newest_state_that_is_ours(
    store: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    """A forged one in its place is passed over, and one that does not cover what is there."""
    scored(store, "aaaa", 10.0)
    first = fed(manifests(store, "nasa"), "2nd_test")
    keep(store, "nasa", "2nd_test", first, State(10.0, {"level": 1.0}), lambda: None)
    scored(store, "bbbb", 20.0)
    both = fed(manifests(store, "nasa"), "2nd_test")
    keep(store, "nasa", "2nd_test", both, State(20.0, {"level": 2.0}), lambda: None)
    newest = lambda own: state_before(store, "nasa", "2nd_test", own, np.inf).memory  # noqa: E731
    assert (newest(first), newest(both)) == ({"level": 1.0}, {"level": 2.0})
    assert newest(both[1:]) == {}
    key = keys(store, "memories/nasa/2nd_test/")[-1][0]
    put(store, key, b'{"level": 666}')
    memory, said = said_of(caplog, lambda: newest(both))
    assert memory == {"level": 1.0}
    assert f"{key}: no memory of ours" in said


def test_a_verdict_that_is_not_ours_is_no_earlier_verdict(store: Connection) -> None:
    """What a drift check recalls."""
    put_document(store, "drift/nasa/1.json", {"key": "1", "drifted": False})
    put(store, "drift/nasa/2.json", b'{"key": "2", "drifted": true}')
    assert listed(store, "drift/nasa/") == [{"key": "1", "drifted": False}]
