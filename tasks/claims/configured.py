"""The claims database that the settings name."""

from __future__ import annotations

from sqlalchemy import Engine

from gauntlet.tasks.claims.database import open_database, sqlite_url
from gauntlet.tasks.runtime.settings import Settings


def claims_database(cfg: Settings) -> Engine:
    """The configured database, or the file in the home folder."""
    return open_database(cfg.claims_url.get_secret_value() if cfg.claims_url else sqlite_url(cfg.state))
