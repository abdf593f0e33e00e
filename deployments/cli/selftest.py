"""`gauntlet selftest`: the faults matrix on servers of its own."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the verb `selftest`."""
    app.command()(selftest)


def selftest(
    whole: Annotated[bool, typer.Option("--all", help="Every fault after every act: over an hour.")] = False,
    flow: Annotated[list[str] | None, typer.Option(help="Only these flows.")] = None,
    fault: Annotated[list[str] | None, typer.Option(help="Only these faults.")] = None,
    without: Annotated[list[str] | None, typer.Option(help="Take this fence away: the test has to fail.")] = None,
    day: Annotated[int | None, typer.Option(help="Which of the rotating faults; by default the date decides.")] = None,
    report: Annotated[
        Path | None, typer.Option("--json", help="Write what was walked and broken to this file.")
    ] = None,
) -> None:
    """Kill, cut off, freeze and starve the loop after each of its acts, and see that nothing is lost and nothing is twice.

    On servers, models and files of its own, in a folder that is removed: the plant's are not touched.
    """
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    from gauntlet.deployments.selftest.session import session

    day = date.today().toordinal() if day is None else day
    done = session(flow or [], fault or [], without or [], whole=whole, day=day)
    for line in done.lines():
        print(line)
    if report:
        report.write_text(json.dumps({"cells": done.cells, "broken": done.broken}))
    if done.broken:
        raise typer.Exit(1)
