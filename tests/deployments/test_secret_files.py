"""`gauntlet secrets` makes each secret once and shows none; a container's first step reads them, or says what to do."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from gauntlet.deployments.databases import read_owner
from gauntlet.deployments.hook_message import checked_secret
from gauntlet.deployments.secret_files import CONTENTS, IMAGE_USER, SIGNING_KEY, containers_user, make_secrets
from gauntlet.tasks.registry.keys import signing_key


def gauntlet(*words: str) -> subprocess.CompletedProcess[str]:
    """The command line as a user calls it."""
    command = [sys.executable, "-c", "from gauntlet.deployments.cli import main; main()", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_each_is_made_once_closed_and_never_shown(tmp_path: Path) -> None:
    """A second call changes no byte; what was removed, and nothing else, is made anew."""
    folder = tmp_path / "secrets"
    told = gauntlet("secrets", "--folder", str(folder))
    assert told.returncode == 0, told.stderr
    files = {name: folder / name for name in (*CONTENTS, SIGNING_KEY)}
    assert {file.name for file in folder.iterdir()} == set(files)
    owner = containers_user()
    assert {(stat.S_IMODE(file.stat().st_mode), file.stat().st_uid) for file in files.values()} == {(0o600, owner)}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert owner == (os.geteuid() or IMAGE_USER)
    assert f"GAUNTLET_UID={owner}" in told.stdout
    before = {name: file.read_text() for name, file in files.items()}
    assert len({text.strip().rpartition(":")[2] for text in before.values()}) == len(files), (
        "one password for one thing"
    )
    assert not [name for name, text in before.items() if text.strip().rpartition(":")[2] in told.stdout + told.stderr]

    assert make_secrets(folder) == []
    files["prefect_login"].unlink()
    assert make_secrets(folder) == ["prefect_login"]
    after = {name: file.read_text() for name, file in files.items()}
    assert {name for name in files if before[name] != after[name]} == {"prefect_login"}


def test_each_is_what_its_reader_takes(tmp_path: Path) -> None:
    """A ring of keys, a secret of webhooks, a user with a password, a line of PostgreSQL's password file."""
    make_secrets(tmp_path)
    assert len(signing_key(tmp_path / SIGNING_KEY).names) == 1
    checked_secret(SecretStr((tmp_path / "webhook_secret").read_text()))
    assert (tmp_path / "prefect_login").read_text().startswith("gauntlet:")
    owner = read_owner(tmp_path / "claims_database")
    assert (owner.database, owner.user, len(owner.password)) == ("claims", "claims", 48)
    assert owner.password not in repr(owner)


def test_a_secret_in_a_file_reaches_the_program_that_reads_its_environment(tmp_path: Path) -> None:
    """By the container's entrypoint; what stands in the environment itself wins; other variables are left alone."""
    file = tmp_path / "prefect_login"
    file.write_text("gauntlet:word\n")
    environment = {
        **os.environ, "PREFECT_API_AUTH_STRING_FILE": str(file), "PGPASSWORD_FILE": str(file), "PGPASSWORD": "own",
        "SSL_CERT_FILE": str(file), "PREFECT_API_AUTH_STRING": "",
    }  # fmt: skip
    shown = "import os; print([os.environ.get(n) for n in ('PREFECT_API_AUTH_STRING', 'PGPASSWORD', 'SSL_CERT')])"
    command = [sys.executable, "-m", "gauntlet.deployments.entrypoint", sys.executable, "-c", shown]
    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (told.stdout, told.stderr) == ("['gauntlet:word', 'own', None]\n", "")


def test_a_secret_that_cannot_be_read_ends_the_container_in_one_line(tmp_path: Path) -> None:
    """It names the file, the user and what to do; so does a command that is not there."""
    environment = {**os.environ, "AWS_SECRET_ACCESS_KEY": "", "AWS_SECRET_ACCESS_KEY_FILE": str(tmp_path / "gone")}
    entrypoint = [sys.executable, "-m", "gauntlet.deployments.entrypoint"]
    told = subprocess.run([*entrypoint, "true"], env=environment, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stderr.count("\n")) == (1, 1)
    assert str(tmp_path / "gone") in told.stderr
    assert f"by user {os.geteuid()}" in told.stderr
    assert "gauntlet secrets" in told.stderr
    told = subprocess.run([*entrypoint, "no-such-program"], capture_output=True, text=True, check=False)
    assert (told.returncode, told.stderr) == (1, "gauntlet: no-such-program cannot be run: No such file or directory\n")


def test_a_command_in_a_running_container_finds_them_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`docker compose exec worker gauntlet ...` does not come by the entrypoint: the command line reads them itself."""
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD_FILE", str(tmp_path / "gone"))
    monkeypatch.delenv("MLFLOW_TRACKING_PASSWORD", raising=False)  # of a stack that other tests have up
    told = gauntlet("keys", "list")
    assert (told.returncode, told.stderr.count("\n")) == (2, 1)
    assert str(tmp_path / "gone") in told.stderr


@pytest.mark.parametrize("line", ["", "word", "postgres:5432:claims:claims:", "postgres:5432:Claims;:claims:word"])
def test_no_database_is_made_of_a_line_that_names_none(line: str, tmp_path: Path) -> None:
    """The init step says which file and how to mend it."""
    (tmp_path / "claims_database").write_text(line)
    command = [sys.executable, "-m", "gauntlet.deployments.databases", "postgresql://nobody@127.0.0.1:9/none"]
    told = subprocess.run([*command, str(tmp_path / "claims_database")], capture_output=True, text=True, check=False)
    assert (told.returncode, told.stderr.count("\n")) == (1, 1)
    assert "expected host:port:database:user:password" in told.stderr
