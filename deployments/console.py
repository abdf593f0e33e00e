"""A result on the terminal: the table, the verdict, and where to look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.table import Table
from rich.text import Text

from tasks.report.result import format_metric, ordered_rows, shown_metrics
from tasks.result import GauntletResult

LEFT_TO_REPORT = frozenset({"accuracy", "mcc"})


def _shared_start(names: Sequence[str]) -> str:
    """What all names begin with, up to and with an underscore, so that the table shows what differs."""
    first, last = min(names), max(names)
    same = next((place for place, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), 0)
    return first[: first.rfind("_", 0, same) + 1]


def results_table(result: GauntletResult) -> Table:
    """Candidates, best first, then baselines; the primary metric with its interval. Says whether data are simulated."""
    rows = ordered_rows(result)
    metrics = tuple(metric for metric in shown_metrics(rows) if metric not in LEFT_TO_REPORT)
    prefix = _shared_start([row.name for row in result.candidates]) if result.candidates else ""
    leaked = " · LEAKED, not a result" if result.leakage.leaked else ""
    table = Table(
        title=f"{result.gauntlet} · {result.source} data{leaked}", title_justify="left", box=None, pad_edge=False
    )
    table.add_column(f"{prefix}…" if prefix else "model", no_wrap=True)
    for metric in metrics:
        table.add_column(metric, justify="right", no_wrap=True)
    for row in rows:
        style = "bold" if row.name == result.best else "dim" if row in result.baselines else ""
        cells = [format_metric(row, metric, interval=metric == result.primary_metric) for metric in metrics]
        table.add_row(row.name.removeprefix(prefix), *cells, style=style)
    return table


def summary(result: GauntletResult, urls: Mapping[str, str]) -> Text:
    """Verdict, findings, versions, timings and addresses, a line each."""
    lines = ["", *result.verdict]
    lines += [f"audit: {finding}" for finding in result.leakage.findings]
    held = [f"{one.name} v{one.version} ({', '.join(one.aliases)})" for one in result.registered if one.aliases]
    lines.append(f"registered: {len(result.registered)} versions" + (f"; {'; '.join(held)}" if held else ""))
    steps = sorted(((v, k) for k, v in result.timings_s.items() if k not in ("total", "orchestration")), reverse=True)
    slowest = ", ".join(f"{name} {seconds:.1f}" for seconds, name in steps[:4])
    timings = result.timings_s
    lines.append(f"time: {timings['total']:.1f} s, of which {slowest}, orchestration {timings['orchestration']:.1f}")
    lines.append(f"report: {result.report}")
    lines += [f"{name}: {url}" for name, url in urls.items()]
    return Text("\n".join(lines))
