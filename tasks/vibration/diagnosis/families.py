"""The four families of fault lines, and how clearly each stands in an envelope spectrum."""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import numpy as np

from gauntlet.datasets.bearing import ELEMENTS, Bearing, Element
from gauntlet.tasks.vibration.diagnosis.envelope_spectrum import EnvelopeSpectra

# Multiples of the element's frequency that must show. A roller strikes both races: twice per spin.
HARMONICS: dict[Element, tuple[int, ...]] = {
    "outer": (1, 2, 3),
    "inner": (1, 2, 3),
    "rolling": (2, 4, 6),
    "cage": (1, 2, 3, 4),
}
_CLEARANCE = 0.7  # natural log: twice as high as the shaft comb around it
_STEP = 0.0004  # of the relative deviation that is searched


@dataclass(frozen=True)
class Line:
    """One line of evidence: where it was found and how far over the noise floor (natural log)."""

    name: str
    hertz: float
    prominence: float


@dataclass(frozen=True)
class FamilyScore:
    """How clearly a family stands. `score` = mean log prominence of its harmonics, less what shaft speed explains, in
    the band where that is greatest, minus half the log of the record's length (a line's height over noise grows with
    it), so that scores of 0.1 s and 10 s compare. `amplitude`: of the lines, full band, g^2.
    """

    element: Element
    score: float
    deviation: float
    band: tuple[float, float]
    amplitude: float
    lines: tuple[Line, ...]


def family_scores(
    spectra: EnvelopeSpectra, bearing: Bearing, shaft_hz: float, tolerance: float
) -> dict[Element, FamilyScore]:
    """The score of each family.

    Args:
        tolerance: how far shaft speed and slip may move a family, as a share; all its lines move together.
    """
    return {element: _score(element, spectra, bearing, shaft_hz, tolerance) for element in ELEMENTS}


def _score(
    element: Element, spectra: EnvelopeSpectra, bearing: Bearing, shaft_hz: float, tolerance: float
) -> FamilyScore:
    deviations = np.arange(-tolerance, tolerance + _STEP / 2, _STEP)
    hertz = bearing.fault_frequencies(shaft_hz)[element] * np.array(HARMONICS[element])
    best, where, band = -np.inf, 0, 0
    for b, prominence in enumerate(spectra.prominence):
        curve = _curve(prominence, element, hertz, shaft_hz, deviations, spectra.resolution)
        i = int(np.argmax(curve))
        if curve[i] > best:
            best, where, band = float(curve[i]), i, b
    found = hertz * (1 + deviations[where])
    bins = np.round(found / spectra.resolution).astype(int)
    heights = _at(spectra.prominence[band], bins)
    wide = spectra.amplitude
    amplitude = float(sum(wide[max(0, k - 1) : k + 2].max() for k in bins if k + 2 <= len(wide)))
    lines = tuple(
        Line(f"{multiple} x {element}", float(f), float(p))
        for multiple, f, p in zip(HARMONICS[element], found, heights, strict=True)
    )
    score = best - 0.5 * log(spectra.seconds)
    return FamilyScore(element, score, float(deviations[where]), spectra.bands[band], amplitude, lines)


def _curve(
    prominence: np.ndarray, element: Element, hertz: np.ndarray, shaft_hz: float, deviations: np.ndarray, step: float
) -> np.ndarray:
    """Score per deviation. A comb of shaft speed has equal lines on both sides, one shaft speed away: a line must
    stand `_CLEARANCE` over the lower of the two.

    Not for the inner race, whose lines carry sidebands at shaft speed by nature, nor for the cage, below shaft speed.
    """
    places = hertz[:, None] * (1 + deviations) / step
    height = _at(prominence, np.round(places).astype(int))
    if element in ("outer", "rolling"):
        aside = shaft_hz * (1 + deviations) / step
        below = _at(prominence, np.round(places - aside).astype(int))
        above = _at(prominence, np.round(places + aside).astype(int))
        height = height - np.maximum(np.minimum(below, above) - height + _CLEARANCE, 0) * 2
    return np.asarray(0.5 * height.mean(axis=0) + 0.5 * height[0])


def _at(prominence: np.ndarray, bins: np.ndarray) -> np.ndarray:
    inside = (bins >= 1) & (bins < len(prominence))
    return np.where(inside, prominence[np.clip(bins, 0, len(prominence) - 1)], 0.0)
