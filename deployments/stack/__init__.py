"""The local stack: S3, MLflow and Prefect on loopback, their state in `.gauntlet/`, ended by nobody but `down`."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

from gauntlet.datasets.address import masked, without_login
from gauntlet.datasets.errors import ServiceDown
from gauntlet.deployments.stack.process import (
    MARK,
    Record,
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
from gauntlet.deployments.stack.services import (
    MLFLOW,
    QUIET,
    S3,
    SERVICES,
    Service,
    free,
    needed,
    some_free_port,
)
from gauntlet.deployments.stack.trouble import explained, taken
from gauntlet.tasks.runtime.connection import bypass_proxy, export_prefect, resolve
from gauntlet.tasks.runtime.settings import Settings, private_home, settings

Say = Callable[[str], None]
PORT_PATIENCE_S = 2.0  # a killed server's connections take a moment to go
PATIENCE_S = 15.0  # a server on a busy machine may answer late; ended and started again it would lose work


@dataclass(frozen=True)
class ServiceStatus:
    """One service as `status` finds it. `state`: healthy, unhealthy, stopped, or yours (configured, not ours)."""

    name: str
    url: str
    state: str
    detail: str = ""

    def line(self) -> str:
        """The line that a user sees."""
        return "  ".join(
            part for part in (f"{self.name:<8}", f"{masked(self.url):<28}", f"{self.state:<9}", self.detail) if part
        )


def _pid_file(cfg: Settings, service: Service) -> Path:
    return cfg.state / "stack" / f"{service.name}.json"


def _log(cfg: Settings, service: Service) -> Path:
    return cfg.state / "logs" / f"{service.name}.log"


@contextmanager
def _only_one(cfg: Settings) -> Iterator[None]:
    """Hold the home folder's lock: two `up`s at once start one stack."""
    folder = private_home(cfg) / "stack"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _port(cfg: Settings, service: Service, say: Say) -> int:
    """The port that it had, else the wished one, else any: the first of these that is free. A move is said."""
    before, wished = read_record(_pid_file(cfg, service)), service.wished_port(cfg)
    if before and wait_until(lambda: free(before.port, service.grpc), time.monotonic() + PORT_PATIENCE_S):
        return before.port
    why = taken(service, before.port) if before else ""
    if not free(wished, service.grpc):
        why = taken(service, wished) or why
        wished = some_free_port(service.grpc)
    if why:
        variable = f"GAUNTLET_{service.name.upper()}_PORT"
        say(f"{service.name:<8}  {why}; it gets {wished} instead (choose by {variable})")
    return wished


def _environment(cfg: Settings, service: Service, addresses: Mapping[str, str]) -> dict[str, str]:
    """This process's environment, silenced, with what the service needs; its S3 keys pass here, never on a command line."""
    mark = {MARK: str(_pid_file(cfg, service))}
    return {**os.environ, **QUIET, **mark, **service.environment(cfg, addresses)}


def _wait(cfg: Settings, service: Service, record: Record, say: Say) -> None:
    began = time.monotonic()
    gone = []

    def ready() -> bool:
        if alive(record) is None:
            gone.append(True)
        return bool(gone) or service.healthy(cfg, record.url)

    if not wait_until(ready, began + cfg.service_timeout_s) or gone:
        log = _log(cfg, service)
        why = f"it ended: {last_line(log)}" if gone else f"not healthy after {cfg.service_timeout_s:.0f} s"
        raise ServiceDown(service.name, record.url, *explained(cfg, service, record.port, why, log, gone=bool(gone)))
    say(ServiceStatus(service.name, record.url, "healthy", f"log {_shown(_log(cfg, service))}").line())


def _shown(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def up(cfg: Settings, say: Say = print) -> list[str]:
    """The names of the services that were started; those that are well already are left alone. They stay until `down`.

    Raises:
        ServiceDown: one did not become healthy; whatever this call started is ended again.
    """
    return _bring_up(cfg, say, stay=True)


def _bring_up(cfg: Settings, say: Say, *, stay: bool) -> list[str]:
    bypass_proxy()
    with _only_one(cfg):
        before = {service: read_record(_pid_file(cfg, service)) for service in needed(cfg)}
        well = {service: record for service, record in before.items() if record and _well(cfg, service, record)}
        ports = {service: record.port for service, record in well.items()}
        missing = [service for service in before if service not in well]
        for service in missing:
            stop(*_processes(cfg, service))  # it runs, but is not well
            ports[service] = _port(cfg, service, say)
        if S3 in missing and MLFLOW in well and ((record := before[S3]) is None or record.port != ports[S3]):
            stop(*_processes(cfg, MLFLOW))  # it was told the address at which S3 was
            missing.append(MLFLOW)
            del well[MLFLOW]
        for service, record in well.items():
            say(ServiceStatus(service.name, record.url, "healthy", "was up already").line())
        _start_all(cfg, missing, ports, say)
        names = [service.name for service in missing]
        # Under the lock: else a session that is starting would lend out what `up` was just asked to keep.
        if stay:
            _write_loan(cfg, ())
        elif names:
            _write_loan(cfg, {*_read_loan(cfg), *names})
        return names


def _start_all(cfg: Settings, services: list[Service], ports: Mapping[Service, int], say: Say) -> None:
    """Start the services side by side; all of them are well at the end, or none of them runs."""
    addresses = {service.name: service.url(port) for service, port in ports.items()}
    records = {}
    try:
        for service in services:
            command, log = service.command(cfg, ports[service]), _log(cfg, service)
            process = start(command, _environment(cfg, service, addresses), log)
            records[service] = record_of(process, ports[service], addresses[service.name])
            write_record(_pid_file(cfg, service), records[service])
        for service, record in records.items():
            _wait(cfg, service, record, say)
    except BaseException:
        for service in services:
            stop(*_processes(cfg, service))
        raise


def _processes(cfg: Settings, service: Service) -> list[psutil.Process]:
    """What runs of a service that `up` started: the process of its pid file, and what that left when it was killed."""
    file = _pid_file(cfg, service)
    known = alive(read_record(file))
    return list(dict.fromkeys([*([known] if known else []), *marked(str(file))]))


def _well(cfg: Settings, service: Service, record: Record) -> bool:
    def settled() -> bool:
        return alive(record) is None or service.healthy(cfg, record.url)

    return wait_until(settled, time.monotonic() + PATIENCE_S) and alive(record) is not None


def down(cfg: Settings, only: Iterable[str] | None = None, say: Say = print) -> list[str]:
    """The names of the services that were ended: only what `up` started, and only if it is still that process."""
    with _only_one(cfg):
        return _end(cfg, only, say)


def _end(cfg: Settings, only: Iterable[str] | None, say: Say) -> list[str]:
    wanted = [service for service in SERVICES if only is None or service.name in only]
    running = {service: processes for service in wanted if (processes := _processes(cfg, service))}
    stop(*(process for processes in running.values() for process in processes))
    for service in running:
        record = read_record(_pid_file(cfg, service))
        say(ServiceStatus(service.name, record.url if record else "", "stopped").line())
    return [service.name for service in running]


def status(cfg: Settings) -> list[ServiceStatus]:
    """How each service is, one's own included."""
    own = {
        "s3": (cfg.own_s3, cfg.s3_endpoint_url or "Amazon S3"),
        "mlflow": (cfg.own_mlflow, cfg.mlflow_tracking_uri),
        "prefect": (cfg.own_prefect, cfg.prefect_api_url),
    }
    bypass_proxy()
    found = []
    for service in SERVICES:
        is_own, address = own[service.name]
        if is_own:
            found.append(ServiceStatus(service.name, str(address), "yours"))
        elif service in needed(cfg):
            found.append(_status_of(cfg, service))
    return found


def _status_of(cfg: Settings, service: Service) -> ServiceStatus:
    record = read_record(_pid_file(cfg, service))
    if record is None:
        return ServiceStatus(service.name, "–", "stopped", "run `gauntlet up`")
    if alive(record) is None:
        return ServiceStatus(service.name, record.url, "stopped", "run `gauntlet up`")
    if not service.healthy(cfg, record.url):
        return ServiceStatus(
            service.name, record.url, "unhealthy", f"see {_shown(_log(cfg, service))}; `gauntlet up` mends it"
        )
    return ServiceStatus(service.name, record.url, "healthy", f"log {_shown(_log(cfg, service))}")


@contextmanager
def session_stack(cfg: Settings, say: Say = print) -> Iterator[Mapping[str, str]]:
    """The pages of the servers by name, for the time of a run: the stack is used when it is up, else brought up for it.

    Several runs may share a stack that the first of them brought up: the last one takes it down.
    """
    folder = private_home(cfg) / "stack"
    folder.mkdir(exist_ok=True)
    with (folder / "sessions").open("w") as sessions:
        fcntl.flock(sessions, fcntl.LOCK_SH)
        _bring_up(cfg, say, stay=False)
        try:
            yield _connect_process(cfg)
        finally:
            if _last_of(sessions):
                _return_loan(cfg)


def _return_loan(cfg: Settings) -> None:
    """End what is up for sessions only. Read under the lock: an `up` that came first has emptied the list."""
    with _only_one(cfg):
        if loan := _read_loan(cfg):
            _end(cfg, loan, say=lambda _: None)
            _write_loan(cfg, ())


def _last_of(sessions: IO[str]) -> bool:
    """True when no other session holds the lock; those that begin now wait until this one has ended."""
    fcntl.flock(sessions, fcntl.LOCK_UN)
    try:
        fcntl.flock(sessions, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write_loan(cfg: Settings, names: Iterable[str]) -> None:
    """Remember which services are up for sessions only."""
    file = cfg.state / "stack" / "loan.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(sorted(names)))


def _read_loan(cfg: Settings) -> list[str]:
    try:
        return [str(name) for name in json.loads((cfg.state / "stack" / "loan.json").read_text())]
    except (OSError, ValueError, TypeError):
        return []


def _connect_process(cfg: Settings) -> dict[str, str]:
    """Point this process at the servers, before Prefect is imported, and name their pages."""
    os.environ.update(QUIET)
    api = export_prefect(cfg)
    if not cfg.own_prefect:
        os.environ["PREFECT_HOME"] = str(cfg.state / "prefect")
    settings.cache_clear()
    connection = resolve(cfg, blocks=False)
    pages = {"Prefect": api.removesuffix("/api"), "MLflow": connection.mlflow_ui or connection.tracking_uri}
    return {name: without_login(page) for name, page in pages.items()}
