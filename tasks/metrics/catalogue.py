"""The metrics that a result may state: name, meaning, which way is better, and how it is written."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """One key of `metrics` in a result. `digits`: its format."""

    name: str
    meaning: str
    higher_is_better: bool = True
    digits: str = ".3f"


# In the order in which a results table shows them, as far as a gauntlet has them.
METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("pr_auc", "average precision: precision weighted by gained recall"),
        Metric("f1", "2·TP / (2·TP + FP + FN)"),
        Metric("precision", "share of alarms that are failures"),
        Metric("recall", "share of failures that are announced"),
        Metric("roc_auc", "chance that a failure scores above a non-failure"),
        Metric("mcc", "Matthews correlation"),
        Metric("brier", "mean squared error of the stated probability", higher_is_better=False),
        Metric("accuracy", "share of right answers; 96.6 % is free on AI4I"),
        Metric("cost", "at the stated prices and the threshold chosen by cost", higher_is_better=False, digits=",.0f"),
        Metric("auc", "ROC-AUC of an anomaly score"),
        Metric("pauc", "partial AUC, false alarm rate up to 0.1"),
        Metric("far", "false alarm rate, a fraction", higher_is_better=False),
        Metric("mar", "missed alarm rate, a fraction", higher_is_better=False),
        Metric("mase", "MAE over that of the naive forecast in the training part", higher_is_better=False),
        Metric("mae", "mean absolute error", higher_is_better=False),
        Metric("rmse", "root of the mean squared error", higher_is_better=False),
        Metric("mse", "mean squared error", higher_is_better=False),
        Metric("mape", "mean absolute percentage error", higher_is_better=False),
        Metric("coverage_80", "share of actual values inside the 80 % interval"),
        Metric("coverage_95", "share of actual values inside the 95 % interval"),
        Metric("phm_score", "score of the IEEE PHM 2012 challenge, 1 is perfect"),
        Metric("lead_time_h", "hours from alarm to failure, median over the announced failures", digits=",.1f"),
        Metric(
            "false_alarms_per_week", "per machine and week of healthy running", higher_is_better=False, digits=".2f"
        ),
        Metric(
            "onset_error",
            "distance of the found onset from the published one, share of the life, median",
            higher_is_better=False,
        ),
    )
}
