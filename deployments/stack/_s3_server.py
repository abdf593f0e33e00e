"""The S3 server of a container: `python -m gauntlet.deployments.stack._s3_server PORT FOLDER BUCKET [FURTHER FLAGS OF weed]`.

As the local stack has it: one process holds all parts of SeaweedFS, and they take each other's calls only, with a
certificate that is made here and now and lies in the container's memory. Nothing of it has to be handed round or renewed.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from pydantic import SecretStr

from gauntlet.deployments.stack.private import s3_environment, s3_identities
from gauntlet.deployments.stack.services import weed_command
from gauntlet.tasks.runtime.connection import Credentials


def main(port: int, folder: Path, bucket: str, *flags: str) -> None:
    """Become the server, which listens everywhere. Its key pair is that which its clients have in their environment."""
    private = Path(tempfile.mkdtemp())
    keys = Credentials(os.environ.pop("AWS_ACCESS_KEY_ID"), SecretStr(os.environ.pop("AWS_SECRET_ACCESS_KEY")))
    identities = s3_identities(private / "identities.json", keys)
    command = [*weed_command(port, folder, identities, bind="0.0.0.0"), f"-bucket={bucket}", *flags]  # noqa: S104
    os.execve(command[0], command, {**os.environ, **s3_environment(private)})  # noqa: S606


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
