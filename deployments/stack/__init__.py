"""The local stack: S3, MLflow and Prefect on loopback, their state in `.gauntlet/`, ended by nobody but `down`."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from datasets.errors import ServiceDown
from deployments.stack.process import (
    Record,
    alive,
    last_line,
    read_record,
    start,
    stop,
    wait_until,
    write_record,
)
from deployments.stack.services import PREFECT, QUIET, SERVICES, Service, free, needed, some_free_port
from tasks.connection import resolve
from tasks.settings import Settings, settings

Say = Callable[[str], None]


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
            part for part in (f"{self.name:<8}", f"{self.url:<28}", f"{self.state:<9}", self.detail) if part
        )


def _pid_file(cfg: Settings, service: Service) -> Path:
    return cfg.state / "stack" / f"{service.name}.json"


def _log(cfg: Settings, service: Service) -> Path:
    return cfg.state / "logs" / f"{service.name}.log"


@contextmanager
def _only_one(cfg: Settings) -> Iterator[None]:
    """Hold the home folder's lock: two `up`s at once start one stack."""
    folder = cfg.state / "stack"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _port(cfg: Settings, service: Service) -> int:
    """The port that it had, else the wished one, else any: the first of these that is free."""
    before = read_record(_pid_file(cfg, service))
    for port in ([before.port] if before else []) + [service.wished_port(cfg)]:
        if free(port, service.grpc):
            return port
    return some_free_port(service.grpc)


def _environment(cfg: Settings, service: Service, addresses: Mapping[str, str]) -> dict[str, str]:
    """This process's environment, silenced, with what the service needs; its S3 keys pass here, never on a command line."""
    return {**os.environ, **QUIET, **service.environment(cfg, addresses)}


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
        raise ServiceDown(service.name, record.url, why, f"see {log}")
    say(ServiceStatus(service.name, record.url, "healthy", f"log {_shown(_log(cfg, service))}").line())


def _shown(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def up(cfg: Settings, say: Say = print) -> list[str]:
    """The names of the services that were started; those that are well already are left alone.

    Raises:
        ServiceDown: one did not become healthy; whatever this call started is ended again.
    """
    with _only_one(cfg):
        records = {service: read_record(_pid_file(cfg, service)) for service in needed(cfg)}
        ours = {service: record for service, record in records.items() if record and _well(cfg, service, record)}
        missing = [service for service in records if service not in ours]
        for service in missing:
            if (process := alive(records[service])) is not None:  # it runs, but is not well
                stop(process)
        ports = {service: ours[service].port if service in ours else _port(cfg, service) for service in records}
        addresses = {service.name: service.url(port) for service, port in ports.items()}
        started: dict[Service, Record] = {}
        try:
            for service in missing:
                process = start(
                    service.command(cfg, ports[service]), _environment(cfg, service, addresses), _log(cfg, service)
                )
                record = Record(process.pid, process.create_time(), ports[service], addresses[service.name])
                started[service] = record
                write_record(_pid_file(cfg, service), record)
            for service, record in ours.items():
                say(ServiceStatus(service.name, record.url, "healthy", "was up already").line())
            for service, record in started.items():
                _wait(cfg, service, record, say)
        except BaseException:
            for record in started.values():
                if (process := alive(record)) is not None:
                    stop(process)
            raise
        return [service.name for service in missing]


def _well(cfg: Settings, service: Service, record: Record) -> bool:
    return alive(record) is not None and service.healthy(cfg, record.url)


def down(cfg: Settings, only: list[str] | None = None, say: Say = print) -> list[str]:
    """The names of the services that were ended: only what `up` started, and only if it is still that process."""
    ended = []
    with _only_one(cfg):
        for service in reversed(SERVICES):
            record = read_record(_pid_file(cfg, service))
            process = alive(record)
            if process is None or (only is not None and service.name not in only):
                continue
            stop(process)
            say(ServiceStatus(service.name, record.url if record else "", "stopped").line())
            ended.append(service.name)
    return ended


def status(cfg: Settings) -> list[ServiceStatus]:
    """How each service is, one's own included."""
    own = {"s3": (cfg.own_s3, cfg.s3_endpoint_url or "Amazon S3"), "mlflow": (cfg.own_mlflow, cfg.mlflow_tracking_uri),
           "prefect": (cfg.own_prefect, cfg.prefect_api_url)}  # fmt: skip
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
    """The pages of the servers by name, for the time of a run: the stack is used when it is up, else brought up for it."""
    started = up(cfg, say)
    try:
        yield _connect_process(cfg)
    finally:
        if started:
            down(cfg, only=started, say=lambda _: None)


def _connect_process(cfg: Settings) -> dict[str, str]:
    """Point this process at the servers, before Prefect is imported, and name their pages."""
    record = read_record(_pid_file(cfg, PREFECT))
    api = cfg.prefect_api_url or (f"{record.url}/api" if record else "")
    os.environ.update(QUIET, PREFECT_API_URL=api)
    if not cfg.own_prefect:
        os.environ["PREFECT_HOME"] = str(cfg.state / "prefect")
    settings.cache_clear()
    connection = resolve(cfg, blocks=False)
    return {"Prefect": api.removesuffix("/api"), "MLflow": connection.mlflow_ui or connection.tracking_uri}
