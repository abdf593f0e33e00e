"""Signal text is read to the last bit as pandas' round-trip parser reads it, or refused with line and column."""

import io

import numpy as np
import pandas as pd
import pytest

from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.io.signal_text import parse, read_bytes
from gauntlet.datasets.records.snapshot import TextLayout

LAYOUT = TextLayout(columns=3, signal=(2, 0), rows=200)


def _read(tmp_path, text, layout=LAYOUT):
    path = tmp_path / "file.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return parse(read_bytes(path), layout, path)


def _table(rng, form, separator=",", end="\n", rows=200):
    values = rng.standard_normal((rows, 3)) * 10.0 ** rng.integers(-6, 6, (rows, 3))
    return end.join(separator.join(form % v for v in row) for row in values) + end


@pytest.mark.parametrize("form", ["%.3f", "%.6e", "%.15g", "%.17g", "%+.2f", "%d", "%.25f", "%.3E"])
@pytest.mark.parametrize(("separator", "end"), [(",", "\n"), ("\t", "\r\n"), (";", "\n")])
def test_parity_with_pandas_round_trip(tmp_path, form, separator, end):
    """Also forms of more digits than the compiled path can prove exact, which pandas' own way then reads."""
    text = _table(np.random.default_rng(3), form, separator, end)
    truth = pd.read_csv(io.StringIO(text), sep=separator, header=None, float_precision="round_trip")
    got = _read(tmp_path, text)
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got, truth[[2, 0]].to_numpy(np.float64).astype(np.float32).T)


@pytest.mark.parametrize(
    "quirk",
    [
        lambda t: b"\xef\xbb\xbf" + t.encode(),
        lambda t: t.replace(",", " , ").encode(),
        lambda t: t.replace("\n", ",\n").encode(),
        lambda t: t.replace("\n", "\r\n").encode() + b"\r\n\r\n",
        lambda t: t.replace(",", ";").replace(".", ",").encode(),
        lambda t: t[:-1].encode(),
    ],
    ids=["byte-order mark", "spaces", "separator at line end", "blank end", "decimal comma", "no last newline"],
)
def test_quirks_read_as_they_are(tmp_path, quirk):
    """The same numbers whatever the export did to the text."""
    text = _table(np.random.default_rng(4), "%.4f")
    np.testing.assert_array_equal(_read(tmp_path, quirk(text)), _read(tmp_path, text))


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda t: t[: len(t) // 2], "wrong number of columns|cut short"),
        (lambda t: t.replace("\n", ",1\n", 1), "columns"),
        (lambda t: "1,2\n" + t, "columns"),
        (lambda t: "a,1,2\n" + t[t.index("\n") + 1 :], "not a finite number"),
        (lambda t: "nan,1,2\n" + t[t.index("\n") + 1 :], "not a finite number"),
        (lambda t: "1,2,inf\n" + t[t.index("\n") + 1 :], "not a finite number"),
        (lambda t: t + "1,2,3\n", "too many rows"),
        (lambda _: "", "empty"),
        (lambda _: "\n\n", "empty"),
    ],
)
def test_damage_is_named(tmp_path, damage, says):
    """Every kind of damage is refused with its reason, never read as something else."""
    with pytest.raises(BadInput, match=says):
        _read(tmp_path, damage(_table(np.random.default_rng(5), "%.3f")))


def test_missing_header_is_refused(tmp_path):
    """A file without its header would be shifted by a row in silence."""
    with pytest.raises(BadInput, match="header"):
        _read(tmp_path, _table(np.random.default_rng(5), "%.3f"), TextLayout(3, (0, 1, 2), 199, header=True))


@pytest.mark.parametrize("decimals", [1, 3, 5, 6])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("odd", [0.0, 0.02, 0.5])
def test_fixed_shape_rows_and_rows_between_them(tmp_path, decimals, end, odd):
    """Rows of "d.ddd" take a path of their own; a share of rows with two digits before the point must not change it."""
    rng = np.random.default_rng(6)
    values = rng.uniform(-9.99, 9.99, (200, 3)) * np.where(rng.random((200, 1)) < odd, 10, 1)
    text = "".join("\t".join(f"{v:.{decimals}f}" for v in row) + end for row in values)
    truth = pd.read_csv(io.StringIO(text), sep="\t", header=None, float_precision="round_trip")
    np.testing.assert_array_equal(_read(tmp_path, text), truth[[2, 0]].to_numpy(np.float64).astype(np.float32).T)


@pytest.mark.parametrize("wrong", ["/", ":", "x", " ", "-", "+", "\xff", "..", "1.1.1"])
@pytest.mark.parametrize("place", [0, 2, 3, 4])
def test_no_byte_of_a_fixed_shape_field_is_taken_on_trust(tmp_path, wrong, place):
    """Every byte of "1.234" replaced in the middle of the file: refused, or (a sign or space in front) as pandas."""
    good = "1.234\t-5.678\t0.001\n"
    rows = [good] * 200
    rows[100] = ("1.234"[:place] + wrong + "1.234"[place + 1 :]) + good[5:]
    text = "".join(rows).encode("latin-1")
    try:
        truth = float(text.splitlines()[100].split(b"\t")[0])
    except ValueError:
        with pytest.raises(BadInput):
            _read(tmp_path, text)
    else:
        assert _read(tmp_path, text)[1, 100] == np.float32(truth)
