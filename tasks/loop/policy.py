"""The policies as edited in Prefect, or as they are by default."""

from __future__ import annotations

from typing import TypeVar

from prefect.blocks.core import Block
from sqlalchemy import Engine

from tasks.claims import open_database, sqlite_url
from tasks.connection import load_block
from tasks.settings import Settings

Kind = TypeVar("Kind", bound=Block)


def policy(kind: type[Kind]) -> Kind:
    """The block of this kind, its defaults where none was saved."""
    found = load_block(kind)
    return found if found is not None else kind()


def claims(cfg: Settings) -> Engine:
    """The claims database that is configured, or the file in the home folder."""
    return open_database(cfg.claims_url.get_secret_value() if cfg.claims_url else sqlite_url(cfg.state))
