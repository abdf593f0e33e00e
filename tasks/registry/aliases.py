"""Who is champion. The first best candidate is; later ones become challenger, and only promotion moves `champion`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from gauntlet.datasets.errors import NotPromotable

CHAMPION, CHALLENGER, PREVIOUS = "champion", "challenger", "previous"
UNUSABLE = "unusable"  # the tag that says why; a version that bears it is as if it were not there
_READINGS = 3


@dataclass(frozen=True)
class Holder:
    """The version that an alias points at."""

    name: str
    version: int


def aliases_of(name: str) -> dict[str, int]:
    """Alias -> version of a registered model; empty when there is no such model. (List calls leave aliases out.)"""
    try:
        return {alias: int(version) for alias, version in MlflowClient().get_registered_model(name).aliases.items()}
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return {}
        raise


def holder(names: Iterable[str], alias: str) -> Holder | None:
    """The version among these models that holds the alias.

    While the champion moves from one model to another, two may hold the alias, and models that are read one after the
    other may show it on neither or on both: then they are read again.
    """
    names = tuple(names)
    for _ in range(_READINGS):
        seen = {name: aliases_of(name) for name in names}
        if alias != CHAMPION:
            return next((Holder(name, held[alias]) for name, held in seen.items() if alias in held), None)
        champions = [Holder(name, held[CHAMPION]) for name, held in seen.items() if CHAMPION in held]
        if len(champions) == 1 or (len(champions) > 1 and any(_leaving(seen, champion) for champion in champions)):
            break
    return champion_in(seen)


def champion_in(seen: Mapping[str, Mapping[str, int]]) -> Holder | None:
    """The champion by model -> alias -> version: of several, the first that is not on its way out."""
    champions = [Holder(name, held[CHAMPION]) for name, held in seen.items() if CHAMPION in held]
    staying = [champion for champion in champions if not _leaving(seen, champion)]
    return next(iter(staying or champions), None)


def _leaving(seen: Mapping[str, Mapping[str, int]], champion: Holder) -> bool:
    """True for a champion that is `previous` already: promotion sets that first (tasks/promotion/move.py)."""
    return seen[champion.name].get(PREVIOUS) == champion.version


def give(name: str, version: int, alias: str) -> None:
    """Point an alias at a version.

    Raises:
        NotPromotable: the version is marked as leaked; it can hold neither alias.
    """
    client = MlflowClient()
    if client.get_model_version(name, str(version)).tags.get("leaked") == "true":
        raise NotPromotable(f"{name} version {version} was trained on leaked columns and can never be {alias}.")
    client.set_registered_model_alias(name, alias, str(version))


def _unusable(version: Holder) -> bool:
    """True for a version whose folder or key is lost (publish.py): it can neither score nor be compared with."""
    return UNUSABLE in MlflowClient().get_model_version(version.name, str(version.version)).tags


def enter(names: Iterable[str], best: Holder) -> None:
    """Make the best candidate champion where the gauntlet has none that can be used, else challenger.

    Nothing, where it is champion already.
    """
    names = tuple(names)
    champion = holder(names, CHAMPION)
    if champion == best:
        return
    if champion is None or _unusable(champion):
        give(best.name, best.version, CHAMPION)
        if champion is not None and champion.name != best.name:
            MlflowClient().delete_registered_model_alias(champion.name, CHAMPION)
        return
    give(best.name, best.version, CHALLENGER)
    for name in names:  # one challenger per gauntlet: an older one on another model steps back
        if name != best.name and CHALLENGER in aliases_of(name):
            MlflowClient().delete_registered_model_alias(name, CHALLENGER)
