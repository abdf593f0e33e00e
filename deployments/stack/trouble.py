"""Why a server cannot be: its port is somebody else's, or the disk is full. In words, with what to do about it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import psutil

from gauntlet.deployments.stack.services import Service, free
from gauntlet.tasks.runtime.settings import Settings

LEAST_BYTES = 16_000_000
LEAST_SHARE = 0.01  # SeaweedFS takes no object where less of the disk is left


def holder(*ports: int) -> str:
    """Who listens at the first of these ports where somebody does, as far as this user may know."""
    for connection in _listening():
        if connection.laddr.port in ports:
            try:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
            except (psutil.Error, ValueError, TypeError):
                break
    return "another program"


def _listening() -> Sequence[psutil._common.sconn]:
    try:
        every = psutil.net_connections("tcp")
        return [connection for connection in every if connection.status == psutil.CONN_LISTEN]
    except psutil.Error:
        return []


def taken(service: Service, port: int) -> str:
    """That a port is in use and by whom; empty when it is free."""
    both = service.ports(port)
    return "" if free(port, service.grpc) else f"port {' or '.join(map(str, both))} is in use by {holder(*both)}"


def full(folder: Path) -> str:
    """That the folder's disk has no room for a server; empty when it has."""
    disk = shutil.disk_usage(folder)
    if disk.free >= max(LEAST_BYTES, LEAST_SHARE * disk.total):
        return ""
    return f"the disk of {folder} is full: {disk.free / 1e6:.0f} MB of {disk.total / 1e6:.0f} MB are free"


def explained(cfg: Settings, service: Service, port: int, otherwise: str, log: Path, *, gone: bool) -> tuple[str, str]:
    """(why, what to do) of a server that did not become well."""
    if gone and (why := taken(service, port)):
        return why, f"end that, or set GAUNTLET_{service.name.upper()}_PORT to a free port, and run `gauntlet up` again"
    if why := full(cfg.state):
        return why, "free space there, or name a folder elsewhere by GAUNTLET_HOME, and run `gauntlet up` again"
    return otherwise, f"see {log}"
