"""One self-contained HTML page: verdict first, then the sections in order. No script, no font, no link to fetch."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

_WORD = re.compile(r"[^\W\d_]|[“\"]")


@dataclass(frozen=True)
class Table:
    """Rows of text under their headings; `strong` are the rows to stand out."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    strong: tuple[int, ...] = ()
    caption: str = ""

    @property
    def wordy(self) -> frozenset[int]:
        """The columns that hold words, to be read from their left edge; figures are compared at their right one."""
        columns = enumerate(zip(*self.rows, strict=False))
        return frozenset(place for place, cells in columns if any(_WORD.match(cell) for cell in cells))


@dataclass(frozen=True)
class Picture:
    """A PNG with what it shows, in words for who cannot see it; a `wide` one takes the width of the page."""

    png: bytes
    alt: str
    wide: bool = False

    @property
    def uri(self) -> str:
        """The picture inside the page itself."""
        return "data:image/png;base64," + base64.b64encode(self.png).decode()


@dataclass(frozen=True)
class Section:
    """A heading, sentences, tables and pictures."""

    title: str
    sentences: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True)
class Page:
    """A report. `source` and `leaked` are shown on top of everything, since they decide what a figure is worth."""

    title: str
    subtitle: str
    source: str
    verdict: tuple[str, ...]
    sections: tuple[Section, ...]
    facts: tuple[tuple[str, str], ...] = field(default=())
    leaked: bool = False


_WITH_INTERVAL = re.compile(r"([-−\d.,]+) (\[[^\[\]]+\])")


def _parted(cell: str) -> tuple[str, str]:
    """("0.90", "[0.88, 0.92]") of "0.90 [0.88, 0.92]"; any other text, a column's "Torque [Nm]" too, stays whole."""
    found = _WITH_INTERVAL.fullmatch(cell)
    return (found[1], found[2]) if found else (cell, "")


def _breakable(name: str) -> Markup:
    """A name such as `false_alarms_per_week` may go over two lines at its underscores where room is short."""
    return Markup("_<wbr>").join(name.split("_"))


def render(page: Page) -> str:
    """The page as HTML; all text is escaped."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["parted"] = _parted
    environment.filters["breakable"] = _breakable
    template = files("gauntlet.tasks.report").joinpath("page.html.j2").read_text(encoding="utf-8")
    return environment.from_string(template).render(page=page)


def markdown_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table as GitHub markdown; a bar or a line break in a cell does not end the cell."""
    lines = [
        "| " + " | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in line) + " |"
        for line in (headings, *rows)
    ]
    return "\n".join([lines[0], "|" + " --- |" * len(headings), *lines[1:]])
