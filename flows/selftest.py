"""Kill, cut off, freeze and starve the loop after each of its acts, on servers of its own; every night."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from prefect import flow

from gauntlet.datasets.errors import GauntletError
from gauntlet.tasks.runtime.steps import say


@flow(name="selftest", description=__doc__)
def selftest(options: list[str] | None = None) -> int:
    """How many lines `gauntlet selftest` printed; each is in the run's log.

    Args:
        options: Of the command, such as `--flow score`; empty for every fault after every act.

    Raises:
        GauntletError: something was lost, is there twice, or was left behind; the log says where.
    """
    command = [
        str(Path(sys.executable).with_name("gauntlet")),
        "selftest",
        *(["--all"] if options is None else options),
    ]
    lines = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as running:
        for line in running.stdout or ():
            say(line.rstrip())
            lines += 1
    if running.returncode:
        raise GauntletError(
            f"the selftest ended with status {running.returncode}: the last lines of this log say where"
        )
    return lines
