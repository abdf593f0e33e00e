"""A drift that stays: N of the last M windows, and the latest. One odd window calls nobody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb


@dataclass(frozen=True)
class Persistence:
    """Drift is there when `needed` of the last `looked_at` windows drifted, the latest among them."""

    needed: int = 2
    looked_at: int = 3

    def __post_init__(self) -> None:
        if not 1 <= self.needed <= self.looked_at:
            raise ValueError(f"{self.needed} of the last {self.looked_at} windows can never be, or always is")

    def false_alarm_rate(self, level: float) -> float:
        """Share of undrifted windows at which the rule fires, where windows drift by chance at `level`, independently.

        The latest is one of the needed; the others are drawn from the binomial distribution of those before it.
        """
        others = range(self.needed - 1, self.looked_at)
        before = self.looked_at - 1
        return level * sum(comb(before, k) * level**k * (1 - level) ** (before - k) for k in others)


def sustained(drifted: Sequence[bool], rule: Persistence | None = None) -> bool:
    """Whether drift is there, from the verdicts on the model's windows so far, oldest first."""
    rule = rule or Persistence()
    return bool(drifted) and bool(drifted[-1]) and sum(drifted[-rule.looked_at :]) >= rule.needed


def in_words(drifted: Sequence[bool], rule: Persistence | None = None) -> str:
    """The rule's state as a sentence for the evidence."""
    rule = rule or Persistence()
    last = drifted[-rule.looked_at :]
    counts = f"{sum(last)} of the last {len(last)} windows drifted"
    latest = "the latest did" if last and last[-1] else "the latest did not"
    return f"{counts}, {latest} ({rule.needed} of {rule.looked_at} and the latest are needed)"
