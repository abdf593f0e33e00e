"""A result as a table and as a verdict, for the terminal and for Prefect, the same for every gauntlet."""

from __future__ import annotations

import math
from collections.abc import Sequence

from gauntlet.tasks.report.page import Table, markdown_table
from gauntlet.tasks.result import GauntletResult, Row

# In this order, as far as a gauntlet has them. Cost and errors are in units of their own, the others between -1 and 1.
SHOWN = (
    "pr_auc", "f1", "precision", "recall", "roc_auc", "mcc", "brier", "accuracy", "cost",
    "auc", "pauc", "far", "mar",
    "mase", "mae", "rmse", "mse", "mape", "coverage_80", "coverage_95", "phm_score",
    "lead_time_h", "false_alarms_per_week", "onset_error",
)  # fmt: skip
DIGITS = {"cost": ",.0f", "lead_time_h": ",.1f", "false_alarms_per_week": ".2f"}
LOWER_IS_BETTER = frozenset(
    {"brier", "cost", "far", "mar", "mase", "mae", "rmse", "mse", "mape", "false_alarms_per_week", "onset_error"}
)


def format_metric(row: Row, metric: str, interval: bool = True) -> str:
    """A metric as text, with its 95 % interval where there is one that says something; "–" where there is none."""
    if metric not in row.metrics:
        return "–"
    digits = DIGITS.get(metric, ".3f")
    value = row.metrics[metric]
    if not math.isfinite(value):
        return "–"
    low, high = row.intervals.get(metric, (value, value))
    text = format(value, digits)
    return text if not interval or low == high else f"{text} [{format(low, digits)}, {format(high, digits)}]"


def shown_metrics(rows: Sequence[Row]) -> tuple[str, ...]:
    """The metrics that these rows have, in the order of the table."""
    return tuple(metric for metric in SHOWN if any(metric in row.metrics for row in rows))


def ordered_rows(result: GauntletResult) -> list[Row]:
    """The candidates, best first by the primary metric, then the baselines."""
    sign = 1 if result.primary_metric in LOWER_IS_BETTER else -1

    def place(row: Row) -> float:
        """Rows that the primary metric does not judge come last."""
        value = sign * row.metrics.get(result.primary_metric, float("nan"))
        return value if math.isfinite(value) else float("inf")

    return [*sorted(result.candidates, key=place), *result.baselines]


def results_rows(result: GauntletResult) -> list[dict[str, str]]:
    """The results table as one dictionary per row."""
    rows = ordered_rows(result)
    metrics = shown_metrics(rows)
    return [{"model": row.name, **{metric: format_metric(row, metric) for metric in metrics}} for row in rows]


def results_table(result: GauntletResult, caption: str = "") -> Table:
    """Candidates, best first and marked, then the baselines, in one table."""
    rows = results_rows(result)
    strong = tuple(place for place, row in enumerate(rows) if row["model"] == result.best)
    return Table(tuple(rows[0]), tuple(tuple(row.values()) for row in rows), strong, caption)


def verdict_markdown(result: GauntletResult, link: str) -> str:
    """The verdict as markdown: what the data were, what it is worth, the table, the versions."""
    leaked = " · **leaked, not a result**" if result.leakage.leaked else ""
    rows = results_rows(result)
    table = markdown_table(list(rows[0]), [list(row.values()) for row in rows]) if rows else ""
    versions = markdown_table(
        ["model", "version", "alias"],
        [[one.name, str(one.version), ", ".join(one.aliases) or "–"] for one in result.registered],
    )
    findings = "\n".join(f"- {one.kind} `{one.column}`: {one.detail}" for one in result.leakage.findings)
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
