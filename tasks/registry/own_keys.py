"""The keys at the beginning of a run: those that are there, the very first one made, and never a new one in silence."""

from __future__ import annotations

from pathlib import Path

from mlflow import MlflowClient

from gauntlet.datasets.errors import BadInput
from gauntlet.tasks.registry.keys import KeyRing, make_key, signing_key
from gauntlet.tasks.runtime.connection import Connection
from gauntlet.tasks.runtime.settings import settings
from gauntlet.tasks.runtime.tracking import servers

WORK_KEY = "key"  # the tag that every version of ours bears


def own_keys(connection: Connection, path: Path) -> KeyRing:
    """The keys of this file. The first one is made where the registry holds no version and nobody named the file.

    Raises:
        BadInput: the file is missing although versions were signed or it was named, or it holds no keys.
        ServiceDown: it is missing, and MLflow does not answer whether versions were signed.
    """
    if path.exists() or settings().signing_key is not None:
        return signing_key(path)
    with servers(connection):
        signed = any_signed()
    if signed:
        do = "put the file back, or name it in GAUNTLET_SIGNING_KEY; if it is lost, `gauntlet keys new` begins anew"
        raise BadInput(path, f"no signing key, but the registry holds signed versions ({signed} among them)", do=do)
    return make_key(path)


def any_signed() -> str:
    """Name and number of one version that was signed, the first that is found; empty where the registry holds none."""
    client, token = MlflowClient(), None
    while True:
        page = client.search_model_versions(max_results=100, page_token=token)
        if signed := [one for one in page if WORK_KEY in one.tags]:
            return f"{signed[0].name} version {signed[0].version}"
        if not (token := page.token):
            return ""
