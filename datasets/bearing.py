"""Rolling bearings: geometry, and the frequencies at which a fault on each element strikes."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, radians
from typing import Literal

Element = Literal["outer", "inner", "rolling", "cage"]
ELEMENTS: tuple[Element, ...] = ("outer", "inner", "rolling", "cage")


@dataclass(frozen=True)
class Bearing:
    """Geometry of a bearing with a turning inner ring; diameters in any one unit, contact angle in degrees."""

    name: str
    rollers: int
    roller_diameter: float
    pitch_diameter: float
    contact_deg: float = 0.0

    @property
    def orders(self) -> dict[Element, float]:
        """Fault frequency of each element in multiples of shaft speed: BPFO, BPFI, BSF, FTF.

        BSF is the roller's spin frequency; a defect on it strikes both races and so shows at twice that.
        Source: Randall & Antoni, Rolling element bearing diagnostics - a tutorial, MSSP 25 (2011), eq. 1-4.
        """
        ratio = self.roller_diameter / self.pitch_diameter * cos(radians(self.contact_deg))
        return {
            "outer": self.rollers / 2 * (1 - ratio),
            "inner": self.rollers / 2 * (1 + ratio),
            "rolling": self.pitch_diameter / (2 * self.roller_diameter) * (1 - ratio**2),
            "cage": (1 - ratio) / 2,
        }

    def fault_frequencies(self, shaft_hz: float) -> dict[Element, float]:
        """Fault frequency of each element in Hz at a shaft speed in Hz."""
        return {element: order * shaft_hz for element, order in self.orders.items()}


ZA2115 = Bearing("Rexnord ZA-2115", rollers=16, roller_diameter=0.331, pitch_diameter=2.815, contact_deg=15.17)
UER204 = Bearing("LDK UER204", rollers=8, roller_diameter=7.92, pitch_diameter=34.55)
PRONOSTIA = Bearing("NSK 6804RS (PRONOSTIA)", rollers=13, roller_diameter=3.5, pitch_diameter=25.6)
SKF6205 = Bearing("SKF 6205-2RS JEM", rollers=9, roller_diameter=7.94, pitch_diameter=39.04)
