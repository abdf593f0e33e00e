"""The aliases of a gauntlet, moved so that a kill -9 after any call leaves a legal state.

A gauntlet's models share one champion, one challenger and one previous champion. Within a model an alias moves in one
call; from model A to model C it takes two, and in between both hold it. What then counts:

    two champions   the one that is also `previous` is on its way out (`gauntlet.tasks.registry.aliases.champion_in`)
    two previous    the one that is also champion is not previous yet
    champion alone as its own previous: the move was begun or undone; its tag `succeeds` names its predecessor

    promote   tag C: succeeds A   previous -> A   champion -> C   [drop A's champion]   drop C's challenger
    rollback  tag C: rolled_back  champion -> A   [drop C's champion]                   previous -> A's predecessor

Across models a promotion counts from its second alias call on, a rollback from the drop of C's champion. `repair` ends
every half-made state as readers see it, and is also how both moves end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from mlflow import MlflowClient

from gauntlet.datasets.errors import NotPromotable
from gauntlet.tasks.claims import Check, always
from gauntlet.tasks.promotion.smoke import examine, tags_of
from gauntlet.tasks.registry.aliases import CHALLENGER, CHAMPION, PREVIOUS, Holder, aliases_of, champion_in
from gauntlet.tasks.registry.keys import Verifier

SUCCEEDS, ROLLED_BACK, PROMOTED = "succeeds", "rolled_back", "promoted"


@dataclass(frozen=True)
class Standing:
    """Who holds the gauntlet's aliases."""

    champion: Holder | None
    previous: Holder | None
    challenger: Holder | None


def standing(names: Iterable[str]) -> Standing:
    """Who holds the aliases of these models, half-made moves read as readers do."""
    return _standing(_read(tuple(names)))


def promote(
    names: Iterable[str],
    challenger: Holder,
    who: str,
    why: str,
    *,
    key: Verifier,
    again: bool = False,
    check: Check = always,
) -> Standing:
    """Make the challenger champion; the old champion is `previous` before it stops being champion. Safe to repeat.

    Args:
        names: the gauntlet's registered models.
        challenger: the version that is to be champion; it need not hold the alias.
        who, why: kept as the version's tag `promoted`.
        key: that models are signed with.
        again: also a version that was rolled back before.
        check: called before every change; raises when the right to make it was lost (`Hold.check`).

    Raises:
        NotPromotable: of another gauntlet, leaked, rolled back before, unsigned, altered, not loadable or mute;
            nothing was moved.
    """
    names = tuple(names)
    if challenger.name not in names:
        raise NotPromotable(f"{challenger.name} is none of this gauntlet's models: {', '.join(names)}.")
    now = repair(names, check=check)
    if now.champion == challenger:
        return now
    if not again and (said := tags_of(challenger).get(ROLLED_BACK)):
        raise NotPromotable(f"{challenger.name} version {challenger.version} was rolled back: {said}.")
    examine(challenger, key)
    if now.champion is not None:
        _tag(challenger, SUCCEEDS, f"{now.champion.name}/{now.champion.version}", check)
    _tag(challenger, PROMOTED, _signed_off(who, why), check)
    if now.champion is not None:
        _move(names, PREVIOUS, now.champion, check)
    _set(CHAMPION, challenger, check)
    return repair(names, check=check)


def rollback(names: Iterable[str], who: str, why: str, *, key: Verifier, check: Check = always) -> Standing:
    """Make the previous champion champion again, and its own predecessor, where it has one, `previous`.

    The version that steps down is tagged `rolled_back` with who and why, and is not promoted again by itself.

    Raises:
        NotPromotable: there is no previous champion, or it cannot be loaded any more; nothing was moved.
    """
    names = tuple(names)
    now = repair(names, check=check)
    if now.champion is None or now.previous is None:
        raise NotPromotable(f"No previous champion to go back to among {', '.join(names)}.")
    examine(now.previous, key)
    _tag(now.champion, ROLLED_BACK, _signed_off(who, why), check)
    _set(CHAMPION, now.previous, check)
    if now.champion.name != now.previous.name:
        _drop(CHAMPION, now.champion.name, check)
    return repair(names, check=check)


def repair(names: Iterable[str], *, check: Check = always) -> Standing:
    """One holder per alias, as readers see it already; nothing is changed where nothing is half made. Idempotent."""
    names = tuple(names)
    seen = _read(names)
    now = _standing(seen)
    if now.champion is None:
        return now
    for name in _holders(seen, CHAMPION):
        if name != now.champion.name:
            _drop(CHAMPION, name, check)
    _mend_previous(names, seen, now.champion, check)
    for name, version in _holders(seen, CHALLENGER).items():
        if Holder(name, version) == now.champion:
            _drop(CHALLENGER, name, check)
    if ROLLED_BACK in tags_of(now.champion):  # it is champion: the rollback was not made, or it was promoted again
        check()
        MlflowClient().delete_model_version_tag(now.champion.name, str(now.champion.version), ROLLED_BACK)
    return standing(names)


def _mend_previous(
    names: tuple[str, ...], seen: Mapping[str, Mapping[str, int]], champion: Holder, check: Check
) -> None:
    """`previous` on one model, and never on the champion itself."""
    held = [Holder(name, version) for name, version in _holders(seen, PREVIOUS).items()]
    others = [one for one in held if one != champion]
    rightful = _predecessor(names, champion) if champion in held else None
    # A move that was cut off left both: the one that the champion succeeded is right, else the one that is there.
    keep = rightful if rightful is not None else others[0] if others else None
    if keep is not None and (champion in held or len(held) > 1):
        _move(names, PREVIOUS, keep, check)
    elif keep is None and champion in held:
        _drop(PREVIOUS, champion.name, check)


def _predecessor(names: tuple[str, ...], champion: Holder) -> Holder | None:
    """The version that this one succeeded, while it is in the registry and was not rolled back."""
    name, _, version = tags_of(champion).get(SUCCEEDS, "").rpartition("/")
    if name not in names or not version.isdigit():
        return None
    found = Holder(name, int(version))
    try:
        tags = tags_of(found)
    except NotPromotable:  # deleted since
        return None
    return None if ROLLED_BACK in tags or found == champion else found


def _read(names: tuple[str, ...]) -> dict[str, dict[str, int]]:
    return {name: aliases_of(name) for name in names}


def _holders(seen: Mapping[str, Mapping[str, int]], alias: str) -> dict[str, int]:
    return {name: held[alias] for name, held in seen.items() if alias in held}


def _standing(seen: Mapping[str, Mapping[str, int]]) -> Standing:
    champion = champion_in(seen)
    previous = [Holder(*one) for one in _holders(seen, PREVIOUS).items()]
    challengers = [Holder(*one) for one in _holders(seen, CHALLENGER).items()]
    return Standing(
        champion,
        next((one for one in previous if one != champion), None),
        next((challenger for challenger in challengers if challenger != champion), None),
    )


def _signed_off(who: str, why: str) -> str:
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC by {who}: {why}"[:4_000]


def _tag(version: Holder, tag: str, text: str, check: Check) -> None:
    check()
    MlflowClient().set_model_version_tag(version.name, str(version.version), tag, text)


def _set(alias: str, to: Holder, check: Check) -> None:
    check()
    MlflowClient().set_registered_model_alias(to.name, alias, str(to.version))


def _drop(alias: str, name: str, check: Check) -> None:
    check()
    MlflowClient().delete_registered_model_alias(name, alias)


def _move(names: tuple[str, ...], alias: str, to: Holder, check: Check) -> None:
    """Set it on its new holder, then drop it from every other model."""
    seen = _read(names)
    if seen[to.name].get(alias) != to.version:
        _set(alias, to, check)
    for name in _holders(seen, alias):
        if name != to.name:
            _drop(alias, name, check)
