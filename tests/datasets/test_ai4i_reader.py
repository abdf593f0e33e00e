"""The reader takes the file however it was re-saved, and answers every bad one with a line that says where."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gauntlet.datasets import ai4i
from gauntlet.datasets.errors import BadInput

HEADER = ",".join(ai4i.SPEC.columns)
MINIMAL = [ai4i.SPEC.target, *ai4i.SPEC.features]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ai4i.simulate(tmp_path_factory.mktemp("ai4i"), seed=7, rows=400)


@pytest.fixture(scope="module")
def text(original: Path) -> str:
    return original.read_text(encoding="utf-8-sig")  # universal newlines


@pytest.fixture(scope="module")
def frame(original: Path) -> pd.DataFrame:
    return ai4i.read(original).frame


def resaved(text: str, separator: str = ",", decimal: str = ".", **pandas: object) -> str:
    from io import StringIO

    return pd.read_csv(StringIO(text)).to_csv(sep=separator, decimal=decimal, **{"index": False} | pandas)


def renamed(text: str, rename: Callable[[str], str]) -> str:
    header, rows = text.split("\n", 1)
    return ",".join(rename(name) for name in header.split(",")) + "\n" + rows


def snake(name: str) -> str:
    return re.sub(r"\W+", "_", name.lower()).strip("_")


RESAVES: dict[str, Callable[[str], bytes]] = {
    "as published": lambda t: t.replace("\n", "\r\n").encode("utf-8-sig"),
    "no byte-order mark": lambda t: t.encode(),
    "carriage returns only": lambda t: t.replace("\n", "\r").encode(),
    "doubled carriage returns": lambda t: t.replace("\n", "\r\r\n").encode(),
    "no newline at the end": lambda t: t.rstrip("\n").encode(),
    "blank lines": lambda t: ("\n" + t.replace("\n", "\n\n") + "\n\n").encode(),
    "tab": lambda t: resaved(t, "\t").encode(),
    "semicolon": lambda t: resaved(t, ";").encode(),
    "bar": lambda t: resaved(t, "|").encode(),
    "semicolon, decimal comma": lambda t: resaved(t, ";", ",").encode(),
    "tab, decimal comma, UTF-16": lambda t: resaved(t, "\t", ",").encode("utf-16"),
    "UTF-16 little-endian, no mark": lambda t: t.encode("utf-16-le"),
    "UTF-16 big-endian, no mark": lambda t: t.encode("utf-16-be"),
    "sep= line": lambda t: ("sep=;\r\n" + resaved(t, ";", ",")).encode(),
    "all quoted": lambda t: resaved(t, quoting=1).encode(),
    "all quoted, semicolon, decimal comma": lambda t: resaved(t, ";", ",", quoting=1).encode(),
    "a space after the comma": lambda t: resaved(t, quoting=1).replace(",", ", ").encode(),
    "running number": lambda t: resaved(t, index=True).encode(),
    "numbers with more digits": lambda t: re.sub(r"(\d\.\d),", r"\g<1>00,", t).encode(),
    "whole numbers as floats, flags as words": lambda t: re.sub(
        r",0\n", ",False\n", t.replace(",0,", ",0.0,")
    ).encode(),
    "no units": lambda t: renamed(t, lambda n: n.split(" [")[0]).encode(),
    "snake case": lambda t: renamed(t, snake).encode(),
    "snake case, no units": lambda t: renamed(t, lambda n: snake(n.split(" [")[0])).encode(),
    "upper case": lambda t: renamed(t, str.upper).encode(),
    "camel case": lambda t: renamed(t, lambda n: n.split(" [")[0].title().replace(" ", "")).encode(),
    "round brackets": lambda t: renamed(t, lambda n: n.replace("[", "(").replace("]", ")")).encode(),
    "brackets made underscores": lambda t: renamed(t, lambda n: re.sub(r"[\[\]]", "_", n)).encode(),
    "spaces around names": lambda t: renamed(t, lambda n: f" {n} ").encode(),
    "target called Target": lambda t: t.replace("Machine failure", "Target").encode(),
    "lower-case types": lambda t: re.sub(",([LMH]),", lambda m: m.group().lower(), t).encode(),
}


@pytest.mark.parametrize("how", RESAVES)
def test_a_resaved_file_reads_as_the_original(how: str, text: str, frame: pd.DataFrame, tmp_path: Path) -> None:
    """Same values, names, order and dtypes, to the last bit."""
    (tmp_path / "mine.csv").write_bytes(RESAVES[how](text))
    pd.testing.assert_frame_equal(ai4i.read(tmp_path / "mine.csv").frame, frame, check_exact=True)


def test_columns_in_another_order_come_back_in_the_published_one(
    text: str, frame: pd.DataFrame, tmp_path: Path
) -> None:
    shuffled = frame[frame.columns[::-1]]
    shuffled.to_csv(tmp_path / "a.csv", index=False)
    pd.testing.assert_frame_equal(ai4i.read(tmp_path).frame, frame)


def test_dtypes_do_not_depend_on_the_file(frame: pd.DataFrame) -> None:
    """Speeds are whole numbers in this file and may not be in the next: a model's signature is the same for both."""
    measured = ai4i.SPEC.features[1:]
    assert all(frame[name].dtype == np.float64 for name in measured)
    flags = (ai4i.SPEC.target, *ai4i.SPEC.consequences, "UDI")
    assert all(frame[name].dtype == np.int64 for name in flags)
    assert frame["Type"].dtype == "str"


def test_the_users_file_may_lack_identifiers_and_modes(frame: pd.DataFrame, tmp_path: Path) -> None:
    frame[MINIMAL].to_csv(tmp_path / "press4.csv", index=False)
    read = ai4i.read(tmp_path)
    assert list(read.frame) == [*ai4i.SPEC.features, ai4i.SPEC.target]
    assert read.path.name == "press4.csv"
    assert not read.published
    pd.testing.assert_frame_equal(read.features, frame[list(ai4i.SPEC.features)])


def test_another_publishers_failure_type_is_left_out_and_said(frame: pd.DataFrame, tmp_path: Path) -> None:
    kaggle = frame.drop(columns=list(ai4i.SPEC.consequences)).rename(columns={"Machine failure": "Target"})
    kaggle.assign(**{"Failure Type": "No Failure"}).to_csv(tmp_path / "predictive_maintenance.csv", index=False)
    read = ai4i.read(tmp_path)
    assert read.ignored == ("Failure Type",)
    assert list(read.frame) == [*ai4i.SPEC.identifiers, *ai4i.SPEC.features, ai4i.SPEC.target]


def test_rows_to_be_scored_need_no_label(frame: pd.DataFrame, tmp_path: Path) -> None:
    frame[list(ai4i.SPEC.features)].to_csv(tmp_path / "new.csv", index=False)
    assert list(ai4i.read(tmp_path, labelled=False).frame) == list(ai4i.SPEC.features)
    with pytest.raises(BadInput, match="missing column 'Machine failure'"):
        ai4i.read(tmp_path)
    frame[MINIMAL].assign(**{"Machine failure": 0}).to_csv(tmp_path / "new.csv", index=False)
    assert ai4i.read(tmp_path, labelled=False).target.sum() == 0


def test_a_table_longer_than_one_piece_is_one_table(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gauntlet.datasets.io import table_file

    (tmp_path / "a.csv").write_text(text)
    whole = ai4i.read(tmp_path).frame
    monkeypatch.setattr(table_file, "PIECE", 37)
    pd.testing.assert_frame_equal(ai4i.read(tmp_path).frame, whole)


def cell(line: int, column: str, value: str) -> Callable[[str], str]:
    """The text with one cell replaced; line 1 is the header."""

    def change(text: str) -> str:
        lines = text.split("\n")
        cells = lines[line - 1].split(",")
        cells[HEADER.split(",").index(column)] = value
        lines[line - 1] = ",".join(cells)
        return "\n".join(lines)

    return change


def line_replaced(number: int, by: Callable[[str], str]) -> Callable[[str], str]:
    return lambda text: "\n".join(by(t) if n == number else t for n, t in enumerate(text.split("\n"), 1))


AIR, PROCESS, SPEED, TORQUE = ai4i.SPEC.features[1:5]
# what is done to the text -> (line, column, further words of the message)
BAD_TEXT: dict[str, tuple[Callable[[str], str], int | None, str | None, str]] = {
    "text in a number column": (cell(77, TORQUE, "n.n."), 77, TORQUE, "text in a column of numbers, saw 'n.n.'"),
    "an underscore in a number": (cell(9, SPEED, "1_500"), 9, SPEED, "saw '1_500'"),
    "NaN": (cell(3, AIR, "NaN"), 3, AIR, "empty cell, saw 'NaN'"),
    "infinite": (cell(3, AIR, "-inf"), 3, AIR, "not a finite number, saw '-inf'"),
    "overflow": (cell(3, SPEED, "1e999"), 3, SPEED, "not a finite number"),
    "empty cell": (cell(401, SPEED, ""), 401, SPEED, "empty cell; expected a number"),
    "empty identifier": (cell(5, "Product ID", " "), 5, "Product ID", "empty cell"),
    "empty type": (cell(5, "Type", ""), 5, "Type", "empty cell; expected L or M or H"),
    "unknown type": (cell(12, "Type", "X"), 12, "Type", "saw 'X'; expected L or M or H"),
    "label 2": (cell(8, "Machine failure", "2"), 8, "Machine failure", "saw '2'; expected 0 or 1"),
    "label in words": (cell(8, "Machine failure", "yes"), 8, "Machine failure", "saw 'yes'; expected 0 or 1"),
    "mode 0.5": (cell(8, "HDF", "0.5"), 8, "HDF", "saw '0.5'; expected 0 or 1"),
    "an identifier past counting": (cell(8, "UDI", "1e300"), 8, "UDI", "expected a whole number"),
    "fractional identifier": (cell(8, "UDI", "7.5"), 8, "UDI", "expected a whole number"),
    "Celsius": (cell(2, AIR, "25.1"), 2, AIR, "saw '25.1'; expected 200 to 400. This looks like degrees Celsius"),
    "negative torque": (cell(4, TORQUE, "-3"), 4, TORQUE, "implausible value, saw '-3'"),
    "a decimal comma among points": (cell(6, TORQUE, '"40,1"'), 6, TORQUE, "expected a number with a decimal point"),
    "last line cut off": (lambda t: t.rstrip("\n").rsplit(",", 6)[0], 401, "Machine failure", "cut off"),
    "last line cut in its first cell": (lambda t: t.rstrip("\n").rsplit("\n", 1)[0] + "\n40", 401, "Product ID", "cut"),
    "a line too short": (line_replaced(50, lambda t: t[: t.index(",")]), 50, "Product ID", "1 columns; expected 14"),
    "a line too long": (line_replaced(50, lambda t: t + ",0"), 50, None, "saw 15 columns; expected 14"),
    "a quotation mark left open": (line_replaced(50, lambda t: '"' + t), 50, None, "quotation mark"),
    "missing columns": (lambda t: resaved(t, columns=MINIMAL[:-2]), 1, TORQUE, "'Torque [Nm]', 'Tool wear [min]'"),
    "extra columns": (lambda t: renamed(t, lambda n: "Note" if n == "HDF" else n), 1, "Note", "unknown column 'Note'"),
    "a misspelt column": (
        lambda t: renamed(t, lambda n: n.replace("Torque", "Torqe")),
        1,
        TORQUE,
        "Rename 'Torqe [Nm]' to 'Torque [Nm]'",
    ),
    "a column twice": (lambda t: renamed(t, lambda n: "type" if n == "HDF" else n), 1, "Type", "saw 'Type' and 'type'"),
    "another unit": (
        lambda t: renamed(t, lambda n: n.replace(AIR, "Air temperature [°C]")),
        1,
        AIR,
        "saw 'Air temperature [°C]'; expected [K]",
    ),
    "no header": (lambda t: t.split("\n", 1)[1], 1, None, "no known column name"),
    "another table": (lambda _: "date,OT\n2016-07-01,30.5\n", 1, None, "saw 'date,OT'"),
    "header only": (lambda t: t.split("\n")[0] + "\n", 1, None, "no rows under the header"),
    "blank lines only": (lambda _: "\n \n\n", None, None, "blank lines only"),
    "one class only": (
        lambda t: "\n".join(r for r in t.split("\n") if r and not re.search(r",1(,\d){5}$", r)),
        None,
        "Machine failure",
        "every row is 0",
    ),
}


def refused(path: Path) -> str:
    with pytest.raises(BadInput) as caught:
        ai4i.read(path)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 500
    assert caught.value.exit_status == 2
    return message


@pytest.mark.parametrize("how", BAD_TEXT)
def test_bad_text_is_one_line_with_file_line_and_column(how: str, text: str, tmp_path: Path) -> None:
    change, line, column, words = BAD_TEXT[how]
    file = tmp_path / "press4.csv"
    file.write_text(change(text), encoding="utf-8")
    message = refused(file)
    assert message.startswith(str(file))
    assert line is None or f", line {line}" in message
    assert column is None or f"column {column!r}" in message
    assert words in message


def test_line_numbers_are_those_of_the_file_and_not_of_the_table(text: str, tmp_path: Path) -> None:
    """A `sep=` line, blank lines and cells of two lines move the rows down."""
    lines = cell(5, TORQUE, "much")(text).split("\n")
    lines[2] = lines[2].replace(",M", ',"M\n', 1).replace(",L", ',"L\n', 1).replace(",H", ',"H\n', 1)
    lines[2] = re.sub(r"\n(\d+)", r'\n\1"', lines[2])
    (tmp_path / "a.csv").write_text("sep=,\n\n" + "\n".join(lines))
    assert "line 8, column 'Torque [Nm]'" in refused(tmp_path / "a.csv")


BAD_BYTES = {
    "empty": (b"", "empty (0 bytes)"),
    "zip": (b"PK\x03\x04" + bytes(100), "this is a zip archive"),
    "gzip": (b"\x1f\x8b\x08" + bytes(100), "gzip"),
    "noise": (bytes(range(256)) * 40, "not text"),
    "not UTF-16 in the end": (b"\xff\xfe" + "Type".encode("utf-16-le") + b"\x00\xd8", "not text"),
    "zeros at the end": ((HEADER + "\n1,M1,M").encode() + bytes(500), "line 2: this is not text, saw byte 0x00"),
}


@pytest.mark.parametrize("how", BAD_BYTES)
def test_what_is_not_text_is_named(how: str, tmp_path: Path) -> None:
    content, words = BAD_BYTES[how]
    file = tmp_path / "ai4i2020.csv"
    file.write_bytes(content)
    message = refused(tmp_path)
    assert message.startswith(str(file))
    assert words in message


def test_places_without_a_table_are_named(tmp_path: Path, text: str) -> None:
    assert "there is no such file" in refused(tmp_path / "nowhere" / "ai4i2020.csv")
    assert "no table" in refused(tmp_path)
    (tmp_path / "README.md").touch()
    assert f"{tmp_path}: the folder does not hold ai4i2020.csv" in refused(tmp_path)
    (tmp_path / "ai4i2020.csv").mkdir()
    assert f"{tmp_path / 'ai4i2020.csv'}: this is a folder" in refused(tmp_path)
    (tmp_path / "ai4i2020.csv").rmdir()
    for name in ("a.csv", "b.CSV"):
        (tmp_path / name).write_text(text)
    assert "saw a.csv, b.CSV" in refused(tmp_path)


def test_a_file_that_may_not_be_read_is_named(tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "a.csv").write_text(text)
    monkeypatch.setattr(Path, "read_bytes", denied)  # whoever runs as root is never denied
    assert "not permitted" in refused(tmp_path / "a.csv")
