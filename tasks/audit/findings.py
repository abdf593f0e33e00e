"""A finding, and the list of causes that the audit can name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One cause. `column` is the column, file or parameter at fault, empty where none is."""

    kind: str
    column: str
    detail: str

    def __str__(self) -> str:
        return f"{self.kind} {self.column}: {self.detail}" if self.column else f"{self.kind}: {self.detail}"
