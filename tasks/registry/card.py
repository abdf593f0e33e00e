"""What a version is, in our own signed words: what MLflow says of it, and its tags, anybody with access can change.

    m-…/artifacts/card.json     in the model's folder and under its signature: name, gauntlet, machine, source, leaked,
                                work key, model id, commit
    m-…/registration.json       beside the folder, signed, written once the version has its number: name, number, digest
                                of the card

A version counts from its registration on: without it nothing loads, so that no alias can come to point at it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from gauntlet.datasets.errors import Altered, Unsigned
from gauntlet.tasks.registry.keys import Signer, Verifier
from gauntlet.tasks.registry.signing import confirmed, digest, signed

CARD, REGISTRATION = "card.json", "registration.json"
CARD_TAGS = ("leaked", "source", "key")  # the tags of a version that say what its card says
_KIND = "registration of a version"  # no signed document of another kind can stand in for it


@dataclass(frozen=True)
class Card:
    """`leaked`: trained on columns that give the answer away. `key`: of the work. `commit`: whose code trained it."""

    name: str
    gauntlet: str
    machine: str
    source: str
    leaked: bool
    key: str
    model_id: str
    commit: str

    @property
    def tags(self) -> dict[str, str]:
        """The version's tags that say the same."""
        stated = (str(self.leaked).lower(), self.source, self.key)
        return {name: value for name, value in zip(CARD_TAGS, stated, strict=True) if value}

    def content(self) -> bytes:
        """The card as the file that is signed."""
        return json.dumps(asdict(self), indent=1).encode()


def read_card(files: Mapping[str, bytes], model_id: str) -> Card:
    """The card among the verified files of a folder.

    Raises:
        Unsigned: there is none, as in versions of before.
        Altered: it is that of another model.
    """
    try:
        card = Card(**json.loads(files[CARD]))
    except (KeyError, ValueError, TypeError):
        raise Unsigned(f"{model_id}: no {CARD}, it was registered by an earlier version of Gauntlet.") from None
    if card.model_id != model_id:
        raise Altered(f"{model_id}: its {CARD} is that of {card.model_id}. The model is not loaded.")
    return card


def registration(card: Card, version: int, key: Signer) -> bytes:
    """The signed record that the card was registered under this number."""
    return signed(_stated(card, version), key)


def check_registration(content: bytes, card: Card, name: str, version: int, key: Verifier) -> None:
    """Return when the record says that this card is this version of this name.

    Raises:
        Unsigned: it is not ours.
        Altered: it is that of another card, name or number.
    """
    known = confirmed(content, f"{name} version {version}: {REGISTRATION}", key)
    if card.name != name or known != _stated(card, version):
        was = f"{known.get('name')} version {known.get('version')}"
        raise Altered(f"{name} version {version}: what lies there was registered as {was}. The model is not loaded.")


def _stated(card: Card, version: int) -> dict[str, object]:
    return {"kind": _KIND, "name": card.name, "version": version, "card": digest(card.content())}
