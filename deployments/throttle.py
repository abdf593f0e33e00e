"""How many calls a minute: a bucket of tokens per caller, filled steadily, in this process's memory."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

_CALLERS = 10_000  # remembered at most: a flood from many addresses must not fill the memory


class Throttle:
    """At most `per_minute` calls in the long run, and as many at once, of each caller."""

    def __init__(self, per_minute: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._per_s, self._clock = max(1.0, per_minute), per_minute / 60, clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait_s(self, caller: str = "") -> float:
        """0.0: the call may go on and is counted. Else the seconds after which one may; the call is not counted."""
        with self._lock:
            now = self._clock()
            tokens, since = self._buckets.pop(caller, (self._most, now))
            tokens = min(self._most, tokens + (now - since) * self._per_s)
            allowed = tokens >= 1.0
            self._buckets[caller] = (tokens - allowed, now)
            if len(self._buckets) > _CALLERS:
                self._buckets.popitem(last=False)
            return 0.0 if allowed else (1.0 - tokens) / self._per_s
