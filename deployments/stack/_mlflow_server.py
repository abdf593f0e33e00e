"""The MLflow tracking server in one process: `python -m gauntlet.deployments.stack._mlflow_server PORT DATABASE ARTIFACT_ROOT`.

`mlflow server` does the same in two: the command migrates the database, and then starts uvicorn as a second process that
imports everything anew, which doubles the seconds and the memory. MLflow's own names are imported rather than spelt, so
that a release which moves them fails here and at once.
"""

from __future__ import annotations

import os
import sys

import uvicorn

from gauntlet.deployments.stack.gate import Gate
from gauntlet.tasks.runtime.connection import ADDRESS, USER


def main(port: int, database: str, artifact_root: str) -> None:
    """Nothing; returns when the server was told to stop. The password is that which its clients have in their environment."""
    from mlflow.environment_variables import MLFLOW_SERVER_ENABLE_JOB_EXECUTION
    from mlflow.server.constants import ARTIFACT_ROOT_ENV_VAR, BACKEND_STORE_URI_ENV_VAR
    from mlflow.server.handlers import initialize_backend_stores

    os.environ[BACKEND_STORE_URI_ENV_VAR] = database
    os.environ[ARTIFACT_ROOT_ENV_VAR] = artifact_root
    # Jobs need a task queue of seven processes, and nothing here uses them.
    MLFLOW_SERVER_ENABLE_JOB_EXECUTION.set(False)
    initialize_backend_stores(database, default_artifact_root=artifact_root)
    from mlflow.server.fastapi_app import app  # reads the two addresses when it is imported

    hosts = frozenset(f"{name}:{port}" for name in (ADDRESS, "localhost"))
    uvicorn.run(
        Gate(app, USER, os.environ.pop("MLFLOW_TRACKING_PASSWORD"), hosts),
        host=ADDRESS,
        port=port,
        access_log=False,
        timeout_graceful_shutdown=5,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
