"""The results table of a gauntlet that does not keep the contract yet."""

from __future__ import annotations

from gauntlet.tasks.report.page import Table
from gauntlet.tasks.report.result import results_rows
from gauntlet.tasks.result import GauntletResult


def results_table(result: GauntletResult, caption: str = "") -> Table:
    """Candidates, best first and marked, then the baselines, in one table."""
    rows = results_rows(result)
    strong = tuple(place for place, row in enumerate(rows) if row["model"] == result.best)
    return Table(tuple(rows[0]), tuple(tuple(row.values()) for row in rows), strong, caption)
