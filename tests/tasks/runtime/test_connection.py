"""Which servers a run uses: environment before block before local stack."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gauntlet.blocks import ArtifactStore, DataLocation, TrackingServer
from gauntlet.datasets.errors import BadInput, GauntletError
from gauntlet.tasks.runtime import connection
from gauntlet.tasks.runtime import settings as settings_module
from gauntlet.tasks.runtime.connection import Connection, Credentials, block_name, data_root, resolve, s3_client
from gauntlet.tasks.runtime.settings import Settings, settings

NAMES = (
    "MLFLOW_TRACKING_URI", "MLFLOW_S3_ENDPOINT_URL", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION",
    "GAUNTLET_DATA_DIR", "GAUNTLET_HOME", "GAUNTLET_S3_PORT", "NO_PROXY", "no_proxy",
)  # fmt: skip


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A home whose local stack was up once, and an environment that names no server."""
    for name in NAMES:
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("GAUNTLET_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    write_stack(tmp_path, mlflow=5000, s3=8333)
    keys = {"access_key": "local", "secret_key": "local-secret"}
    (tmp_path / "stack" / "credentials.json").write_text(json.dumps(keys))
    return tmp_path


def write_stack(home: Path, **ports: int) -> None:
    (home / "stack").mkdir(exist_ok=True)
    for name, port in ports.items():
        record = {"pid": 1, "created": 0.0, "port": port, "url": f"http://127.0.0.1:{port}"}
        (home / "stack" / f"{name}.json").write_text(json.dumps(record))


def of(home: Path) -> Settings:
    return Settings.model_validate({"home": home})


@pytest.fixture
def saved(stack: Any) -> Iterator[Any]:
    """Blocks saved in the real Prefect server, those that were there put back at the end."""
    kinds = (TrackingServer, ArtifactStore, DataLocation)
    before = [connection.load_block(kind) for kind in kinds]
    yield lambda block: block.save(block_name(block), overwrite=True)
    for kind, was in zip(kinds, before, strict=True):
        if was is not None:
            was.save(block_name(was), overwrite=True)
        elif connection.load_block(kind) is not None:
            kind.delete(block_name(kind))


def test_without_anything_the_local_stack_is_used(home: Path) -> None:
    """Its addresses and its keys."""
    found = resolve(of(home), blocks=False)
    assert (found.tracking_uri, found.s3_endpoint_url) == ("http://127.0.0.1:5000", "http://127.0.0.1:8333")
    assert found.credentials is not None
    assert found.credentials.access_key == "local"


def test_environment_wins_over_block_wins_over_local_stack(
    home: Path, saved: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The three roads, one after the other, on a real Prefect server."""
    saved(TrackingServer(tracking_uri="http://block:1"))
    saved(ArtifactStore(bucket="theirs", endpoint_url="http://block:2", access_key="a", secret_key="block-secret"))
    by_block = resolve(of(home))
    assert (by_block.tracking_uri, by_block.s3_endpoint_url, by_block.bucket) == (
        "http://block:1", "http://block:2", "theirs",
    )  # fmt: skip
    assert by_block.credentials is not None
    assert by_block.credentials.secret_key.get_secret_value() == "block-secret"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://environment:1")
    monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", "http://environment:2")
    by_environment = resolve(of(home))
    assert (by_environment.tracking_uri, by_environment.s3_endpoint_url) == (
        "http://environment:1", "http://environment:2",
    )  # fmt: skip


def test_a_block_that_follows_the_local_stack_finds_it_on_other_ports(home: Path, saved: Any) -> None:
    """It was saved when the stack had other ports."""
    saved(TrackingServer(tracking_uri="http://127.0.0.1:5000", follow_local_stack=True))
    saved(ArtifactStore(endpoint_url="http://127.0.0.1:8333", follow_local_stack=True))
    write_stack(home, mlflow=23456, s3=23457)
    found = resolve(of(home))
    assert (found.tracking_uri, found.s3_endpoint_url) == ("http://127.0.0.1:23456", "http://127.0.0.1:23457")
    assert found.credentials is not None


def test_a_block_can_hide_from_this_call(home: Path, saved: Any) -> None:
    """`blocks=False` asks no Prefect server."""
    saved(TrackingServer(tracking_uri="http://block:1"))
    assert resolve(of(home), blocks=False).tracking_uri == "http://127.0.0.1:5000"


def test_own_mlflow_never_gets_the_local_stacks_old_s3(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The local S3 server does not run then; boto3 finds the user's own."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://plant")
    found = resolve(of(home), blocks=False)
    assert (found.s3_endpoint_url, found.credentials) == (None, None)


def test_temporary_credentials_are_left_to_boto3(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key pair without its session token would be refused."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "k")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    assert resolve(of(home), blocks=False).credentials == Credentials("k", of(home).aws_secret_access_key)  # type: ignore[arg-type]
    monkeypatch.setenv("AWS_SESSION_TOKEN", "t")
    assert resolve(of(home), blocks=False).credentials is None


def test_the_data_location_block_is_used_unless_the_environment_names_a_folder(home: Path, saved: Any) -> None:
    """Environment, block, home."""
    assert data_root(Settings.model_validate({"home": home, "data_dir": "/srv/env"})) == Path("/srv/env")
    saved(DataLocation(root=Path("/srv/block")))
    assert data_root(of(home)) == Path("/srv/block")
    assert data_root(Settings.model_validate({"home": home, "data_dir": "/srv/env"})) == Path("/srv/env")


def test_no_server_at_all_is_one_line_that_says_what_to_do(home: Path) -> None:
    """`gauntlet up`, or one's own."""
    (home / "stack" / "mlflow.json").unlink()
    with pytest.raises(GauntletError, match=r"Run `gauntlet up`, or set MLFLOW_TRACKING_URI") as caught:
        resolve(of(home), blocks=False)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "[1]", "{", "null", '{"url": 7']
)  # fmt: skip
def test_a_spoilt_file_of_the_stack_counts_as_none(home: Path, text: str) -> None:
    """Neither a traceback nor half an address."""
    (home / "stack" / "mlflow.json").write_text(text)
    (home / "stack" / "credentials.json").write_text(text)
    assert connection.local_address(of(home), "mlflow") is None
    assert connection.read_credentials(of(home)) is None


def test_secrets_do_not_show(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In no representation of a connection, of settings, of a block."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "k")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very-secret")
    cfg = of(home)
    store = ArtifactStore(access_key="k", secret_key="very-secret")
    for shown in (resolve(cfg, blocks=False), cfg, store):
        assert "very-secret" not in f"{shown!r} {shown}"
    assert "local-secret" not in repr(connection.read_credentials(cfg))


def test_export_names_the_servers_to_mlflow_and_boto3(home: Path) -> None:
    """In this process's environment, which child processes inherit; a token of other keys goes."""
    import mlflow

    before = mlflow.get_tracking_uri()
    os.environ["AWS_SESSION_TOKEN"] = "of other keys"
    try:
        resolve(of(home), blocks=False).export()
        assert mlflow.get_tracking_uri() == os.environ["MLFLOW_TRACKING_URI"] == "http://127.0.0.1:5000"
        assert os.environ["MLFLOW_S3_ENDPOINT_URL"] == "http://127.0.0.1:8333"
        assert (os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]) == ("local", "local-secret")
        assert "AWS_SESSION_TOKEN" not in os.environ
        assert "127.0.0.1" in os.environ["NO_PROXY"]
    finally:
        mlflow.set_tracking_uri(before)


def test_export_leaves_announcing_runs_and_versions_to_us(home: Path) -> None:
    """MLflow says only what went wrong: the results table has every run and version."""
    import mlflow

    before, logger = mlflow.get_tracking_uri(), logging.getLogger("mlflow")
    level = logger.level
    try:
        logger.setLevel(logging.INFO)
        os.environ.pop("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", None)
        resolve(of(home), blocks=False).export()
        assert not logger.isEnabledFor(logging.INFO)
        assert logger.isEnabledFor(logging.WARNING)
        assert os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] == "true"
    finally:
        mlflow.set_tracking_uri(before)
        logger.setLevel(level)


def test_a_wildcard_against_proxies_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """`*` is a word of its own, not a member of the list."""
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("no_proxy", "*")
    connection.bypass_proxy()
    assert os.environ["no_proxy"] == os.environ["NO_PROXY"] == "*"


def test_a_named_profile_reaches_boto3(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also from the project's `.env`, which boto3 does not read."""
    monkeypatch.setattr(settings_module, "project", lambda: home)
    (home / "aws").write_text("[plant]\naws_access_key_id = of-the-plant\naws_secret_access_key = s\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(home / "aws"))
    (home / ".env").write_text("AWS_PROFILE=plant\nMLFLOW_TRACKING_URI=http://plant\n")
    found = resolve(of(home), blocks=False)
    assert found == Connection(
        "http://plant", "maintenance-artifacts", "us-east-1", None, None, "plant", key_file=of(home).key_file
    )
    assert found.s3()._request_signer._credentials.access_key == "of-the-plant"


def test_a_client_of_an_own_server_uses_paths(home: Path) -> None:
    """Self-hosted S3 has no host name per bucket."""
    assert s3_client("http://plant:1", None, "us-east-1").meta.config.s3 == {"addressing_style": "path"}


@pytest.mark.parametrize(("name", "value"), [("GAUNTLET_S3_PORT", "abc"), ("GAUNTLET_S3_PORT", "60000")])
def test_a_bad_setting_names_its_variable(home: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """One line with the variable and its value."""
    monkeypatch.setenv(name, value)
    settings.cache_clear()
    with pytest.raises(BadInput, match=f"{name} = '{value}'") as caught:
        settings()
    assert "\n" not in str(caught.value)
