"""AI4I 2020: 10,000 parts of a milling process, six measured columns, and whether the machine failed.

The modes TWF, HDF, PWF, OSF and RNF are consequences of the label, UDI and Product ID name the part: none may be a
feature. The types are 60 / 30 / 10 % L / M / H in the file; its description says 50 / 30 / 20.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.io.atomic import write_whole
from gauntlet.datasets.io.fetch import download
from gauntlet.datasets.io.table_file import TableFile, read_table
from gauntlet.datasets.io.table_header import Column
from gauntlet.datasets.provenance import mark_simulated, provenance
from gauntlet.datasets.simulate import ai4i as generator
from gauntlet.datasets.source import Simulation
from gauntlet.datasets.spec import Provenance, RemoteFile, Table

FILE = "ai4i2020.csv"

SPEC = Table(
    name="ai4i",
    title="AI4I 2020 Predictive Maintenance Dataset",
    homepage="https://archive.ics.uci.edu/dataset/601/ai4i+2020+predictive+maintenance+dataset",
    licence="CC BY 4.0",
    citation=(
        "S. Matzka, Explainable Artificial Intelligence for Predictive Maintenance Applications, "
        "Third International Conference on Artificial Intelligence for Industries (AI4I), 2020, pp. 69-74, "
        "doi:10.1109/AI4I49448.2020.00023"
    ),
    sensor_type="process",
    marker="*.[ct]sv",
    files=(
        RemoteFile(
            name="ai4i2020.zip",
            url="https://archive.ics.uci.edu/static/public/601/ai4i+2020+predictive+maintenance+dataset.zip",
            member=FILE,
        ),
    ),
    target="Machine failure",
    features=(
        "Type",
        "Air temperature [K]",
        "Process temperature [K]",
        "Rotational speed [rpm]",
        "Torque [Nm]",
        "Tool wear [min]",
    ),
    categories={"Type": ("L", "M", "H")},
    consequences=("TWF", "HDF", "PWF", "OSF", "RNF"),
    identifiers=("UDI", "Product ID"),
    rows=10_000,
    sha256="dc6630cd9b1f0f853922fad78a1b6436570d3f1ec863f1dd5c4340ac56bc8a8e",
)

_KELVIN = "this looks like degrees Celsius or Fahrenheit: give kelvin, which is Celsius + 273.15"
_COLUMNS = (
    Column("UDI", "whole", required=False, other_names=("UID", "id")),
    Column("Product ID", "text", required=False),
    Column("Type", "category", values=("L", "M", "H")),
    Column("Air temperature [K]", "number", other_names=("Air temp",), low=200, high=400, unit_hint=_KELVIN),
    Column("Process temperature [K]", "number", other_names=("Process temp",), low=200, high=500, unit_hint=_KELVIN),
    Column("Rotational speed [rpm]", "number", other_names=("Rotation speed",), low=0, high=100_000),
    Column("Torque [Nm]", "number", low=0, high=10_000),
    Column("Tool wear [min]", "number", low=0, high=100_000),
    Column("Machine failure", "flag", other_names=("Target", "Failure")),
    *(Column(mode, "flag", required=False) for mode in SPEC.consequences),
)
# Another publisher's name for the five modes in one column of words; it is as much a consequence as they are.
_IGNORED = ("Failure Type",)


@dataclass(frozen=True)
class AI4I:
    """The table. `frame`: columns of `SPEC.columns` that the file has, in that order, features always all six.

    Type str (L, M, H); the five measured features float64; UDI, label and modes int64; Product ID str. `source` is
    `simulated` for whatever the simulator wrote, also where only the rows remain of it (its mark is in them). `lines`: the
    line of each row in the file.
    """

    frame: pd.DataFrame
    path: Path
    sha256: str
    bytes: int
    rows: int
    source: Provenance
    published: bool
    ignored: tuple[str, ...] = ()
    lines: tuple[int, ...] = ()

    @property
    def features(self) -> pd.DataFrame:
        """The six feature columns, n x 6."""
        return self.frame[list(SPEC.features)]

    @property
    def target(self) -> pd.Series:
        """The label, int64 0 or 1, shape (n,)."""
        return self.frame[SPEC.target]


def read(path: Path, *, labelled: bool = True, content: bytes | None = None) -> AI4I:
    """The table in a file, or in a folder that holds one; the user's own files of this format may lack ids and modes.

    Args:
        labelled: False for rows to be scored: the label may be absent, and may be all 0 or all 1.
        content: the file's bytes, where they were read before.

    Raises:
        BadInput: one line with file, line, column, what was seen, what was expected and what to do.
    """
    file = _file_in(Path(path))
    target = SPEC.target
    columns = [c if labelled or c.name != target else Column(c.name, c.kind, False, c.other_names) for c in _COLUMNS]
    table = read_table(file, columns, _IGNORED, content)
    if labelled and table.frame[target].nunique() < 2:
        only, expected = table.frame[target].iloc[0], "rows of both, 0 and 1"
        do = "add rows of the other kind: nothing can be learnt from one"
        raise BadInput(
            file, f"every row is {only}", column=target, saw=f"{len(table.frame)} rows", expected=expected, do=do
        )
    published = table.sha256 == SPEC.sha256
    source = "real" if published else _source(file, table)
    lines = tuple(table.lines.tolist())
    return AI4I(table.frame, file, table.sha256, table.bytes, len(table.frame), source, published, table.ignored, lines)


def simulate(folder: Path, seed: int = 7, rows: int = 10_000) -> Path:
    """The file `ai4i2020.csv` in `folder`, drawn by the published generator, with the record that it is simulated.

    As the published file: UTF-8 with byte-order mark, CRLF, the same columns and digits. Equal (seed, rows), equal
    bytes. The default draw has 331 failures (published file: 339); see `datasets/simulate/ai4i.py` for what varies between seeds.

    Raises:
        BadInput: `rows` or `seed` out of range, the folder cannot be written, or it holds a file that is not simulated.
    """
    if rows < 2 or seed < 0:
        raise BadInput(None, f"cannot simulate {rows} rows with seed {seed}", expected="rows >= 2 and seed >= 0")
    file = Path(folder) / FILE
    if provenance(file.parent) == "real" and any(file.parent.glob(SPEC.marker)):
        # The record marks a whole folder: it would make simulated files of whatever lies here.
        raise BadInput(file.parent, "the folder holds files that are not simulated", do="name another folder")
    # The record comes first: killed in between, the folder holds nothing rather than a file of unknown origin.
    mark_simulated(file.parent, __name__, generator.VERSION, seed=seed, rows=rows)
    text = generator.draw(seed, rows).to_csv(index=False, lineterminator="\r\n", float_format="%.1f")
    return write_whole(file, text.encode("utf-8-sig"))


def simulation(seed: int = 7, scale: float = 1.0) -> Simulation:
    """The draw of `scale` x 10,000 rows, for `source.locate` to make or to find."""
    rows = max(2, round(scale * (SPEC.rows or 0)))
    return Simulation(f"v{generator.VERSION}-seed{seed}-rows{rows}", lambda folder: simulate(folder, seed, rows))


def fetch(folder: Path, progress: bool = True) -> Path:
    """The published file in `folder`, downloaded from UCI unless it is there, its hash verified.

    Raises:
        WrongHash: the download is not the published file.
        ServiceDown: the publisher does not answer; the message has the address and where to put the file by hand.
        BadInput: the folder cannot be written, or holds other files under these names.
    """
    return download(SPEC.files[0], Path(folder), member_sha256=SPEC.sha256, progress=progress)


def _file_in(path: Path) -> Path:
    """The table's file: `path` itself, or the one table in the folder `path`."""
    if not path.is_dir():
        return path
    named = path / FILE
    if named.is_dir():
        raise BadInput(named, "this is a folder", expected="a file", do="move the file out of the folder of its name")
    if named.exists():
        return named
    tables = sorted(file for file in path.iterdir() if file.suffix.lower() in (".csv", ".tsv") and file.is_file())
    if len(tables) != 1:
        saw = ", ".join(file.name for file in tables[:5]) or "no table"
        do = "name the file itself" if tables else "name the folder that holds it"
        raise BadInput(path, f"the folder does not hold {FILE}", saw=saw, expected=f"{FILE} or one other table", do=do)
    return tables[0]


def _source(file: Path, table: TableFile) -> Provenance:
    if generator.bears_mark(table.frame):
        return "simulated"
    return provenance(file)
