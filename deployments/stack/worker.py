"""The worker of the local stack: takes scheduled, triggered and requested runs from the work pool."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import NoReturn

import psutil

from gauntlet.datasets.address import masked
from gauntlet.datasets.errors import BadInput, ServiceDown
from gauntlet.deployments.stack.process import (
    MARK,
    alive,
    last_line,
    marked,
    read_record,
    record_of,
    start,
    stop,
    wait_until,
    write_record,
)
from gauntlet.deployments.stack.services import QUIET
from gauntlet.tasks.registry.keys import signing_key
from gauntlet.tasks.runtime.connection import export_prefect
from gauntlet.tasks.runtime.settings import Settings

POOL = "gauntlet"
POLL_S = 2
_READY = "started"


def _file(cfg: Settings) -> Path:
    return cfg.state / "stack" / "worker.json"


def _log(cfg: Settings) -> Path:
    return cfg.state / "logs" / "worker.log"


def up(cfg: Settings, api_url: str) -> psutil.Process:
    """The worker's process, started unless it runs already.

    Raises:
        BadInput: the keys are not there, without which none of its runs could load a model or trust a document.
        ServiceDown: it ended at once; its last words are in the message.
    """
    signing_key(cfg.key_file)
    record = read_record(_file(cfg))
    if (running := alive(record)) is not None and _asks(running) == api_url:
        return running
    down(cfg)
    environment = {
        **os.environ,
        **QUIET,
        MARK: str(_file(cfg)),
        "PREFECT_API_URL": api_url,
        "GAUNTLET_HOME": str(cfg.state),
        "PREFECT_HOME": os.environ.get("PREFECT_HOME", str(cfg.state / "prefect")),
        "PREFECT_WORKER_QUERY_SECONDS": str(POLL_S),
        "PREFECT_LOGGING_LEVEL": "INFO",
    }
    log = _log(cfg)
    before = log.stat().st_size if log.exists() else 0
    command = [
        sys.executable,
        "-P",
        "-m",
        "prefect",
        "worker",
        "start",
        "--pool",
        POOL,
        "--type",
        "process",
        "--name",
        "local",
    ]
    process = start(command, environment, log)
    write_record(_file(cfg), record_of(process, 0, masked(api_url)))

    def settled() -> bool:
        return not process.is_running() or (log.exists() and _READY in log.read_text(errors="replace")[before:].lower())

    wait_until(settled, time.monotonic() + cfg.service_timeout_s, every=0.2)
    if alive(read_record(_file(cfg))) is None:
        raise ServiceDown("the worker", api_url, f"it ended: {last_line(log)}", f"see {log}")
    return process


def _asks(worker: psutil.Process) -> str:
    """The address that a running worker was started with: the record does not hold its password."""
    try:
        return worker.environ().get("PREFECT_API_URL", "")
    except psutil.Error:
        return ""


def take_over(cfg: Settings, *, healthcheck: bool = False) -> NoReturn:
    """Become a worker of the configured Prefect server, in this process, as on a further host or in a container.

    Raises:
        BadInput: the keys are not there, or no Prefect server is known.
    """
    signing_key(cfg.key_file)
    if not export_prefect(cfg):
        raise BadInput(None, "no Prefect server is named", do="set PREFECT_API_URL to the server's API")
    os.environ["PYTHONSAFEPATH"] = "1"  # for its runs, which -P here does not reach
    command = [sys.executable, "-P", "-m", "prefect", "worker", "start", "--pool", POOL, "--type", "process"]
    os.execv(sys.executable, [*command, *(["--with-healthcheck"] if healthcheck else [])])  # noqa: S606


def down(cfg: Settings) -> bool:
    """True when a worker ran; it and the runs that it had under way are ended."""
    known = alive(read_record(_file(cfg)))
    processes = list(dict.fromkeys([*([known] if known else []), *marked(str(_file(cfg)))]))
    stop(*processes)
    _file(cfg).unlink(missing_ok=True)
    return bool(processes)


def line(cfg: Settings) -> str:
    """The worker's line of `gauntlet status`; empty when none was started."""
    record = read_record(_file(cfg))
    if record is None:
        return ""
    state = "healthy" if alive(record) is not None else "stopped"
    return f"{'worker':<8}  {'pool ' + POOL:<28}  {state:<9}  log {_log(cfg)}"
