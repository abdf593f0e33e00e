"""Functions that are compiled once per machine: Numba's cache on disk, which costs nothing but itself when it cannot be used."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Callable
from typing import Any

import numba
from numba.core.caching import FunctionCache

_LOG = logging.getLogger("gauntlet")
# Of a file that is torn or was never one of Numba's, and of a disk that is full or closed to us.
_UNUSABLE = (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, ImportError, IndexError)


class _Cache(FunctionCache):
    """Numba raises what it meets in its files: a torn one would fail every later call, a full disk the one under way."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The compiled function, None where it has to be compiled; what cannot be read is written anew."""
        try:
            return super().load_overload(sig, target_context)
        except (*_UNUSABLE, pickle.UnpicklingError):
            self._forget()
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep the compiled function where that is possible."""
        try:
            super().save_overload(sig, data)
        except (*_UNUSABLE, pickle.UnpicklingError) as error:
            _LOG.warning("compiled code is not kept for the next run (%s)", " ".join(str(error).split()))
            self._forget()

    def _forget(self) -> None:
        """An index that names what is not there would be believed by the next process."""
        try:
            self.flush()
        except OSError:
            return


def compiled(**options: Any) -> Callable[[Any], Any]:
    """`numba.njit` with these options, its code kept on disk for the next process where there is a place for it."""

    def made(function: Any) -> Any:
        dispatcher = numba.njit(**options)(function)
        try:
            dispatcher._cache = _Cache(function)
        except RuntimeError:  # no folder that can be written
            return dispatcher
        return dispatcher

    return made
