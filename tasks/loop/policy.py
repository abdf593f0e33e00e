"""The policies as edited in Prefect, or as they are by default."""

from __future__ import annotations

from typing import TypeVar

from prefect.blocks.core import Block

from tasks.connection import load_block

Kind = TypeVar("Kind", bound=Block)


def policy(kind: type[Kind]) -> Kind:
    """The block of this kind, its defaults where none was saved."""
    found = load_block(kind)
    return found if found is not None else kind()
