"""A result as a table and as a verdict, for the terminal and for Prefect, the same for every gauntlet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gauntlet.tasks.metrics.catalogue import METRICS
from gauntlet.tasks.report.page import Table, markdown_table
from gauntlet.tasks.result import GauntletResult, Row

if TYPE_CHECKING:
    from gauntlet.tasks.contract import Judgement


def format_metric(row: Row, metric: str, interval: bool = True) -> str:
    """A metric as text, with its 95 % interval where there is one that says something; "–" where there is none."""
    if metric not in row.metrics:
        return "–"
    digits = METRICS[metric].digits
    value = row.metrics[metric]
    if not math.isfinite(value):
        return "–"
    low, high = row.intervals.get(metric, (value, value))
    text = format(value, digits)
    return text if not interval or low == high else f"{text} [{format(low, digits)}, {format(high, digits)}]"


def shown_metrics(rows: Sequence[Row]) -> tuple[str, ...]:
    """The metrics that these rows have, in the order of the table."""
    return tuple(metric for metric in METRICS if any(metric in row.metrics for row in rows))


def ordered_rows(candidates: Sequence[Row], baselines: Sequence[Row], primary_metric: str) -> list[Row]:
    """The candidates, best first by the primary metric, then the baselines."""
    sign = -1 if METRICS[primary_metric].higher_is_better else 1

    def place(row: Row) -> float:
        """Rows that the primary metric does not judge come last."""
        value = sign * row.metrics.get(primary_metric, float("nan"))
        return value if math.isfinite(value) else float("inf")

    return [*sorted(candidates, key=place), *baselines]


def table_rows(rows: Sequence[Row]) -> list[dict[str, str]]:
    """The rows of a results table as one dictionary each."""
    metrics = shown_metrics(rows)
    return [{"model": row.name, **{metric: format_metric(row, metric) for metric in metrics}} for row in rows]


def results_rows(result: GauntletResult) -> list[dict[str, str]]:
    """The results table as one dictionary per row."""
    return table_rows(ordered_rows(result.candidates, result.baselines, result.primary_metric))


def results_table(judgement: Judgement, primary_metric: str, caption: str = "") -> Table:
    """Candidates, best first and marked, then the baselines, in one table."""
    rows = table_rows(ordered_rows(judgement.candidates, list(judgement.baselines.values()), primary_metric))
    strong = tuple(place for place, row in enumerate(rows) if row["model"] == judgement.best)
    return Table(tuple(rows[0]), tuple(tuple(row.values()) for row in rows), strong, caption)


def verdict_markdown(result: GauntletResult, link: str) -> str:
    """The verdict as markdown: what the data were, what it is worth, the table, the versions."""
    leaked = " · **leaked, not a result**" if result.leakage.leaked else ""
    rows = results_rows(result)
    table = markdown_table(list(rows[0]), [list(row.values()) for row in rows]) if rows else ""
    versions = markdown_table(
        ["model", "version", "alias"],
        [[version.name, str(version.version), ", ".join(version.aliases) or "–"] for version in result.registered],
    )
    findings = "\n".join(
        f"- {finding.kind} `{finding.column}`: {finding.detail}" for finding in result.leakage.findings
    )
    return "\n\n".join(
        part
        for part in (
            f"# {result.gauntlet} · {result.source} data{leaked}",
            *result.verdict,
            table,
            f"## Audit\n\n{findings}" if findings else "",
            f"## Registered\n\n{versions}" if result.registered else "",
            f"[Run and report in MLflow]({link})",
        )
        if part
    )
