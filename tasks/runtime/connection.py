"""Where the servers are: named in the environment, edited in a Prefect block, or those of the local stack.

environment, .env  ─ first that knows ─>  Connection  ─ export() ─>  MLflow, boto3
Prefect blocks
.gauntlet/stack/
"""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from pydantic import SecretStr

from gauntlet.datasets.address import without_login
from gauntlet.datasets.errors import BadInput, GauntletError, ServiceDown
from gauntlet.tasks.runtime.settings import Settings, settings

ADDRESS = "127.0.0.1"
USER = "gauntlet"  # of the local Prefect and MLflow servers
_QUIET = {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "GIT_PYTHON_REFRESH": "quiet",
    # A server that is away shall be found out in seconds: the steps themselves wait longer outages out.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "AWS_MAX_ATTEMPTS": "3",
}


@dataclass(frozen=True)
class Credentials:
    """An S3 key pair; the secret does not show when printed."""

    access_key: str
    secret_key: SecretStr


@dataclass(frozen=True)
class Connection:
    """The servers of a run. `s3_endpoint_url` None: Amazon's. `credentials` None: boto3 finds its own, with `profile`.

    `key_file`: whose keys confirm what the loop left in the bucket; a path, so that no key is ever a run's parameter.
    """

    tracking_uri: str
    bucket: str
    region: str
    s3_endpoint_url: str | None
    credentials: Credentials | None
    profile: str | None = None
    mlflow_password: SecretStr | None = None  # of the local server; to one of the user's own speaks the environment
    key_file: Path = field(default_factory=lambda: settings().key_file)

    @property
    def mlflow_ui(self) -> str:
        """The address of MLflow's pages, without a login; empty where MLflow is a database without a server."""
        return without_login(self.tracking_uri).rstrip("/") if self.tracking_uri.startswith("http") else ""

    def export(self) -> None:
        """Put into this process's environment what MLflow and boto3 read there."""
        import mlflow  # two seconds, which a connection that is only looked at need not cost

        bypass_proxy()
        os.environ.update(_QUIET, MLFLOW_TRACKING_URI=self.tracking_uri, AWS_DEFAULT_REGION=self.region)
        if self.mlflow_password:
            os.environ["MLFLOW_TRACKING_USERNAME"] = USER
            os.environ["MLFLOW_TRACKING_PASSWORD"] = self.mlflow_password.get_secret_value()
        if self.s3_endpoint_url:
            os.environ["MLFLOW_S3_ENDPOINT_URL"] = self.s3_endpoint_url
        if self.profile:
            os.environ["AWS_PROFILE"] = self.profile
        if self.credentials:
            os.environ["AWS_ACCESS_KEY_ID"] = self.credentials.access_key
            os.environ["AWS_SECRET_ACCESS_KEY"] = self.credentials.secret_key.get_secret_value()
            os.environ.pop("AWS_SESSION_TOKEN", None)  # it belongs to other keys
        mlflow.set_tracking_uri(self.tracking_uri)
        # Each version and run would be announced in lines of their own; the results table has them all.
        logging.getLogger("mlflow").setLevel(logging.WARNING)

    def s3(self) -> Any:
        """A boto3 client of the artifact store: one for all callers, made in a tenth of a second, where the keys are fixed."""
        make = _one_client if self.credentials else s3_client
        return make(self.s3_endpoint_url, self.credentials, self.region, profile=self.profile)


def s3_client(
    endpoint_url: str | None,
    credentials: Credentials | None,
    region: str,
    attempts: int = 3,
    timeout_s: float = 10,
    profile: str | None = None,
) -> Any:
    """A boto3 client that gives up soon; without credentials boto3 looks for its own."""
    keys = (
        {
            "aws_access_key_id": credentials.access_key,
            "aws_secret_access_key": credentials.secret_key.get_secret_value(),
        }
        if credentials
        else {}
    )
    config = Config(
        retries={"total_max_attempts": attempts},
        connect_timeout=timeout_s,
        read_timeout=timeout_s,
        s3={"addressing_style": "path" if endpoint_url else "auto"},
    )
    session = boto3.Session(profile_name=None if credentials else profile)
    return session.client("s3", endpoint_url=endpoint_url, region_name=region, config=config, **keys)


_one_client = lru_cache(maxsize=8)(s3_client)


def bypass_proxy() -> None:
    """Let no proxy that the environment names come between this process and servers of this machine."""
    excepted = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    if excepted.strip() != "*":
        names = ",".join(dict.fromkeys([*filter(None, excepted.split(",")), ADDRESS, "localhost"]))
        os.environ.update(no_proxy=names, NO_PROXY=names)


def read_credentials(cfg: Settings) -> Credentials | None:
    """The keys of the local S3 server; None when it was never started."""
    try:
        keys = json.loads((cfg.state / "stack" / "credentials.json").read_text())
        return Credentials(keys["access_key"], SecretStr(keys["secret_key"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def passwords_file(cfg: Settings) -> Path:
    """Where the passwords of the local Prefect and MLflow servers lie."""
    return cfg.state / "stack" / "passwords.json"


def read_password(cfg: Settings, service: str) -> SecretStr | None:
    """The password of a local server, "prefect" or "mlflow", whose user is `USER`; None when it was never started."""
    try:
        return SecretStr(json.loads(passwords_file(cfg).read_text())[service])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def export_prefect(cfg: Settings) -> str:
    """The address of Prefect's API, put into the environment with the local server's password; empty without a server.

    To be called before Prefect is imported: that is when it reads them.
    """
    local = local_address(cfg, "prefect")
    api = cfg.prefect_api_url or (f"{local}/api" if local else "")
    if api:  # an empty one would have Prefect start a server of its own
        os.environ["PREFECT_API_URL"] = api
    if local and api == f"{local}/api" and (password := read_password(cfg, "prefect")):
        os.environ["PREFECT_API_AUTH_STRING"] = f"{USER}:{password.get_secret_value()}"
    return api


def local_address(cfg: Settings, service: str) -> str | None:
    """The address at which the local stack last started a service; None when it never did."""
    try:
        return str(json.loads((cfg.state / "stack" / f"{service}.json").read_text())["url"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def own_credentials(cfg: Settings) -> Credentials | None:
    """The key pair that the user named; None where boto3 finds more by itself (a profile, keys with a session token)."""
    if os.environ.get("AWS_SESSION_TOKEN"):
        return None
    if cfg.aws_access_key_id and cfg.aws_secret_access_key:
        return Credentials(cfg.aws_access_key_id, cfg.aws_secret_access_key)
    return None


def block_name(kind: Any) -> str:
    """The name of the one block of a kind that is read, such as "retrain-policy": Prefect's list shows names."""
    return str(kind.get_block_type_slug()).removeprefix("gauntlet-")


def load_block(kind: Any, name: str = "") -> Any:
    """The block of this kind as edited in Prefect; None when none was ever saved under this name, its own by default.

    A block that cannot be read is no missing one: what it forbids or names must not be passed over.

    Raises:
        ServiceDown: Prefect does not answer, or refuses.
        BadInput: what was saved is no valid block of this kind.
    """
    from prefect.exceptions import ObjectNotFound

    name = name or block_name(kind)
    try:
        return kind.load(name)
    except Exception as error:  # noqa: BLE001 - by its cause: ValueError alone may also be a document that does not fit
        if isinstance(error.__cause__, ObjectNotFound):
            return None
        raise _unread(f"{kind.get_block_type_slug()}/{name}", error) from None  # the chain may show the block's secrets


def _unread(block: str, error: Exception) -> BadInput | ServiceDown:
    """Why a block could not be read, without any of its values."""
    from prefect.settings import PREFECT_API_URL
    from pydantic import ValidationError

    for one in (error, error.__cause__):
        if isinstance(one, ValidationError):
            faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in one.errors())
            what = f"the Prefect block {block} cannot be used ({faults})"
            return BadInput(None, what, do="mend it in the Prefect UI, or delete it there to have the defaults")
    answer = getattr(error, "response", None)
    why = type(error).__name__ if answer is None else f"status {answer.status_code}"
    return ServiceDown("Prefect", PREFECT_API_URL.value() or "no address", f"{why} when asked for the block {block}")


def data_root(cfg: Settings) -> Path:
    """Where the data sets are: as the environment says, as the block says, or in the home folder.

    Raises:
        GauntletError: the block counts and cannot be read. A run on the home folder would silently simulate its data.
    """
    from gauntlet.blocks import DataLocation

    if cfg.data_dir is None and (place := load_block(DataLocation)) is not None:
        return Path(place.root).expanduser()
    return cfg.data_root


def resolve(cfg: Settings, *, blocks: bool = True) -> Connection:
    """The servers of this run, and its keys. What the environment names wins over a block, a block over the local stack.

    A block that was saved for the local stack follows it, also when its ports have moved. One that the environment
    makes needless is not asked for.

    Raises:
        GauntletError: no MLflow server is named anywhere, or a block that counts cannot be read (`ServiceDown` where
            Prefect is away): a run on the local stack's servers would be a run on somebody else's models.
    """
    return replace(_servers(cfg, blocks), key_file=cfg.key_file)


def _servers(cfg: Settings, blocks: bool) -> Connection:
    from gauntlet.blocks import ArtifactStore, TrackingServer

    tracking = load_block(TrackingServer) if blocks and not cfg.own_mlflow else None
    store = load_block(ArtifactStore) if blocks and not cfg.own_s3 else None
    tracking = None if tracking is not None and tracking.follow_local_stack else tracking
    store = None if store is not None and store.follow_local_stack else store
    uri = cfg.mlflow_tracking_uri or (tracking.tracking_uri if tracking else local_address(cfg, "mlflow"))
    if not uri:
        raise GauntletError("there is no MLflow server. Run `gauntlet up`, or set MLFLOW_TRACKING_URI to your own.")
    password = read_password(cfg, "mlflow") if uri == local_address(cfg, "mlflow") else None
    bucket, region, endpoint, keys, profile = _store(cfg, store)
    return Connection(uri, bucket, region, endpoint, keys, profile, password)


def _store(cfg: Settings, store: Any) -> tuple[str, str, str | None, Credentials | None, str | None]:
    """(bucket, region, address, keys, profile) of the artifact store: the environment's, the block's, or the local one."""
    if cfg.own_s3:
        return cfg.s3_bucket, cfg.aws_region, cfg.s3_endpoint_url, own_credentials(cfg), cfg.aws_profile or None
    if store:
        keys = Credentials(store.access_key, store.secret_key) if store.access_key and store.secret_key else None
        return store.bucket, store.region, store.endpoint_url or None, keys, None
    if cfg.own_mlflow:  # the local S3 server goes with the local MLflow server only: what it left here is out of date
        return cfg.s3_bucket, cfg.aws_region, None, None, None
    return cfg.s3_bucket, cfg.aws_region, local_address(cfg, "s3"), read_credentials(cfg), None
