"""Servers as processes that outlive the command which started them, and pid files that cannot kill a stranger."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from gauntlet.datasets.address import masked
from gauntlet.datasets.io.atomic import write_whole

STOP_TIMEOUT_S = 10.0
LOG_LIMIT_BYTES = 5_000_000
MARK = "GAUNTLET_STARTED_AS"  # in the environment of a server and of its children


@dataclass(frozen=True)
class Record:
    """What a pid file says. A pid is used again after a while or a reboot, so that the moment of birth is kept too.

    `created`: seconds since 1970, which move when the system's clock is set. `born`: which boot, and ticks since then;
    "" where the system does not say.
    """

    pid: int
    created: float
    port: int
    url: str
    born: str = ""


def record_of(process: psutil.Process, port: int, url: str) -> Record:
    """What is to be kept of a process that was just started."""
    return Record(process.pid, process.create_time(), port, url, _born(process.pid))


def _born(pid: int) -> str:
    """The same for a process's whole life, whatever happens to the system's clock."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()} {fields[19]}"
    except (OSError, IndexError):
        return ""


def write_record(file: Path, record: Record) -> None:
    """Write a pid file whole or not at all.

    Raises:
        BadInput: the disk is full, or the folder is closed to us.
    """
    write_whole(file, json.dumps(asdict(record)).encode(), mode=0o600)


def read_record(file: Path) -> Record | None:
    """The record in a pid file; None when there is none or it makes no sense."""
    try:
        return Record(**json.loads(file.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def alive(record: Record | None) -> psutil.Process | None:
    """The very process that the record is about, if it still runs."""
    if record is None:
        return None
    try:
        process = psutil.Process(record.pid)
        if _is_same(process, record) and process.status() != psutil.STATUS_ZOMBIE:
            return process
    except psutil.Error:
        pass
    return None


def _is_same(process: psutil.Process, record: Record) -> bool:
    if record.born and (born := _born(record.pid)):
        return born == record.born
    return abs(process.create_time() - record.created) < 1.0


def marked(mark: str) -> list[psutil.Process]:
    """Every process that was started under this mark: also children that outlived a server which was killed."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):  # another user's, or gone
            continue
    return found


def start(command: Sequence[str], environment: Mapping[str, str], log: Path) -> psutil.Process:
    """A process in a session of its own, its output in the log file, deaf to the terminal's Ctrl-C.

    It and its children, a worker's runs among them, import nothing that lies in the folder where the user stands.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
        log.replace(log.with_suffix(".old.log"))
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as out:
        child = subprocess.Popen(
            list(command),
            env={**environment, "PYTHONSAFEPATH": "1"},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=0o077,  # databases and logs hold keys
            preexec_fn=_default_interrupt,
        )
    child.returncode = 0  # it outlives us, which Popen would warn of
    return psutil.Process(child.pid)


def _default_interrupt() -> None:
    # A shell's background job inherits an ignored SIGINT, and a Prefect server then never stops on SIGTERM.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def stop(*processes: psutil.Process) -> None:
    """End processes and all their children: asked first, forced after ten seconds."""
    family = list(dict.fromkeys(member for process in processes for member in _family(process)))
    sockets = [path for member in family for path in _sockets(member)]
    for member in family:
        _signal(member, signal.SIGTERM)
    _, stubborn = psutil.wait_procs(family, timeout=STOP_TIMEOUT_S)
    for member in stubborn:
        _signal(member, signal.SIGKILL)
    psutil.wait_procs(stubborn, timeout=STOP_TIMEOUT_S)
    for path in sockets:
        path.unlink(missing_ok=True)
    for process in processes:
        _reap(process.pid)


def _sockets(process: psutil.Process) -> list[Path]:
    """SeaweedFS's own in the folder for temporary files, which it leaves behind whoever ends it."""
    try:
        bound = [Path(str(connection.laddr)) for connection in process.net_connections("unix") if connection.laddr]
    except psutil.Error:
        return []
    return [path for path in bound if path.name.startswith("seaweedfs-") and path.suffix == ".sock"]


def _family(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return [process]


def _signal(process: psutil.Process, number: int) -> None:
    try:
        process.send_signal(number)  # psutil checks the birth date again
    except psutil.Error:
        return


def _reap(pid: int) -> None:
    """Collect our own child, so that it does not stay a zombie until we end."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def last_line(log: Path) -> str:
    """The last line of a log that says something, for an error message."""
    try:
        lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    except OSError:
        return ""
    return masked(lines[-1])[-200:] if lines else ""


def wait_until(true: Callable[[], object], deadline: float, every: float = 0.1) -> bool:
    """Poll a function until it returns something true or the deadline (monotonic seconds) has passed."""
    while True:
        if true():
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
