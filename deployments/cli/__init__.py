"""The command line: `gauntlet`. Each module adds its verbs; errors are one line and an exit status."""

from __future__ import annotations

import errno
import os
import signal
import sys
import warnings
from pathlib import Path
from typing import Any

import typer

from gauntlet.datasets.address import one_line
from gauntlet.datasets.errors import GauntletError
from gauntlet.datasets.io.atomic import cannot_write
from gauntlet.deployments.cli import bench, data, keys, loop, run, secrets, selftest, stack, supply
from gauntlet.deployments.entrypoint import read_secret_files
from gauntlet.tasks.runtime.settings import settings

app = typer.Typer(
    name="gauntlet",
    help="Predictive-maintenance model pipelines: trained, judged and registered honestly.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
run.register(app)
loop.register(app)
data.register(app)
stack.register(app)
keys.register(app)
secrets.register(app)
supply.register(app)
bench.register(app)
selftest.register(app)


def main() -> None:
    """Run the command; a known error is one line on standard error and its exit status (1 failed, 2 wrong call or input)."""
    warnings.simplefilter("ignore")  # what a dependency warns of is for its own developers
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    try:
        read_secret_files(os.environ)  # a command that is called in a running container did not come by its entrypoint
        status = app(standalone_mode=False)
    except typer.Abort:
        status = 130
    except KeyboardInterrupt:
        status = 130
    except GauntletError as error:
        print(f"gauntlet: {error}", file=sys.stderr)
        status = error.exit_status
    except typer.Exit as done:
        status = done.exit_code
    except Exception as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            full = cannot_write(Path(error.filename or settings().state), error)
            print(f"gauntlet: {full}", file=sys.stderr)
            sys.exit(1)
        if not hasattr(error, "format_message"):  # a usage error of the command line itself has it
            if os.environ.get("GAUNTLET_TRACEBACK"):
                raise
            print(
                f"gauntlet: {type(error).__name__}: {one_line(error, 4_000)}. "
                "Set GAUNTLET_TRACEBACK=1 for the traceback.",
                file=sys.stderr,
            )
            status = 1
        else:
            usage: Any = error
            usage.show()
            status = 2
    sys.exit(status if isinstance(status, int) else 0)


def _end(number: int, _frame: object) -> None:
    """Told to end, or the terminal was closed: leave by the usual way out, so that no server is left behind."""
    sys.exit(128 + number)
