"""How many steps a run works on at once is read when the run begins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from prefect import flow
from prefect.context import FlowRunContext
from prefect.task_runners import ThreadPoolTaskRunner

from gauntlet.flows.score import score
from gauntlet.tasks.runtime.settings import settings


@pytest.fixture
def fresh_settings() -> Iterator[None]:
    """What a test sets is not what the next one reads."""
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.mark.parametrize("workers", [1, 3, 17])
def test_a_run_is_as_wide_as_the_settings_say(
    stack: Any, fresh_settings: None, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    """Also when they changed after the flow was imported."""

    @flow(task_runner=score.task_runner)
    def runner() -> bool:
        return FlowRunContext.get().task_runner == ThreadPoolTaskRunner(max_workers=workers)

    monkeypatch.setenv("GAUNTLET_WORKERS", str(workers))
    assert runner()
