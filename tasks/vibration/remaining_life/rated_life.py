"""Rated life: what the standard says of how speed and load shorten a bearing's life, before anything is measured."""

from __future__ import annotations

BALL, ROLLER = 3.0, 10 / 3  # exponents of load


def rated_life(shaft_hz: float, load_n: float, exponent: float = BALL) -> float:
    """Hours of life of bearings of one type, up to a factor that they share: 1 / (speed x load^exponent).

    Source: ISO 281:2007, equation for L10h, L10h = 10^6 / (60 n) x (C / P)^p, with p = 3 for balls, 10/3 for rollers.
    """
    return 1.0 / (shaft_hz * load_n**exponent)
