"""A stack of its own for the matrix, in a folder that is removed at the end."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from gauntlet.datasets.errors import BadInput
from gauntlet.deployments.selftest.matrix import FAULTS, ROWS, Fault, FlowRow
from gauntlet.deployments.selftest.run import Report

_USERS_OWN = ("GAUNTLET_", "PREFECT_", "MLFLOW_", "AWS_")


def session(flows: Sequence[str], faults: Sequence[str], without: Sequence[str], *, whole: bool, day: int) -> Report:
    """The matrix of these flows and faults; all flows and the standing and rotating faults where none is named.

    Raises:
        BadInput: there is no such flow, fault or fence.
        ServiceDown: a server of the stack does not start.
    """
    from gauntlet.deployments.selftest.mutants import FENCES

    rows = {row.name: row for row in ROWS}
    for given, known, what in ((flows, rows, "flow"), (faults, FAULTS, "fault"), (without, FENCES, "fence")):
        for name in given:
            if name not in known:
                raise BadInput(None, f"there is no {what} {name!r}", expected=", ".join(known))
    with tempfile.TemporaryDirectory(prefix="gauntlet-selftest-", ignore_cleanup_errors=True) as folder:
        _forget_the_users(Path(folder))
        chosen = [rows[name] for name in flows or rows]
        named = [FAULTS[name] for name in (FAULTS if whole else faults)]
        return _walk(Path(folder), chosen, named, tuple(without), day)


def _forget_the_users(folder: Path) -> None:
    """No server, key or setting of the user's own is reached from here on."""
    from gauntlet.deployments.stack.services import some_free_port
    from gauntlet.tasks.runtime.settings import settings

    for name in list(os.environ):
        if name.startswith(_USERS_OWN) and not name.startswith("PREFECT_LOGGING_"):
            del os.environ[name]
    os.chdir(folder)
    os.environ["GAUNTLET_HOME"] = str(folder / "home")
    for service in ("S3", "MLFLOW", "PREFECT"):
        os.environ[f"GAUNTLET_{service}_PORT"] = str(some_free_port(grpc=service == "S3"))
    settings.cache_clear()


def _walk(folder: Path, rows: Sequence[FlowRow], faults: Sequence[Fault], without: tuple[str, ...], day: int) -> Report:
    from gauntlet.deployments.selftest.plant import build
    from gauntlet.deployments.selftest.run import walk
    from gauntlet.deployments.stack import session_stack
    from gauntlet.tasks.registry.keys import make_key
    from gauntlet.tasks.runtime.connection import resolve
    from gauntlet.tasks.runtime.settings import settings

    cfg = settings()
    with session_stack(cfg, say=lambda _: None) as urls:
        connection = resolve(cfg, blocks=False)
        connection.export()
        make_key(cfg.key_file)
        plant = build(cfg, connection, urls, folder / "plant", without)
        try:
            return walk(plant, rows, faults, day)
        finally:
            for gateway in plant.gateways.values():
                gateway.close()
