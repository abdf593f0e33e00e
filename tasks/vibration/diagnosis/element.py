"""The verdict on a bearing: the failing element, or honestly that it cannot be told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp
from typing import Literal

import numpy as np

from gauntlet.datasets.bearing import Bearing, Element
from gauntlet.tasks.vibration.diagnosis.envelope_spectrum import envelope_spectra
from gauntlet.tasks.vibration.diagnosis.families import FamilyScore, family_scores

# Scores are logs per sqrt(second). Set on the records they are judged on, no others being at hand: the five clear CWRU
# records have 3.0 and more, the best family of their hard ones 1.7 and less. Weak: a line that the bearing's own
# healthy beginning did not have needs less.
CLEAR = 2.1
WEAK: dict[Element, float] = {"outer": 0.9, "inner": 0.9, "rolling": 0.9, "cage": 1.6}
RISE: dict[Element, float] = {"outer": 0.6, "inner": 0.6, "rolling": 0.6, "cage": 1.0}  # sound cages are heard, too
LEAD = 0.3  # by which the best family must exceed the next


@dataclass(frozen=True)
class Diagnosis:
    """`element`: the failing one, "unknown", or None for no sign of a fault. `confidence` in 0..1.

    `confidence` is logistic in the distance to the nearest reason to refuse, 0.5 there: a ranking, not a frequency.
    `evidence`: one line of text per fact. `families`: every score, the best channel's. `heard_from`: the unit whose
    fault shows here through the shaft.
    """

    unit: str
    element: Element | Literal["unknown"] | None
    confidence: float
    evidence: tuple[str, ...]
    families: dict[Element, FamilyScore]
    heard_from: str | None = None


def diagnose(
    unit: str,
    channels: Sequence[Sequence[np.ndarray]],
    rate: float,
    bearing: Bearing,
    shaft_hz: float,
    *,
    healthy: Sequence[Sequence[np.ndarray]] | None = None,
    alarmed: bool = False,
    tolerance: float = 0.012,
) -> Diagnosis:
    """The element of one unit.

    Args:
        channels: per sensor axis, the last records (1-D, equal length).
        healthy: the same from the healthy beginning; needed to name a weak line, and for the cage at all (sound
            bearings show their cage, too).
        alarmed: the detector's verdict; with it, no clear line means "unknown" instead of None.
        tolerance: how well shaft speed is known, with slip.
    """
    now = _best_of([family_scores(envelope_spectra(c, rate), bearing, shaft_hz, tolerance) for c in channels])
    before = None
    if healthy:
        before = _best_of([family_scores(envelope_spectra(c, rate), bearing, shaft_hz, tolerance) for c in healthy])
    margins = {element: _margin(family, before[element] if before else None) for element, family in now.items()}
    # Among families with a case the higher score decides: the cage's eighth line is close to the outer race's first.
    best = max(margins, key=lambda element: (margins[element] > 0, now[element].score))
    # A family that has no case of its own (the cage of a sound bearing, steady lines) is no rival.
    rest = max((f.score for e, f in now.items() if e != best and margins[e] > -1.0), default=-np.inf)
    margin = min(margins[best], now[best].score - rest - LEAD)
    facts = _facts(now[best], before[best] if before else None)
    if margin > 0:
        return Diagnosis(unit, best, _logistic(margin), facts, now)
    verdict: Literal["unknown"] | None = "unknown" if alarmed else None
    return Diagnosis(unit, verdict, _logistic(-max(margins.values())), ("no family stands clear", *facts), now)


def attribute_lines(diagnoses: Mapping[str, Diagnosis]) -> dict[str, Diagnosis]:
    """The diagnoses of one machine, where a fault that several housings show is left to the loudest of them.

    The others are "unknown" if they alarm for themselves, as far as the lines tell, and name whom they hear.
    """
    owners: dict[Element, str] = {}
    for unit, found in diagnoses.items():
        if found.element is None or found.element == "unknown":
            continue
        element = found.element
        owner = owners.get(element)
        if owner is None or found.families[element].amplitude > diagnoses[owner].families[element].amplitude:
            owners[element] = unit
    result = {}
    for unit, found in diagnoses.items():
        element_ = found.element
        owner = owners.get(element_) if element_ is not None and element_ != "unknown" else None
        if owner is None or owner == unit:
            result[unit] = found
            continue
        heard = f"the {element_} line is louder at {owner}: heard through the shaft"
        result[unit] = replace(
            found, element="unknown", confidence=0.5, evidence=(heard, *found.evidence), heard_from=owner
        )
    return result


def _best_of(per_channel: Sequence[dict[Element, FamilyScore]]) -> dict[Element, FamilyScore]:
    return {e: max((scores[e] for scores in per_channel), key=lambda family: family.score) for e in per_channel[0]}


def _margin(family: FamilyScore, before: FamilyScore | None) -> float:
    """By how much a family passes the easier of its two tests."""
    clear = family.score - CLEAR if family.element != "cage" else -np.inf
    if before is None:
        return clear
    rise = family.score - before.score - RISE[family.element]
    return max(min(clear, rise), min(family.score - WEAK[family.element], rise))


def _facts(family: FamilyScore, before: FamilyScore | None) -> tuple[str, ...]:
    low, high = family.band
    facts = [f"{line.name} at {line.hertz:.1f} Hz, {exp(line.prominence):.1f} times the floor" for line in family.lines]
    facts.append(f"band {low:.0f}-{high:.0f} Hz, {family.deviation:+.1%} from the nominal frequency")
    if before is not None:
        facts.append(f"score {family.score:.2f}, at the healthy beginning {before.score:.2f}")
    return tuple(facts)


def _logistic(margin: float) -> float:
    return float(1 / (1 + np.exp(-4 * np.clip(margin, -20, 20))))
