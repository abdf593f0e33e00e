"""Whether a server has what its calls need, asked no more often than it changes.

Anybody may ask, as a supervisor has no key. A question costs a call of the database and one of Prefect, so that whoever
asks a thousand times a second must not have a thousand asked.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping

from fastapi.concurrency import run_in_threadpool

from gauntlet.datasets.errors import GauntletError, ServiceDown

_LOG = logging.getLogger("gauntlet.webhook")
Needs = Mapping[str, Callable[[], object]]


class Readings:
    """`ok`, or what is missing, of each thing that is needed."""

    def __init__(self, needs: Needs, memory_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Each need raises a `GauntletError` where it is not met; for `memory_s` seconds none is asked again."""
        self._needs, self._memory_s, self._clock = needs, memory_s, clock
        self._found: dict[str, str] = {}
        self._asked = float("-inf")
        self._asking = asyncio.Lock()

    async def read(self) -> dict[str, str]:
        """By need. Whoever comes while others wait for the same answer waits with them, and holds no thread."""
        async with self._asking:
            if self._clock() - self._asked >= self._memory_s:
                self._found = {name: await run_in_threadpool(_how, need) for name, need in self._needs.items()}
                self._asked = self._clock()
            return self._found


def _how(need: Callable[[], object]) -> str:
    try:
        need()
    except GauntletError as error:
        _LOG.warning("not ready: %s", error)
        return "away" if isinstance(error, ServiceDown) else "not set"
    return "ok"
