"""The beginning of every container: `python -m gauntlet.deployments.entrypoint COMMAND...`.

A secret comes as a file, which `NAME_FILE` in the environment points at: what an environment holds, everybody sees who may
ask the container engine about its containers. Programs that read a secret from `NAME` get it there, in their own process.
"""

from __future__ import annotations

import os
import sys
from collections.abc import MutableMapping
from pathlib import Path

from gauntlet.datasets.errors import BadInput

NAMES = (
    "AWS_SECRET_ACCESS_KEY",
    "GAUNTLET_WEBHOOK_SECRET",
    "MLFLOW_TRACKING_PASSWORD",
    "PGPASSWORD",
    "PREFECT_API_AUTH_STRING",
    "PREFECT_SERVER_API_AUTH_STRING",
)


def read_secret_files(environment: MutableMapping[str, str]) -> None:
    """Put the content of the file that `NAME_FILE` names into `NAME`, for each secret that is not there by itself.

    Raises:
        BadInput: one cannot be read.
    """
    for name in NAMES:
        file = environment.get(f"{name}_FILE")
        if not file or environment.get(name):
            continue
        try:
            environment[name] = Path(file).read_text().strip()
        except OSError as error:
            what = f"the secret cannot be read by user {os.geteuid()} ({error.strerror or error})"
            raise BadInput(file, what, do="run `gauntlet secrets` on the host, and do what it says") from None


def main(command: list[str]) -> None:
    """Become the command."""
    try:
        read_secret_files(os.environ)
        os.execvp(command[0], command)  # noqa: S606 - no shell is wanted
    except BadInput as error:
        sys.exit(f"gauntlet: {error}")
    except OSError as error:
        sys.exit(f"gauntlet: {command[0]} cannot be run: {error.strerror}")


if __name__ == "__main__":
    main(sys.argv[1:])
