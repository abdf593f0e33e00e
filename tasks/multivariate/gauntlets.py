"""The gauntlets on runs of several sensors, each with a healthy beginning, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gauntlet.tasks.gauntlet import Gauntlet

Kind = Literal["mahalanobis", "pca", "residual", "mset"]
KINDS: tuple[Kind, ...] = ("mahalanobis", "pca", "residual", "mset")


@dataclass(frozen=True)
class Candidate:
    """A detector under its registered name."""

    name: str
    kind: Kind


SKAB = Gauntlet(
    name="skab",
    kind="multivariate",
    experiment="Anomaly Gauntlet (SKAB)",
    dataset="skab",
    question="SKAB: does it notice the anomaly?",
    purpose="Notices what is done to the SKAB pump rig, by its publisher's protocol.",
    candidates=tuple(Candidate(f"skab_{kind}", kind) for kind in KINDS),
    primary_metric="f1",
    protocol=(
        "SKAB's own: the first 400 rows of each run train, the rest is test; F1, FAR and MAR pooled over all runs; "
        "sensors, window and margin learnt from beginnings alone, one setting for all runs; 95 % intervals over runs"
    ),
    cron="0 3 * * 5",
)
GAUNTLETS = (SKAB,)
