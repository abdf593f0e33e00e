"""The result document: the keys that were promised, plain JSON, written whole or not at all."""

import dataclasses
import json
import resource
import subprocess
import sys
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest

from gauntlet.datasets.errors import BadInput
from gauntlet.tasks import result as module
from gauntlet.tasks.audit import Finding
from gauntlet.tasks.metrics.catalogue import METRICS
from gauntlet.tasks.report.result import format_metric
from gauntlet.tasks.result import (
    GauntletResult,
    InputSummary,
    Leakage,
    Quarantined,
    Registered,
    Row,
    as_json,
    write_document,
)

PROMISED = {
    "gauntlet", "source", "data_hash", "seed", "protocol", "leakage", "primary_metric", "candidates", "baselines",
    "best", "chosen_on", "champion", "registered", "timings_s", "input", "report",
}  # fmt: skip
RESULT = GauntletResult(
    gauntlet="ai4i",
    source="simulated",
    data_hash="ab" * 32,
    seed=7,
    protocol="one line",
    leakage=Leakage((Finding("post_event", "HDF", "filled in after the event"),), allowed=True),
    primary_metric="pr_auc",
    candidates=(Row("svc", {"pr_auc": 0.9, "f1": 0.8}, {"pr_auc": (0.88, 0.92)}),),
    baselines=(Row("majority", {"pr_auc": 0.03}),),
    best="svc",
    chosen_on="held-out rows of the cross-validation",
    champion="svc",
    registered=(Registered("svc", 3, ("champion",), "s3://bucket/m-1"),),
    timings_s={"load": 0.4, "total": 24.0, "orchestration": 1.9},
    input=InputSummary(1, 10_000, 522_048, quarantined=(Quarantined("x.csv", "cut off"),)),
    report="s3://bucket/report.html",
)


def test_the_document_has_the_promised_keys() -> None:
    """Those of the design, in its nesting; what this gauntlet has no use for is absent."""
    document = RESULT.document()
    assert document.keys() >= PROMISED
    assert document.keys().isdisjoint({"machines", "cells"})
    assert document["leakage"] == {
        "findings": [{"kind": "post_event", "column": "HDF", "detail": "filled in after the event"}],
        "allowed": True,
    }
    assert document["candidates"] == [
        {"name": "svc", "metrics": {"pr_auc": 0.9, "f1": 0.8}, "intervals": {"pr_auc": [0.88, 0.92]}}
    ]
    assert document["registered"] == [
        {"name": "svc", "version": 3, "aliases": ["champion"], "uri": "s3://bucket/m-1"}
    ]  # fmt: skip
    assert document["input"] == {
        "files": 1, "rows": 10_000, "bytes": 522_048, "cached_files": 0,
        "quarantined": [{"file": "x.csv", "reason": "cut off"}],
    }  # fmt: skip


def test_machines_and_cells_appear_where_there_are_any() -> None:
    """The two keys that only some gauntlets have."""
    told = dataclasses.replace(RESULT, machines=({"unit": "bearing 1", "diagnosis": None},), cells=())
    assert told.document()["machines"] == [{"unit": "bearing 1", "diagnosis": None}]
    assert told.document()["cells"] == []


def test_no_champion_is_null() -> None:
    """A reader of `champion` finds the key in every document; a leaked run crowns nobody."""
    assert json.loads(as_json(dataclasses.replace(RESULT, champion=None)))["champion"] is None


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), -float("inf"), np.nan, np.float32("inf"), np.array(np.nan)]
)
def test_what_is_no_number_is_null(value: object) -> None:
    """JSON has neither NaN nor infinity."""
    text = as_json(dataclasses.replace(RESULT, timings_s={"load": value}))
    assert json.loads(text, parse_constant=lambda name: pytest.fail(name))["timings_s"] == {"load": None}


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.str_("x"), "x"),
        (np.array([1.0, np.nan]), [1.0, None]),
        (np.array([[1, 2]]), [[1, 2]]),
        (np.array(2), 2),
        ((1, 2), [1, 2]),
        (Path("a/b"), "a/b"),
        ({1: None}, {"1": None}),
        (True, True),
        (MappingProxyType({"a": np.int8(1)}), {"a": 1}),
        (Row("x", MappingProxyType({"f1": np.float64(1)})), {"name": "x", "metrics": {"f1": 1.0}, "intervals": {}}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_become_plain(value: object, plain: object) -> None:
    """numpy's numbers and arrays, paths, mappings and records become what JSON has."""
    told = json.loads(as_json(dataclasses.replace(RESULT, machines=({"value": value},))))
    assert told["machines"] == [{"value": plain}]


def test_a_result_with_findings_is_leaked() -> None:
    """Only then."""
    assert RESULT.leakage.leaked
    assert not Leakage().leaked


def test_every_metric_can_be_shown() -> None:
    """A figure and its interval are written by the metric's own digits, whichever it is."""
    row = Row("m", dict.fromkeys(METRICS, 1234.5678), dict.fromkeys(METRICS, (1234.5, 1234.6)))
    assert all(format_metric(row, name).startswith(format(1234.5678, one.digits)) for name, one in METRICS.items())


def test_a_written_document_is_the_document(tmp_path: Path) -> None:
    """Read back it is equal, an older one is replaced, and nothing else lies in the folder."""
    file = tmp_path / "out.json"
    file.write_text("old")
    write_document(RESULT, file)
    assert json.loads(file.read_text()) == json.loads(as_json(RESULT))
    assert file.read_text().endswith("}\n")
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("old", [None, "old"])
def test_a_failure_half_way_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str | None) -> None:
    """Killed between the writing and the move: no document, or the old one, and no part of the new one."""
    file = tmp_path / "out.json"
    if old is not None:
        file.write_text(old)
    before = {path.name: path.read_text() for path in tmp_path.iterdir()}

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_document(RESULT, file)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == before


def test_what_cannot_be_told_is_not_written(tmp_path: Path) -> None:
    """A value without a JSON form fails before the file is touched."""
    file = tmp_path / "out.json"
    file.write_text("old")
    with pytest.raises(TypeError):
        write_document(dataclasses.replace(RESULT, machines=({"value": object()},)), file)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"out.json": "old"}


FULL = """
import sys, signal, resource
from pathlib import Path
sys.path.insert(0, {tests!r})
from gauntlet.datasets.errors import BadInput
from gauntlet.tasks.result import GauntletResult, InputSummary, Leakage, write_document
told = GauntletResult("ai4i", "real", "", 7, "x" * 200_000, Leakage(), "f1", (), (), "", "", None, (), {{}}, InputSummary(1, 1, 1), "")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, 65_536))
try:
    write_document(told, Path(sys.argv[1]))
except BadInput as error:
    sys.exit(str(error))
"""


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="no limit on file sizes here")
def test_a_full_disk_is_one_line_and_keeps_the_old_document(tmp_path: Path) -> None:
    """No more than 64 kB can be written of a document of 200 kB."""
    file = tmp_path / "out.json"
    file.write_text("old")
    root = str(Path(module.__file__).parents[1])
    said = subprocess.run(
        [sys.executable, "-c", FULL.format(tests=root), str(file)],
        capture_output=True,
        text=True,
        check=False,
        cwd=root,
    )
    assert said.returncode == 1
    assert "cannot be written" in said.stderr
    assert len(said.stderr.splitlines()) == 1
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"out.json": "old"}


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A file where the folder should be, a folder where the file should be."""
    (tmp_path / "file").write_text("")
    (tmp_path / "folder" / "inside").mkdir(parents=True)
    for place in (tmp_path / "file" / "out.json", tmp_path / "folder"):
        with pytest.raises(BadInput, match="cannot be written"):
            write_document(RESULT, place)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]
