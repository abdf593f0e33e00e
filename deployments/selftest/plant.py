"""What the matrix works on: a champion, rows of a new product to score and learn from, and the servers' addresses."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select

from gauntlet.deployments.selftest import child
from gauntlet.deployments.selftest.child import LIFE, Order
from gauntlet.deployments.selftest.matrix import GAUNTLET
from gauntlet.deployments.selftest.outage import Gateway
from gauntlet.tasks.claims import claims_database
from gauntlet.tasks.registry.aliases import CHALLENGER, CHAMPION, PREVIOUS, Holder, aliases_of, holder
from gauntlet.tasks.runtime.connection import Connection
from gauntlet.tasks.runtime.settings import Settings

LONGEST_S = 120.0  # of one run of a flow, disturbed or not
PRELOAD = [
    f"gauntlet.{name}"
    for name in ("flows.retrain", "flows.promote", "flows.score", "flows.drift_check", "deployments.selftest.mutants")
] + ["lightgbm"]
MARKS = ("succeeds", "rolled_back", "promoted")  # tags that a move leaves on versions


@dataclass
class Plant:
    """The servers, the champion, and children that can be disturbed. `broken`: fences that the build lacks."""

    cfg: Settings
    connection: Connection
    folder: Path
    gateways: Mapping[str, Gateway]
    champion: Holder
    broken: tuple[str, ...] = ()
    context: ForkServerContext = field(default_factory=lambda: _context())
    runs: int = 0
    files: int = 0

    @property
    def engine(self) -> Engine:
        """The claims database."""
        return claims_database(self.cfg)

    @property
    def telemetry(self) -> str:
        """The address of the SQL database that takes predictions."""
        return telemetry_url(self.folder)

    @property
    def names(self) -> tuple[str, ...]:
        """The registered models of the gauntlet."""
        from gauntlet.tasks.gauntlets import named

        return tuple(named(GAUNTLET).registered)

    def start(self, flow: str, parameters: Mapping[str, Any], act: str = "", fault: str = "") -> Running:
        """A flow in a child, to which the fault happens after the act."""
        self.runs += 1
        acts = self.folder / f"acts-{self.runs}"
        acts.touch()
        order = Order(flow, {"gauntlet": GAUNTLET, **parameters}, acts, self._environment(), act, fault, self.broken)
        process = self.context.Process(target=child.run, args=(order,))
        process.start()
        return Running(process, acts)

    def run(self, flow: str, parameters: Mapping[str, Any]) -> Running:
        """A flow that nothing disturbs, at its end."""
        running = self.start(flow, parameters)
        running.join()
        return running

    def _environment(self) -> dict[str, str]:
        """What leads a child to the servers by way of the gateways."""
        kept = {name: value for name, value in os.environ.items() if name.startswith(("AWS_", "MLFLOW_", "PREFECT_"))}
        through = {
            "MLFLOW_TRACKING_URI": self.gateways["mlflow"].url,
            "GAUNTLET_S3_ENDPOINT_URL": self.gateways["s3"].url,
            "MLFLOW_S3_ENDPOINT_URL": self.gateways["s3"].url,
            "PREFECT_API_URL": self.gateways["prefect"].url,
        }
        return {**kept, "GAUNTLET_HOME": str(self.cfg.home), **through}

    def aliases(self, *, challenger: Holder | None = None, previous: Holder | None = None) -> None:
        """The aliases at rest: the first champion, and these; no mark of an earlier move."""
        from mlflow import MlflowClient

        client = MlflowClient()
        for name in self.names:
            for alias in aliases_of(name):
                client.delete_registered_model_alias(name, alias)
            for entry in client.search_model_versions(f"name='{name}'"):
                for tag in set(MARKS) & set(entry.tags):
                    client.delete_model_version_tag(name, entry.version, tag)
        for alias, version in ((CHAMPION, self.champion), (CHALLENGER, challenger), (PREVIOUS, previous)):
            if version is not None:
                client.set_registered_model_alias(version.name, alias, str(version.version))

    def new_file(self) -> Path:
        """A folder with one file of another product that was not scored yet."""
        self.files += 1
        return another_product(self.folder / f"product-{self.files}", seed=100 + self.files)


@dataclass
class Running:
    """A child at work."""

    process: ForkServerProcess
    acts_file: Path

    @property
    def acts(self) -> list[str]:
        """What it did so far."""
        return self.acts_file.read_text().split("\n")[:-1]

    @property
    def signal_file(self) -> Path:
        """There while the child waits for its fault to begin."""
        return self.acts_file.with_suffix(".reached")

    @property
    def ended(self) -> bool:
        """Whether the flow came to its end."""
        return self.process.exitcode == 0

    def join(self) -> None:
        """Wait for its end; one that hangs is killed, and its exit status says so."""
        self.process.join(LONGEST_S)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()


def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOAD)
    return context


def telemetry_url(folder: Path) -> str:
    """A SQLite file that stands for the plant's SQL server."""
    return f"sqlite:///{folder / 'telemetry.db'}"


def another_product(folder: Path, seed: int, rows: int = 400) -> Path:
    """A folder with one simulated file: 9 Nm more torque; failures by the process' own three rules."""
    from gauntlet.datasets import ai4i
    from gauntlet.tasks.models.process_features import rule_oracle

    folder.mkdir(parents=True)
    table = ai4i.read(ai4i.simulate(folder / "drawn", seed=seed, rows=rows)).frame
    table["Torque [Nm]"] += 9.0
    table[ai4i.SPEC.target] = rule_oracle(table[list(ai4i.SPEC.features)])
    (folder / "in").mkdir()
    table[[*ai4i.SPEC.features, ai4i.SPEC.target]].to_csv(folder / "in" / f"product-{seed}.csv", index=False)
    (folder / "in" / "SIMULATED.json").write_text("{}")
    return folder / "in"


def build(
    cfg: Settings, connection: Connection, urls: Mapping[str, str], folder: Path, broken: tuple[str, ...]
) -> Plant:
    """A champion trained on a small simulated set, policies that let everything happen at once, one file scored."""
    from gauntlet.blocks import DriftPolicy, RetrainPolicy, TelemetryDatabase
    from gauntlet.datasets import dataset
    from gauntlet.flows import flow_named
    from gauntlet.tasks.runtime.connection import block_name

    folder.mkdir(parents=True, exist_ok=True)
    data = folder / "data"
    data.mkdir()
    dataset(GAUNTLET).simulation(seed=7, scale=0.15).write(data)
    result = flow_named(GAUNTLET)(data=data, seed=7)
    best = next(one for one in result.registered if one.name == result.champion)
    RetrainPolicy(cooldown_h=0).save(block_name(RetrainPolicy), overwrite=True)
    DriftPolicy(window_rows=300, of_last=1, at_least=1).save(block_name(DriftPolicy), overwrite=True)
    database: Any = telemetry_url(folder)
    TelemetryDatabase(url=database).save(block_name(TelemetryDatabase), overwrite=True)
    addresses = {
        "s3": connection.s3_endpoint_url,
        "mlflow": connection.tracking_uri,
        "prefect": f"{urls['Prefect']}/api",
    }
    gateways = {name: Gateway(str(address), by_its_name=name != "s3") for name, address in addresses.items()}
    plant = Plant(cfg, connection, folder, gateways, Holder(best.name, best.version), broken)
    plant.run("score", {"data": another_product(folder / "learnt", seed=41, rows=1000)})
    return plant


def newest(plant: Plant) -> Holder:
    """The last version of the champion's model."""
    from mlflow import MlflowClient

    entries = MlflowClient().search_model_versions(f"name='{plant.champion.name}'")
    return Holder(plant.champion.name, max(int(entry.version) for entry in entries))


def current_champion(plant: Plant) -> Holder | None:
    """Who holds the alias."""
    return holder(plant.names, CHAMPION)


def lapse(plant: Plant) -> None:
    """Wait until what the dead held has lapsed, and free it as the reaper does."""
    from gauntlet.tasks import claims

    deadline = time.monotonic() + 2 * LIFE.total_seconds()
    while _held(plant) and time.monotonic() < deadline:
        time.sleep(0.05)
    claims.reap(plant.engine)


def _held(plant: Plant) -> bool:
    """Whether a claim or a turn still counts."""
    from gauntlet.tasks import claims
    from gauntlet.tasks.claims.tables import ONCE

    now = claims.database_time(plant.engine)
    with plant.engine.connect() as connection:
        turns = select(ONCE.c.key).where(ONCE.c.done.is_(None), ONCE.c.expires > now)
        return bool(claims.holders(plant.engine)) or connection.execute(turns).first() is not None
