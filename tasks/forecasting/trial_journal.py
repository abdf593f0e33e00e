"""Trials of a search as Optuna's journal: kept in memory, and in a file for the run that goes on after a cut."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import BaseJournalBackend

from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.io.atomic import write_whole

_LOG = logging.getLogger("gauntlet")


def journal_storage(file: Path) -> BaseStorage:
    """Optuna's storage on the journal in `file`; a file that is torn counts up to there, one of something else not at all."""
    try:
        return JournalStorage(_Journal(file, _whole_lines(file)))
    except Exception:  # noqa: BLE001 - Optuna takes every line for one of its own: what it trips over is no journal
        return JournalStorage(_Journal(file, []))


def _whole_lines(file: Path) -> list[dict[str, Any]]:
    """The journal's entries up to the first that was not written to its end."""
    entries = []
    try:
        for line in file.read_bytes().splitlines(keepends=True):
            if not line.endswith(b"\n"):
                break
            entries.append(json.loads(line))
    except (OSError, ValueError):
        pass
    return entries


class _Journal(BaseJournalBackend):
    """Optuna's own journal appends to its file: one that is torn it cannot read again, and a full disk fails the search."""

    def __init__(self, file: Path, entries: list[dict[str, Any]]) -> None:
        self._file: Path | None = file
        self._entries = entries

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        """The entries from this number on."""
        yield from self._entries[log_number_from:]

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Keep entries, in the file whole or not at all; a full disk costs the file only, which is said once."""
        self._entries += json.loads(json.dumps(logs))
        if self._file is None:
            return
        lines = "".join(json.dumps(entry, separators=(",", ":")) + "\n" for entry in self._entries)
        try:
            write_whole(self._file, lines.encode())
        except BadInput as error:
            self._file = None
            _LOG.warning("trials are not kept for the next run: %s", error)
