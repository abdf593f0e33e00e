"""Whether a version may be champion at all: not leaked, signed by us, unaltered, loadable, and it answers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import requests
from botocore.exceptions import BotoCoreError, ClientError
from mlflow.exceptions import MlflowException

from gauntlet.datasets.address import one_line
from gauntlet.datasets.errors import GauntletError, NotPromotable, ServiceDown
from gauntlet.tasks.models.answer import answer
from gauntlet.tasks.registry.aliases import Holder
from gauntlet.tasks.registry.keys import Verifier
from gauntlet.tasks.registry.load import LoadedModel, find_version, load

# A server that is away says nothing about the model; `gauntlet.tasks.runtime.tracking.servers` gives these their words.
_OUTAGES = (ServiceDown, requests.RequestException, MlflowException, BotoCoreError, ClientError, ConnectionError)


def examine(version: Holder, key: Verifier) -> LoadedModel:
    """The version, verified and loaded, after it has answered its own input example.

    Raises:
        NotPromotable: leaked, unsigned, altered, not loadable, without an example, or its answer is not finite.
    """
    refuse_leaked(version)
    try:
        loaded = load(version.name, version.version, key)
    except _OUTAGES:
        raise
    except Exception as error:  # whatever a broken file makes the reader say
        raise NotPromotable(f"{_named(version)} cannot be loaded: {_short(error)}") from error
    loaded.refuse_leaked()
    try:
        rows = loaded.example()
    except GauntletError as error:
        raise NotPromotable(str(error)) from None
    try:
        answered = answer(loaded.model, rows)
    except Exception as error:
        raise NotPromotable(f"{_named(version)} fails on its own input example: {_short(error)}") from error
    if len(answered) != len(rows) or not np.isfinite(np.asarray(answered, np.float64)).all():
        raise NotPromotable(f"{_named(version)} answers its own input example with gaps or infinities.")
    return loaded


def refuse_leaked(version: Holder) -> None:
    """Nothing, for a version that is not marked as leaked.

    Raises:
        NotPromotable: it is, or there is no such version.
    """
    if tags_of(version).get("leaked") == "true":
        raise NotPromotable(f"{_named(version)} was trained on leaked columns and can never be champion.")


def tags_of(version: Holder) -> Mapping[str, str]:
    """The version's tags.

    Raises:
        NotPromotable: there is no such version.
    """
    try:
        return dict(find_version(version.name, version.version).tags)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            raise NotPromotable(f"There is no {_named(version)}.") from None
        raise


def _named(version: Holder) -> str:
    return f"{version.name} version {version.version}"


def _short(error: BaseException) -> str:
    text = one_line(error, 300)
    return text if isinstance(error, GauntletError) else f"{type(error).__name__}: {text}"
