"""The process's settings: one class, read from the environment and from the project's `.env`.

What an operator edits while things run lives in Prefect blocks (`blocks/`); what a process needs to start lives here.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, DotEnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from gauntlet.datasets.errors import BadInput

_CORES = os.cpu_count() or 1
_PATHS = ("home", "data_dir", "signing_key")
_DEFAULTS = {"home": ".gauntlet of the checkout", "workers": "number of cores"}  # in words, for the documentation


def project() -> Path:
    """The folder of `.env` and of the state: this checkout, or the user's own folder where Gauntlet is installed without one.

    Never the current folder, which for a scheduled command is anywhere.
    """
    checkout = Path(__file__).resolve().parents[2]
    return checkout if (checkout / "pyproject.toml").is_file() else Path.home()


class _EnvFile(DotEnvSettingsSource):
    """The project's `.env`; a relative path in it is meant from where the file lies."""

    def __init__(self, settings_cls: type[BaseSettings]) -> None:
        super().__init__(settings_cls, env_file=project() / ".env")

    def __call__(self) -> dict[str, Any]:
        values = super().__call__()
        for name in _PATHS:
            if (path := values.get(name)) and not path.startswith("~"):
                values[name] = str(project() / path)
        return values


def _also(own: str, *others: str) -> AliasChoices:
    return AliasChoices(own, *others)


class Settings(BaseSettings):
    """Every setting has a working default; naming a server of your own means that none is started for it."""

    model_config = SettingsConfigDict(
        env_prefix="GAUNTLET_",
        env_file_encoding="utf-8",
        extra="ignore",
        populate_by_name=True,
    )

    home: Path = Field(
        default_factory=lambda: project() / ".gauntlet",
        description="All state: servers, caches, data, keys. Remove it for a clean start.",
    )
    data_dir: Path | None = Field(
        None, description="Root of the data sets, one folder each. Default: `data/` in the home folder."
    )
    signing_key: Path | None = Field(
        None,
        description="File of the keys (PEM, Ed25519) that sign models and the loop's documents; on a further host the "
        "mounted one of the first. Default: `keys/signing.pem` in the home folder, made once.",
    )
    workers: int = Field(_CORES, ge=1, description="How many candidates or chunks are worked on at once.")
    quarantine_limit: float = Field(
        0.05, ge=0, le=1, description="Share of unusable files past which a gauntlet fails."
    )
    quiet_s: float = Field(
        2.0, ge=0, description="Seconds that a file must not have changed before it is scored; what changes waits."
    )
    lateness_h: float = Field(
        24.0,
        ge=0,
        description="Hours by which a row may come late and still change alarms; later ones are scored, kept, marked late.",
    )
    claims_url: SecretStr | None = Field(
        None,
        description="SQLAlchemy address of the claims database, `postgresql://…`. Default: a SQLite file in the home folder.",
    )
    webhook_secret: SecretStr | None = Field(
        None,
        description="Secret that calls of the webhook are signed with, `whsec_…`; else the block `gauntlet-webhook`.",
    )
    image_registry: str | None = Field(
        None, description="Registry that `gauntlet lock-images` asks in place of each image's own, such as a mirror."
    )
    osv_url: str = Field(
        "https://api.osv.dev", description="Database of known weaknesses that `gauntlet audit-lock` asks."
    )
    service_timeout_s: float = Field(120.0, gt=0, description="Seconds to wait for a server to become healthy.")

    traceback: bool = Field(False, description="Show the traceback of an error that is not one of ours.")

    prefect_api_url: str | None = Field(
        None,
        validation_alias=_also("GAUNTLET_PREFECT_API_URL", "PREFECT_API_URL"),
        description="Your own Prefect server's API.",
    )
    mlflow_tracking_uri: str | None = Field(
        None,
        validation_alias=_also("GAUNTLET_MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_URI"),
        description="Your own MLflow tracking server.",
    )
    s3_endpoint_url: str | None = Field(
        None,
        validation_alias=_also(
            "GAUNTLET_S3_ENDPOINT_URL", "MLFLOW_S3_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"
        ),
        description="Your own S3 server; leave unset for Amazon's when `AWS_ACCESS_KEY_ID` or `AWS_PROFILE` is set.",
    )
    s3_bucket: str = Field("maintenance-artifacts", description="Bucket that holds models, reports and plots.")
    aws_access_key_id: str | None = Field(
        None,
        validation_alias=_also("GAUNTLET_AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY_ID"),
        description="S3 access key.",
    )
    aws_secret_access_key: SecretStr | None = Field(
        None,
        validation_alias=_also("GAUNTLET_AWS_SECRET_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY"),
        description="S3 secret key; never logged.",
    )
    aws_profile: str | None = Field(
        None,
        validation_alias=_also("GAUNTLET_AWS_PROFILE", "AWS_PROFILE"),
        description="Profile of the AWS configuration.",
    )
    aws_region: str = Field(
        "us-east-1",
        validation_alias=_also("GAUNTLET_AWS_REGION", "AWS_REGION", "AWS_DEFAULT_REGION"),
        description="S3 region.",
    )

    prefect_port: int = Field(
        4200, ge=1024, le=65535, description="Port wished for the local Prefect server; moved when taken."
    )
    mlflow_port: int = Field(
        5000, ge=1024, le=65535, description="Port wished for the local MLflow server; moved when taken."
    )
    s3_port: int = Field(8333, ge=1024, le=54999, description="Port wished for the local S3 server; moved when taken.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - it looks in the current folder
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is given, then the environment, then the project's `.env`."""
        return init_settings, env_settings, _EnvFile(settings_cls), file_secret_settings

    @field_validator(*_PATHS)
    @classmethod
    def _in_full(cls, path: Path | None) -> Path | None:
        """Once, where it is read: `~` and a relative path are then the same place to every user, children too."""
        try:
            return path and path.expanduser().absolute()
        except RuntimeError:  # ~somebody who is not a user of this machine
            raise ValueError("there is no such user's folder on this machine, give the path in full") from None

    @property
    def data_root(self) -> Path:
        """Where data sets live, one folder each."""
        return self.data_dir or self.home / "data"

    @property
    def state(self) -> Path:
        """The home folder."""
        return self.home

    @property
    def key_file(self) -> Path:
        """Where the keys of this installation are."""
        return self.signing_key or self.home / "keys" / "signing.pem"

    @property
    def own_prefect(self) -> bool:
        """True when the user named a Prefect server."""
        return bool(self.prefect_api_url)

    @property
    def own_mlflow(self) -> bool:
        """True when the user named an MLflow server."""
        return bool(self.mlflow_tracking_uri)

    @property
    def own_s3(self) -> bool:
        """True when the user named an S3 server or brought AWS credentials."""
        return bool(self.s3_endpoint_url or self.aws_access_key_id or self.aws_profile)


def private_home(cfg: Settings) -> Path:
    """The home folder, made where it is missing and closed to everybody else: its databases and keys lie open in it.

    Raises:
        BadInput: it cannot be made, or lets others in and belongs to somebody else.
    """
    home = cfg.home
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        if home.stat().st_mode & 0o077:
            home.chmod(0o700)
    except OSError as error:
        what = f"the home folder cannot be used: {error.strerror}"
        raise BadInput(home, what, do="name another by GAUNTLET_HOME") from None
    return home


def variables() -> list[tuple[str, tuple[str, ...], str, str]]:
    """(environment name, other names that are read, default, description) of every setting, for the documentation."""
    rows = []
    for name, field in Settings.model_fields.items():
        alias = field.validation_alias
        names = [str(c) for c in alias.choices] if isinstance(alias, AliasChoices) else [f"GAUNTLET_{name.upper()}"]
        default = _DEFAULTS.get(name) or ("" if field.default is None else str(field.default))
        rows.append((names[0], tuple(names[1:]), default, field.description or ""))
    return rows


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process; `settings.cache_clear()` reads them anew.

    Raises:
        BadInput: a variable has a value that its setting cannot take; the message names the variable.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "?"
        variable = name if name.isupper() else f"GAUNTLET_{name.upper()}"
        raise BadInput(None, f"setting {variable} = {first['input']!r}: {first['msg']}") from None
