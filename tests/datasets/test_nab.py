"""NAB's machine temperature: its layout is read, the windows are the official ones, bad files are one line."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pandas as pd
import pytest

from gauntlet.datasets import nab
from gauntlet.datasets.errors import BadInput


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "labels").mkdir()
    (tmp_path / "data" / nab.FILE).write_text("timestamp,value\n2013-12-02 21:15:00,73.9\n2013-12-02 21:20:00,74.9\n")
    windows = {nab.KEY: [["2013-12-02 21:20:00.000000", "2013-12-02 21:25:00.000000"]]}
    (tmp_path / "labels" / nab.WINDOWS).write_text(json.dumps(windows))
    return tmp_path


def test_table_and_windows_are_read(folder: Path) -> None:
    """Times, values and the window as they are in the files."""
    read = nab.read(folder)
    assert read.values.tolist() == [73.9, 74.9]
    assert read.windows == ((pd.Timestamp("2013-12-02 21:20"), pd.Timestamp("2013-12-02 21:25")),)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("time,value\n", "other columns"),
        ("timestamp,value\n2013-12-02,hot\n", "line 2, column 'value'"),
        ("timestamp,value\nnoon,1\n", "line 2, column 'timestamp'"),
        ("timestamp,value\n2013-12-02,1\n2013-12-01,1\n", "line 3: time goes backwards"),
    ],
)
def test_a_bad_table_is_one_line(folder: Path, rows: str, told: str) -> None:
    """Which file, which line."""
    (folder / "data" / nab.FILE).write_text(rows)
    with pytest.raises(BadInput, match=told):
        nab.read(folder)


def test_missing_files_and_windows_are_named(folder: Path) -> None:
    """No windows for this file, then no file of windows."""
    (folder / "labels" / nab.WINDOWS).write_text("{}")
    with pytest.raises(BadInput, match="no official windows"):
        nab.read(folder)
    (folder / "labels" / nab.WINDOWS).unlink()
    with pytest.raises(BadInput, match="does not hold one combined_windows"):
        nab.read(folder)


@pytest.mark.skipif("GAUNTLET_DATA_DIR" not in os.environ, reason="GAUNTLET_DATA_DIR is not set")
def test_the_published_file() -> None:
    """22,695 readings, four windows, the published hash."""
    read = nab.read(Path(os.environ["GAUNTLET_DATA_DIR"]) / "nab")
    assert len(read.values) == 22_695
    assert len(read.windows) == 4
    assert [last - first + 1 for first, last in read.window_rows] == [567] * 4  # a tenth of the file over four windows
    assert read.probation == 750
    assert read.sha256 == nab.SPEC.files[0].sha256
