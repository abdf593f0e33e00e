"""Builds that lack one fence: the matrix has to fail on each, or it finds nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any


def _no_turn() -> None:
    """A file is scored by whoever comes, also when it was scored before or is being scored."""
    import gauntlet.tasks.loop.scoring as scoring
    from gauntlet.tasks.claims import Done

    real = scoring.begin
    count = iter(range(1_000_000))

    def begin(engine: Any, scope: str, key: str, *rest: Any, **named: Any) -> Any:
        turn = real(engine, scope, key, *rest, **named)
        return real(engine, scope, f"{key} {next(count)}", *rest, **named) if isinstance(turn, Done) else turn

    scoring.begin = begin


def _no_recovery() -> None:
    """What a promotion that was cut off left is not ended."""
    import gauntlet.flows._promotion as promotion
    from gauntlet.tasks.promotion.move import standing

    promotion.recover = lambda _engine, _gauntlet, names, **_: standing(names)


def _no_manifest() -> None:
    """A file counts as scored without its manifest."""
    import gauntlet.tasks.loop.portions as portions

    real = portions.put_document

    def put_document(connection: Any, key: str, *rest: Any) -> str:
        return "" if key.endswith("manifest.json") else real(connection, key, *rest)

    portions.put_document = put_document  # type: ignore[assignment]


FENCES: dict[str, Callable[[], None]] = {
    "one turn a file": _no_turn,
    "recovery of cut promotions": _no_recovery,
    "the manifest, written last": _no_manifest,
}


def break_fences(names: Iterable[str]) -> None:
    """Take these fences away, in this process."""
    for name in names:
        FENCES[name]()
