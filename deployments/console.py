"""A result on the terminal: the table, the verdict, and where to look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.table import Table
from rich.text import Text

from gauntlet.tasks.report.result import format_metric, ordered_rows, shown_metrics
from gauntlet.tasks.result import GauntletResult

LEFT_TO_REPORT = ("accuracy", "mcc")
LEFT_WHEN_NARROW = ("roc_auc", "coverage_80", "brier", "onset_error", "phm_score", "false_alarms_per_week", "precision")
HEADING_WIDTH, GAP = 9, 2


def _shared_start(names: Sequence[str]) -> str:
    """What all names begin with, up to and with an underscore, so that the table shows what differs."""
    first, last = min(names), max(names)
    same = next((place for place, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), 0)
    return first[: first.rfind("_", 0, same) + 1]


def _heading(metric: str) -> str:
    """The name over several lines, so that its column is no wider than its figures."""
    lines = [""]
    for word in metric.replace("_", "_ ").split():
        if lines[-1] and len(lines[-1]) + len(word) > HEADING_WIDTH:
            lines.append("")
        lines[-1] += word
    return "\n".join(lines)


def _width(lines: Sequence[str]) -> int:
    return max(len(line) for text in lines for line in text.splitlines())


def results_table(result: GauntletResult, width: int) -> Table:
    """Candidates, best first, then baselines; the primary metric with its interval. Says whether data are simulated.

    No cell is cut: in a terminal that is too narrow the columns that decide least are left to the report.
    """
    rows = ordered_rows(result.candidates, result.baselines, result.primary_metric)
    prefix = _shared_start([row.name for row in result.candidates]) if result.candidates else ""
    names = [f"{prefix}…" if prefix else "model", *(row.name.removeprefix(prefix) for row in rows)]
    columns = {
        metric: [_heading(metric), *(format_metric(row, metric, metric == result.primary_metric) for row in rows)]
        for metric in shown_metrics(rows)
        if metric not in LEFT_TO_REPORT
    }
    for metric in (*LEFT_WHEN_NARROW, *reversed([*columns])):
        if _width(names) + sum(GAP + _width(column) for column in columns.values()) <= width:
            break
        if metric != result.primary_metric:
            columns.pop(metric, None)
    leaked = " · LEAKED, not a result" if result.leakage.leaked else ""
    table = Table(
        title=f"{result.gauntlet} · {result.source} data{leaked}", title_justify="left", box=None, pad_edge=False
    )
    table.add_column(names[0], no_wrap=True, vertical="bottom")
    for column in columns.values():
        table.add_column(column[0], justify="right", no_wrap=True)
    for place, row in enumerate(rows, start=1):
        if not columns.keys() & row.metrics.keys():
            continue
        style = "bold" if row.name == result.best else "dim" if row in result.baselines else ""
        table.add_row(names[place], *(column[place] for column in columns.values()), style=style)
    return table


def summary(result: GauntletResult, urls: Mapping[str, str]) -> Text:
    """Verdict, findings, versions, timings and addresses, a line each."""
    lines = ["", *result.verdict]
    lines += [f"audit: {finding}" for finding in result.leakage.findings]
    held = [
        f"{version.name} v{version.version} ({', '.join(version.aliases)})"
        for version in result.registered
        if version.aliases
    ]
    lines.append(f"registered: {len(result.registered)} versions" + (f"; {'; '.join(held)}" if held else ""))
    steps = sorted(((v, k) for k, v in result.timings_s.items() if k not in ("total", "orchestration")), reverse=True)
    slowest = ", ".join(f"{name} {seconds:.1f}" for seconds, name in steps[:4])
    timings = result.timings_s
    lines.append(f"time: {timings['total']:.1f} s, of which {slowest}, orchestration {timings['orchestration']:.1f}")
    lines.append(f"report: {result.report}")
    lines += [f"{name}: {url}" for name, url in urls.items()]
    return Text("\n".join(lines))
