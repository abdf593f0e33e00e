"""The lock: every package with its version and hashes, for Python 3.11 to 3.13. `python -m gauntlet.deployments.lock [--check]`.

A requirements file rather than uv's own lock: that one records the address of the index it was made with.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

from gauntlet.datasets.errors import GauntletError

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.lock"


def resolve() -> None:
    """Write the lock anew.

    Raises:
        GauntletError: the packages cannot be resolved.
    """
    command = [
        str(Path(sys.executable).parent / "uv"),
        "pip",
        "compile",
        "--quiet",
        "--universal",
        "--python-version",
        "3.11",
        "--all-extras",
        "--generate-hashes",
        "--no-emit-index-url",
        "--no-header",
        "--no-annotate",
        "pyproject.toml",
        "-o",
        str(LOCK),
    ]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        raise GauntletError("the packages could not be resolved, see above.")


def pinned() -> dict[str, list[Version]]:
    """Name -> versions in the lock (more than one where Python versions differ)."""
    versions: dict[str, list[Version]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^ ;\\]+)", LOCK.read_text(), re.MULTILINE):
        versions.setdefault(_canonical(name), []).append(Version(version))
    return versions


def declared() -> list[Requirement]:
    """The requirements of pyproject.toml, extras included."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [one for group in project["optional-dependencies"].values() for one in group]
    return [Requirement(text) for text in (*project["dependencies"], *extras)]


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def outdated() -> list[str]:
    """The declared requirements that the lock does not meet. Needs no network."""
    versions = pinned()
    return [
        str(requirement)
        for requirement in declared()
        if not versions.get(_canonical(requirement.name))
        or not all(version in requirement.specifier for version in versions[_canonical(requirement.name)])
    ]


if __name__ == "__main__":
    if "--check" not in sys.argv:
        resolve()
    elif wrong := outdated():
        sys.exit(f"requirements.lock does not meet {', '.join(wrong)}; run `make lock`")
