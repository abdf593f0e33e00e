"""The secrets of `compose.yaml`, a file each: made once, readable by the containers' user only, never shown.

A database's secret is a line of PostgreSQL's own password file (`host:port:database:user:password`), which clients read
by themselves and use for that database alone; `databases.py` gives the server's users the same passwords.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from gauntlet.datasets.errors import BadInput
from gauntlet.deployments.stack.private import write_private
from gauntlet.deployments.webhook_client import new_secret
from gauntlet.tasks.registry.keys import make_key
from gauntlet.tasks.runtime.connection import USER

FOLDER = Path(__file__).resolve().parent / "secrets"
DATABASES = ("prefect", "mlflow", "claims")
SIGNING_KEY = "signing_key"
IMAGE_USER = 10_001  # whom root gives them to: no container runs as root


def _password() -> str:
    return secrets.token_hex(24)  # no sign that a password file would have to escape


def _database(name: str) -> Callable[[], str]:
    return lambda: f"postgres:5432:{name}:{name}:{_password()}\n"


CONTENTS: Mapping[str, Callable[[], str]] = {
    "postgres_password": _password,
    **{f"{name}_database": _database(name) for name in DATABASES},
    "prefect_login": lambda: f"{USER}:{_password()}",
    "mlflow_password": _password,
    "s3_secret_key": _password,
    "webhook_secret": new_secret,
}


def make_secrets(folder: Path = FOLDER) -> list[str]:
    """The names of the secrets that were made: those that were not there. One that is there stays as it is.

    Raises:
        BadInput: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
        missing = [name for name in (*CONTENTS, SIGNING_KEY) if not (folder / name).exists()]
        for name in missing:
            if name == SIGNING_KEY:
                make_key(folder / name)
            else:
                write_private(folder / name, CONTENTS[name]())
        if os.geteuid() == 0:
            for name in (*CONTENTS, SIGNING_KEY):  # one that was replaced by hand is root's own
                os.chown(folder / name, IMAGE_USER, -1)
    except OSError as error:
        raise BadInput(folder, f"the secrets cannot be written ({error.strerror or error})") from None
    return missing


def containers_user() -> int:
    """The user id that owns the secrets, and as which the containers have to run."""
    return os.geteuid() or IMAGE_USER
