"""The task runner of every flow: Prefect's thread pool, as wide as the settings say when the run begins."""

from __future__ import annotations

from typing import Any

from prefect.task_runners import ThreadPoolTaskRunner

from gauntlet.tasks.runtime.settings import settings


class Workers(ThreadPoolTaskRunner[Any]):
    """Threads up to `GAUNTLET_WORKERS`. A flow that is only imported, to be listed or deployed, reads no settings."""

    def duplicate(self) -> Any:
        """The runner of one run: Prefect runs no flow on the flow's own runner, but on a duplicate of it.

        Raises:
            BadInput: a variable has a value that its setting cannot take.
        """
        return ThreadPoolTaskRunner(max_workers=settings().workers)


# Prefect's decorator is typed for runners of its own futures only.
WORKERS: Any = Workers()
