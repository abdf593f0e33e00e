"""What the loop's flows share: the servers, the key, the claims database, and how a run is named and told."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect import get_client
from prefect.events.worker import EventsWorker
from prefect.runtime import flow_run
from prefect.states import State, StateType
from sqlalchemy import Engine

from gauntlet.blocks import AlertChannel
from gauntlet.datasets.errors import GauntletError
from gauntlet.flows import REFUSED
from gauntlet.tasks.claims import claims_database
from gauntlet.tasks.loop.alerts import alert, send_undone
from gauntlet.tasks.loop.policy import policy
from gauntlet.tasks.registry.own_keys import own_keys
from gauntlet.tasks.runtime.connection import Connection, resolve
from gauntlet.tasks.runtime.settings import Settings, private_home, settings
from gauntlet.tasks.runtime.steps import run_id, say, step

read_policy = step(policy, "policy", calls_server=True)


@dataclass(frozen=True, eq=False)
class Loop:
    """The servers of a run of the loop."""

    cfg: Settings
    connection: Connection
    engine: Engine
    key_file: Path

    def tell(self, kind: str, key: str, text: str) -> None:
        """The alert channel, once per key; while its block cannot be read the message waits, which the run's log says."""
        if alert(self._channel(), self.engine, kind, key, text):
            say(f"alert sent: {text}")

    def send_late_alerts(self) -> int:
        """How many messages that had not arrived were sent now."""
        channel = self._channel()
        return send_undone(channel, self.engine) if channel is not None else 0

    def _channel(self) -> AlertChannel | None:
        try:
            return policy(AlertChannel)
        except GauntletError as error:  # an alert never fails a run
            say(f"alerts wait: {error}")
            return None


def open_loop() -> Loop:
    """Connect; raises `ServiceDown` or `GauntletError`, as where the keys are not, before any work is done."""
    cfg = settings()
    private_home(cfg)
    connection = resolve(cfg)
    connection.export()
    own_keys(connection, cfg.key_file)
    return Loop(cfg, connection, claims_database(cfg), cfg.key_file)


def loop_run_name() -> str:
    """The run's name in Prefect: the flow and the gauntlet."""
    return f"{flow_run.flow_name} · {flow_run.parameters.get('gauntlet') or 'all'}"


def name_run(name: str, *tags: str) -> None:
    """Name the flow run by what came out."""
    if run_id():
        with get_client(sync_client=True) as client:
            client.update_flow_run(flow_run.id, name=name, tags=sorted({*flow_run.tags, *tags}))


def refused(answer: Mapping[str, Any]) -> State[Any]:
    """The end of a run that did nothing, and why (`answer["why"]`): neither a success nor a failure."""
    return State(type=StateType.CANCELLED, name=REFUSED, message=str(answer["why"]), data=dict(answer))


def send_events(patience_s: float = 10.0) -> None:
    """Wait until the events that were emitted have left this process: a thread of Prefect's sends them."""
    waiting = threading.Thread(target=EventsWorker.instance().wait_until_empty, daemon=True)
    waiting.start()
    waiting.join(patience_s)
