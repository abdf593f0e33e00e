"""When drift is looked for, and what may be retrained because of it."""

from __future__ import annotations

from typing import Literal

from prefect.blocks.core import Block
from pydantic import Field

Promotion = Literal["disabled", "dry run", "enabled"]


class DriftPolicy(Block):
    """How often the drift check may be wrong, and how many windows must agree."""

    _block_type_name = "Gauntlet Drift Policy"
    _block_type_slug = "gauntlet-drift-policy"
    _description = "Window, false alarm rate and persistence of the drift check."

    window_rows: int = Field(1000, ge=50, description="Newest scored rows that are compared with the reference.")
    window_snapshots: int = Field(
        36, ge=8, description="The same for monitors: newest snapshots of each machine; 36 are six hours of IMS."
    )
    false_alarm_rate: float = Field(
        0.05,
        gt=0,
        lt=0.5,
        description="Share of undrifted windows that may be called drifted; thresholds follow from it.",
    )
    of_last: int = Field(3, ge=1, description="How many windows are looked back on.")
    at_least: int = Field(2, ge=1, description="How many of them, the latest included, must be drifted.")


class RetrainPolicy(Block):
    """Whether, which and how often models are retrained, and how a challenger becomes champion."""

    _block_type_name = "Gauntlet Retrain Policy"
    _block_type_slug = "gauntlet-retrain-policy"
    _description = "Switch, cooldown, time limit and promotion of retraining."

    enabled: bool = Field(True, description="Off: drift is reported and nothing is trained.")
    gauntlets: list[str] = Field(default_factory=list, description="Which gauntlets may be retrained; empty for all.")
    cooldown_h: float = Field(24.0, ge=0, description="Hours that must pass between two retrainings of one gauntlet.")
    timeout_min: float = Field(
        60.0, gt=0, description="Minutes after which a retraining that gives no sign is given up."
    )
    lookback_days: float = Field(30.0, gt=0, description="How old scored rows may be to be learnt from.")
    promotion: Promotion = Field("enabled", description="disabled; dry run: decide and tell; enabled: move the alias.")
    managed: dict[str, Promotion] = Field(
        default_factory=dict, description="Promotion of single gauntlets, over the setting above."
    )
