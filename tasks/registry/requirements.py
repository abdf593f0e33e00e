"""The libraries that a model needs to be used, pinned to the versions that it was made with."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

from gauntlet.datasets.errors import GauntletError

# Loading needs these whatever the model is made of; boto3, because that is how MLflow fetches a version from S3.
_ALWAYS = ("mlflow", "boto3", "numpy", "pandas", "scipy", "skops")
# Where the name that is imported is not the name that is installed.
_INSTALLED_AS = {"sklearn": "scikit-learn"}


def requirements(libraries: Iterable[str]) -> list[str]:
    """The pip requirements of what imports these libraries.

    Raises:
        GauntletError: one is not installed under a name that is known.
    """
    names = sorted({_INSTALLED_AS.get(name, name) for name in (*_ALWAYS, "sklearn", *libraries)})
    try:
        return [f"{name}=={version(name)}" for name in names]
    except PackageNotFoundError as error:
        raise GauntletError(f"a model needs {error.name}, which is not installed under that name") from None
