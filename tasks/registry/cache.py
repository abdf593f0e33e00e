"""A model kept at hand: loaded once an hour, anew as soon as its alias moves, and still there while the servers are not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from mlflow import get_tracking_uri
from mlflow.exceptions import MlflowException

from gauntlet.datasets.address import one_line
from gauntlet.datasets.errors import GauntletError, ServiceDown
from gauntlet.tasks.registry.keys import Verifier
from gauntlet.tasks.registry.load import LoadedModel, find_version, load

LIFETIME_S = 3600.0
# What a server that is away looks like, through whichever client: none of these says anything about the model.
_OUTAGES = (ServiceDown, ConnectionError, TimeoutError, OSError)


@dataclass(frozen=True, eq=False)
class Served:
    """A model and how it was come by. `stale`: the servers are away, this is the last good one, and why."""

    model: LoadedModel
    stale: str = ""


@dataclass(frozen=True, eq=False)
class _Kept:
    model: LoadedModel
    until: float


class ModelCache:
    """Models by name and alias, for a process that scores again and again. Safe to use from threads.

    A model that fails its signature is never served and never falls back: that is no outage.
    """

    def __init__(
        self, key: Verifier, lifetime_s: float = LIFETIME_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._key, self._lifetime_s, self._clock = key, lifetime_s, clock
        self._kept: dict[tuple[str, str], _Kept] = {}
        self._lock = threading.Lock()

    def get(self, name: str, alias: str = "champion") -> Served:
        """The model behind the alias now.

        Raises:
            GauntletError: there is none, or it must not be loaded.
            ServiceDown: the servers are away and none was loaded before.
        """
        with self._lock:
            known = self._kept.get((name, alias))
            try:
                version = int(find_version(name, alias).version)
                if known is not None and known.model.version == version and self._clock() < known.until:
                    return Served(known.model)
                model = load(name, version, self._key)
                model.refuse_leaked()
            except GauntletError as error:
                if not isinstance(error, ServiceDown):
                    raise
                return self._last_good(known, name, error)
            except MlflowException as error:
                if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                    raise GauntletError(f"{name} has no version with the alias {alias!r}.") from None
                return self._last_good(known, name, error)
            except _OUTAGES as error:
                return self._last_good(known, name, error)
            self._kept[name, alias] = _Kept(model, self._clock() + self._lifetime_s)
            return Served(model)

    def _last_good(self, known: _Kept | None, name: str, error: Exception) -> Served:
        reason = one_line(error) or type(error).__name__
        if known is None:
            do = f"{name} was not loaded before either; run `gauntlet status`"
            raise ServiceDown("MLflow or its artifact store", get_tracking_uri(), reason, do) from None
        return Served(
            known.model, stale=f"version {known.model.version}, loaded before the servers went away: {reason}"
        )
