"""The policies as edited in Prefect, or as they are by default where nobody ever saved one."""

from __future__ import annotations

from typing import TypeVar

from prefect.blocks.core import Block

from gauntlet.tasks.runtime.connection import load_block

Kind = TypeVar("Kind", bound=Block)


def policy(kind: type[Kind]) -> Kind:
    """The block of this kind, its defaults where none was saved.

    A policy may forbid: where it cannot be read, what it is asked about does not happen.

    Raises:
        ServiceDown: Prefect does not answer, or refuses.
        BadInput: what was saved is no valid block of this kind.
    """
    found = load_block(kind)
    return found if found is not None else kind()
