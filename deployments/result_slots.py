"""Figures of the documentation, filled from the result files in docs/results: `gauntlet run NAME --json docs/results/…`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from gauntlet.tasks.gauntlets import GAUNTLETS
from gauntlet.tasks.report.page import markdown_table
from gauntlet.tasks.report.result import format_metric, ordered_rows
from gauntlet.tasks.result import Row

RESULTS = Path(__file__).resolve().parents[1] / "docs" / "results"
_SLOT = re.compile(r"\{([a-z0-9-]+):([^{}]+?)(?::([^{}:]+))?\}")


def document(name: str) -> dict[str, Any]:
    """The result file of this name."""
    return _read(RESULTS / f"{name}.json")


@lru_cache(maxsize=32)
def _read(file: Path) -> dict[str, Any]:
    return dict(json.loads(file.read_text(encoding="utf-8")))


def rows(name: str) -> tuple[list[Row], list[Row]]:
    """The candidates and the baselines of a result."""
    found = document(name)
    return tuple(  # type: ignore[return-value]
        [Row(one["name"], _known(one["metrics"]), one.get("intervals", {})) for one in found[part]]
        for part in ("candidates", "baselines")
    )


def _known(metrics: Mapping[str, float | None]) -> dict[str, float]:
    """The metrics that have a value: JSON writes null where there is none."""
    return {name: float("nan") if value is None else value for name, value in metrics.items()}


def filled(text: str) -> str:
    """The text with its slots filled: `{FILE:PATH}` or `{FILE:PATH:FORMAT}`.

    PATH is `ROW.METRIC` of a candidate or baseline (`best.METRIC` of the best one), `ROW.METRIC.low` or `.high` of its
    interval, or `/KEY/KEY…` into the document, where a list is entered by its position.

    Raises:
        KeyError: the file has no such figure.
    """

    def value(match: re.Match[str]) -> str:
        file, path, shape = match.groups()
        number = _entry(document(file), path) if path.startswith("/") else _figure(file, path)
        return format(number, shape or ("" if isinstance(number, str) else ".3f"))

    return _SLOT.sub(value, text)


def _entry(found: Any, path: str) -> Any:
    for key in path.strip("/").split("/"):
        found = found[int(key)] if isinstance(found, list) else found[key]
    return found


def _figure(file: str, path: str) -> float:
    by_name = {row.name: row for part in rows(file) for row in part}
    name, metric, *end = path.split(".")
    row = by_name[document(file)["best"] if name == "best" else name]
    return row.intervals[metric][("low", "high").index(end[0])] if end else row.metrics[metric]


def result_table(name: str, metrics: Sequence[str], most: int = 12) -> str:
    """Candidates, best first and in bold, then baselines, by the named metrics, with intervals of the primary one."""
    found = document(name)
    candidates, baselines = rows(name)
    lines = []
    for row in ordered_rows(candidates, baselines, found["primary_metric"])[:most]:
        cells = [format_metric(row, metric, metric == found["primary_metric"]) for metric in metrics]
        if any(cell != "–" for cell in cells):
            label = f"**`{row.name}`**" if row.name == found["best"] else f"`{row.name}`"
            lines.append((label, *cells))
    return markdown_table(("model", *metrics), lines)


def cell_table(name: str, by: Sequence[str], metric: str, models: Sequence[str]) -> str:
    """A metric by the groups of a result's cells, a column per model."""
    cells = document(name)["cells"]
    groups = dict.fromkeys(
        tuple(str(cell["group"][key]) for key in by) for cell in cells if all(key in cell["group"] for key in by)
    )
    lines = []
    for group in groups:
        found = {
            cell["model"]: cell["metrics"][metric]
            for cell in cells
            if tuple(str(cell["group"].get(key)) for key in by) == group and metric in cell["metrics"]
        }
        lines.append((*group, *(f"{found[model]:.3f}" if model in found else "–" for model in models)))
    return markdown_table((*by, *(f"`{model}`" for model in models)), lines)


# The result file that stands for each gauntlet: of real data where they are at hand.
SHOWN = {
    name: next(f"{name}-{source}" for source in ("real", "simulated") if (RESULTS / f"{name}-{source}.json").exists())
    for name in GAUNTLETS
    if list(RESULTS.glob(f"{name}-*.json"))
}


def summary_table() -> str:
    """One line per gauntlet: its data, its best model by the primary metric, and the naive answer beside it."""
    lines = []
    for name, file in SHOWN.items():
        found = document(file)
        metric = found["primary_metric"]
        candidates, baselines = rows(file)
        best = next(row for row in candidates if row.name == found["best"])
        naive = next((row for row in baselines if metric in row.metrics), None)
        beside = f"{format_metric(naive, metric, interval=False)} (`{naive.name}`)" if naive else "–"
        lines.append((f"`{name}`", found["source"], metric, f"{format_metric(best, metric)} `{best.name}`", beside))
    return markdown_table(("gauntlet", "data", "metric", "best model", "naive"), lines)


def verdict_of(name: str, most: int = 3) -> str:
    """The first sentences of a run's own verdict, as a quotation."""
    return "\n".join(f"> {sentence}" for sentence in document(name)["verdict"][:most])
