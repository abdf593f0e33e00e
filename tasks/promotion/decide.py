"""Whether the challenger becomes champion, in which case and why, from figures alone.

smoke prediction failed, a past failure announced worse, a guard metric worse  -> refused
gain: better on the frozen data, the interval wholly above zero                -> promote
re-baseline, after an operating change or maintenance: not worse on the frozen
data by more than the margin, and better on the new regime's data              -> promote
anything else                                                                  -> keep
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from gauntlet.tasks.promotion.compare import Comparison, Difference
from gauntlet.tasks.promotion.library import Replay, worse

Mode = Literal["disabled", "dry run", "enabled"]  # as in the retrain policy block
Verdict = Literal["promote", "keep", "refused"]
Occasion = Literal["gain", "operating change", "maintenance"]

MARGIN = 0.02


@dataclass(frozen=True)
class Decision:
    """The verdict, one line per reason, and the figures behind it as plain types. `act`: whether the alias is to move."""

    verdict: Verdict
    reasons: tuple[str, ...]
    evidence: Mapping[str, Any]
    mode: Mode

    @property
    def act(self) -> bool:
        """True for a promotion that is not only tried out."""
        return self.verdict == "promote" and self.mode == "enabled"


def decide(
    comparison: Comparison,
    replays: Sequence[Replay],
    smoke_ok: bool,
    mode: Mode,
    *,
    occasion: Occasion = "gain",
    new_regime: Comparison | None = None,
    margin: float = MARGIN,
) -> Decision:
    """The decision on a challenger.

    By gain, equal models are promoted in at most 2.5 % of cases (one side of the 95 % interval). After an operating
    change or maintenance the interval's lower bound on the frozen data must be above `-margin`, and on the data of the
    new regime the lower bound above `-margin` and the estimate above zero: there half of all equal challengers pass,
    by design, as the champion has never seen that regime.

    Args:
        comparison: on the frozen evaluation data.
        replays: of the library of past failures; empty when there is none, which the reasons then say.
        smoke_ok: whether the challenger was verified, loaded and predicted on its own example.
        mode: disabled: always keep; dry run and enabled decide alike, and only `enabled` is to be acted on.
        occasion: what the challenger was trained for.
        new_regime: the same comparison on rows recorded since the change.
        margin: non-inferiority margin, in the primary metric's unit.
    """
    evidence = _evidence(comparison, replays, smoke_ok, occasion, new_regime, margin)
    if mode == "disabled":
        return Decision("keep", ("promotion is disabled",), evidence, mode)
    if faults := _faults(comparison, replays, smoke_ok, new_regime):
        return Decision("refused", tuple(faults), evidence, mode)
    better, reasons = _merit(comparison, occasion, new_regime, margin)
    told = (*reasons, _on_library(replays))
    return Decision("promote" if better else "keep", told, evidence, mode)


def _faults(
    comparison: Comparison, replays: Sequence[Replay], smoke_ok: bool, new_regime: Comparison | None
) -> list[str]:
    found = [] if smoke_ok else ["the challenger could not be verified, loaded and asked"]
    found += [f"past failure {name}: {how}" for name, how in worse(replays).items()]
    for where, one in (("frozen data", comparison), ("new regime", new_regime)):
        for guard in one.guards if one is not None else ():
            if not guard.kept:
                d = guard.difference
                found.append(
                    f"{d.metric} on the {where} {d.challenger:.4g}, champion {d.champion:.4g}: "
                    f"worse by {-d.gain:.3g}, allowed {guard.allowed:.3g}"
                )
    return found


def _merit(
    comparison: Comparison, occasion: Occasion, new_regime: Comparison | None, margin: float
) -> tuple[bool, list[str]]:
    frozen = comparison.primary
    if frozen.low > 0:
        return True, [f"better on the frozen data: {_words(frozen)}"]
    if occasion == "gain":
        return False, [f"no gain that chance does not explain: {_words(frozen)}"]
    if frozen.low <= -margin:
        return False, [f"after {occasion}: may be worse on the frozen data by more than {margin:.3g}: {_words(frozen)}"]
    told = [f"after {occasion}: not worse on the frozen data by more than {margin:.3g}: {_words(frozen)}"]
    if new_regime is None:
        return False, [*told, "there are no judged rows of the new regime to be better on"]
    new = new_regime.primary
    better = new.gain > 0 and new.low > -margin
    return better, [*told, f"{'better' if better else 'not better'} on the new regime: {_words(new)}"]


def _on_library(replays: Sequence[Replay]) -> str:
    counted = sum(replay.counted for replay in replays)
    left = len(replays) - counted
    censored = f"; {left} ended by an intervention and not counted" if left else ""
    return (
        f"no past failure is announced worse: {counted} replayed{censored}" if replays else "no past failure is known"
    )


def _words(d: Difference) -> str:
    return f"{d.metric} {d.challenger:.4g}, champion {d.champion:.4g}, gain {d.gain:+.3g} [{d.low:+.3g}, {d.high:+.3g}]"


def _evidence(
    comparison: Comparison,
    replays: Sequence[Replay],
    smoke_ok: bool,
    occasion: Occasion,
    new_regime: Comparison | None,
    margin: float,
) -> dict[str, Any]:
    return {
        "occasion": occasion,
        "margin": margin,
        "smoke_ok": bool(smoke_ok),
        "frozen": asdict(comparison),
        "new_regime": asdict(new_regime) if new_regime is not None else None,
        "replays": [asdict(replay) for replay in replays],
    }
