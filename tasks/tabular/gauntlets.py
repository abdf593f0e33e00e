"""The gauntlets on tables whose rows stand alone, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from gauntlet.tasks.gauntlet import Gauntlet, Parameter

if TYPE_CHECKING:
    from gauntlet.tasks.loop.contract import Adapter

FeatureSet = Literal["baseline", "engineered"]
Columns = Literal["features", "all"]
KINDS = ("randomforest", "svc", "lightgbm")


@dataclass(frozen=True)
class Candidate:
    """A model to be trained: its registered name, its kind and the features that it gets."""

    name: str
    kind: str
    features: FeatureSet


def _online(gauntlet: Gauntlet) -> Adapter:
    from gauntlet.tasks.tabular.online import adapter  # brings pandas, scikit-learn and MLflow

    return adapter(gauntlet)


AI4I = Gauntlet(
    name="ai4i",
    kind="tabular",
    experiment="Classification Gauntlet (AI4I)",
    dataset="ai4i",
    question="AI4I: which processes will fail?",
    purpose="Trains, judges and registers the six failure classifiers of the AI4I machining process.",
    candidates=tuple(
        Candidate(f"ai4i_classifier_{kind}_{features}", kind, features)
        for features in ("baseline", "engineered")
        for kind in KINDS
    ),
    primary_metric="pr_auc",
    protocol=(
        "5-fold stratified cross-validation, dealt twice; calibration and thresholds chosen inside each training part; "
        "95 % bootstrap intervals over rows"
    ),
    cron="0 3 * * 1",
    parameters={
        "columns": Parameter(
            "features",
            '"all" also feeds the columns that only exist because the failure is known; the audit then stops the run.',
        ),
        "price_of_miss": Parameter(500.0, "What a failure that nobody announced costs."),
        "price_of_false_alarm": Parameter(25.0, "What an inspection for nothing costs."),
    },
    online=_online,
)
GAUNTLETS = (AI4I,)
