"""`gauntlet down` says what is under way and asks; without anybody to ask it stops nothing that works."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from gauntlet.deployments import stack as local_stack
from gauntlet.deployments.stack.process import marked
from gauntlet.deployments.stack.under_way import under_way
from gauntlet.tasks.runtime.settings import Settings

ROOT = Path(__file__).parents[2]
QUIETLY: dict[str, Any] = {"say": lambda _: None}


def servers(cfg: Settings) -> list[psutil.Process]:
    return marked(str(cfg.state / "stack" / "s3.json"))


def down(cfg: Settings, *options: str, answer: str | None = None) -> tuple[int, str, str]:
    """(status, standard output, standard error) of a `gauntlet down`; with an answer it has a terminal to ask at."""
    command = [sys.executable, "-P", "-c", "import gauntlet.deployments.cli as c; c.main()", "down", *options]
    ours, its = pty.openpty() if answer is not None else (None, None)
    if ours is not None:
        os.write(ours, f"{answer}\n".encode())
    try:
        done = subprocess.run(
            command, cwd=ROOT, env={**os.environ, "GAUNTLET_HOME": str(cfg.home)}, text=True, check=False,
            stdin=subprocess.DEVNULL if its is None else its, capture_output=True, timeout=60,
        )  # fmt: skip
    finally:
        for end in (ours, its):
            if end is not None:
                os.close(end)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def session(cfg: Settings) -> Iterator[Settings]:
    """S3 alone, up for a command that is under way."""
    with local_stack.session_stack(cfg, **QUIETLY):
        yield cfg


def test_nothing_under_way_is_stopped_without_a_question(cfg: Settings) -> None:
    """Nobody is there to be asked, and nothing would be lost."""
    local_stack.up(cfg, **QUIETLY)
    status, out, err = down(cfg)
    assert (status, err) == (0, "")
    assert "stopped" in out
    assert servers(cfg) == []


def test_without_a_terminal_what_is_under_way_is_not_ended(session: Settings) -> None:
    """One line says what it is and what to type; that ends it."""
    before = servers(session)
    status, out, err = down(session)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "a `gauntlet` command that uses the servers" in err
    assert "gauntlet down --yes" in err
    assert servers(session) == before
    assert down(session, "--yes")[0] == 0
    assert servers(session) == []


@pytest.mark.parametrize(("answer", "status", "left"), [("n", 1, 1), ("", 1, 1), ("y", 0, 0)])
def test_a_person_is_asked(session: Settings, answer: str, status: int, left: int) -> None:
    """Only a yes stops the servers."""
    code, out, _ = down(session, answer=answer)
    assert code == status
    assert "under way, and would be ended:\n  a `gauntlet` command" in out
    assert len(servers(session)) == left


@pytest.fixture
def running(stack: Any) -> Iterator[Callable[..., Any]]:
    """Makes a run in a state on the real Prefect server; all are gone afterwards."""
    from prefect import flow, get_client

    made = []

    def named(name: str, state: Any) -> None:
        with get_client(sync_client=True) as client:
            made.append(client.create_flow_run(flow(lambda: None, name="press"), name=name, state=state).id)

    yield named
    with get_client(sync_client=True) as client:
        for one in made:
            client.delete_flow_run(one)


def test_runs_are_named(stack: Any, running: Callable[..., Any]) -> None:
    """Those that run or are about to; not what is scheduled or has ended."""
    from prefect.states import Completed, Pending, Running, Scheduled

    running("at work", Running())
    running("about to", Pending())
    running("later", Scheduled())
    running("done", Completed())
    assert [line for line in under_way(stack.cfg) if line.startswith("press ")] == [
        "press 'about to'",
        "press 'at work'",
    ]
    before = servers(stack.cfg)
    status, _, err = down(stack.cfg)
    assert status == 2
    assert "press 'at work'" in err
    assert servers(stack.cfg) == before
