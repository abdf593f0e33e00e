"""The MLflow tracking server in one process: `python -m gauntlet.deployments.stack._mlflow_server PORT DATABASE ARTIFACT_ROOT`.

In a container also `--host`, where it listens, and `--name`, under which it is called from elsewhere.

`mlflow server` does the same in two: the command migrates the database, and then starts uvicorn as a second process that
imports everything anew, which doubles the seconds and the memory. MLflow's own names are imported rather than spelt, so
that a release which moves them fails here and at once.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

import uvicorn

from gauntlet.deployments.stack.gate import Gate
from gauntlet.tasks.runtime.connection import ADDRESS, USER


def main(port: int, database: str, artifact_root: str, host: str = ADDRESS, names: Sequence[str] = ()) -> None:
    """Nothing; returns when the server was told to stop. The password is that which its clients have in their environment.

    `names`: further hosts under which it may be called, with their ports where those are not the scheme's own.
    """
    from mlflow.environment_variables import MLFLOW_SERVER_ENABLE_JOB_EXECUTION
    from mlflow.server.constants import ARTIFACT_ROOT_ENV_VAR, BACKEND_STORE_URI_ENV_VAR
    from mlflow.server.handlers import initialize_backend_stores

    os.environ[BACKEND_STORE_URI_ENV_VAR] = database
    os.environ[ARTIFACT_ROOT_ENV_VAR] = artifact_root
    hosts = frozenset([*(f"{name}:{port}" for name in (ADDRESS, "localhost")), *names])
    os.environ["MLFLOW_SERVER_ALLOWED_HOSTS"] = ",".join(hosts)  # it looks at them as well
    os.environ["MLFLOW_SERVER_CORS_ALLOWED_ORIGINS"] = ",".join(
        f"{scheme}://{name}" for name in hosts for scheme in ("http", "https")
    )
    # Jobs need a task queue of seven processes, and nothing here uses them.
    MLFLOW_SERVER_ENABLE_JOB_EXECUTION.set(False)
    initialize_backend_stores(database, default_artifact_root=artifact_root)
    from mlflow.server.fastapi_app import app  # reads the two addresses when it is imported

    uvicorn.run(
        Gate(app, USER, os.environ.pop("MLFLOW_TRACKING_PASSWORD"), hosts),
        host=host,
        port=port,
        access_log=False,
        timeout_graceful_shutdown=5,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("database")
    parser.add_argument("artifact_root")
    parser.add_argument("--host", default=ADDRESS)
    parser.add_argument("--name", action="append", default=[])
    given = parser.parse_args()
    main(given.port, given.database, given.artifact_root, given.host, given.name)
