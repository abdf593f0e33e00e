"""The drift report in Evidently's terms. Imported when a report is made: Evidently takes seconds to import.

Evidently's own `ValueDrift` draws two pictures per feature and statistic, a fifth of a second each. Here every feature
has its numbers, by Evidently's own tests, in one table, and the features that moved most have the pictures as well.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.core.metric_types import (
    BoundTest,
    CountCalculation,
    CountMetric,
    CountValue,
    MetricTestResult,
    SingleValue,
    SingleValueCalculation,
    SingleValueMetric,
)
from evidently.legacy.calculations.stattests import StatTest, get_stattest, register_stattest
from evidently.legacy.core import ColumnType
from evidently.legacy.renderers.html_widgets import CounterData, WidgetSize, counter, table_data
from evidently.legacy.tests.base_test import TestStatus
from evidently.metrics import ValueDrift
from evidently.metrics.column_statistics import ValueDriftBoundTest, ValueDriftTest
from scipy.stats import ks_2samp

KS = "ks_distance"  # the p-value of Evidently's "ks" takes rows for independent, and underflows to 0


def _ks_distance(reference: pd.Series, window: pd.Series, _: ColumnType, threshold: float) -> tuple[float, bool]:
    distance = float(ks_2samp(reference, window, method="asymp").statistic)
    return distance, distance >= threshold


register_stattest(StatTest(KS, "K-S distance", [ColumnType.Numerical], 0.1), _ks_distance)


class FeatureDrift(SingleValueMetric):
    """One statistic of one feature: "psi" or "ks_distance"; at or above `threshold` it has moved."""

    column: str
    method: str
    threshold: float


class FeatureDriftCalculation(SingleValueCalculation[FeatureDrift]):
    """Evidently's own test, without the pictures."""

    def calculate(self, context: Any, current_data: Dataset, reference_data: Dataset | None) -> SingleValue:  # noqa: ARG002
        """The number, and the test's outcome."""
        one = self.metric
        assert reference_data is not None
        kind = current_data.column(one.column).type
        old, new = (_clean(data.as_dataframe()[one.column]) for data in (reference_data, current_data))
        found = get_stattest(old, new, kind, one.method)(old, new, kind, one.threshold)
        result = self.result(float(found.drift_score))
        result.widget = []
        result.set_tests([self._test(float(found.drift_score), bool(found.drifted))])
        return result

    def _test(self, score: float, drifted: bool) -> MetricTestResult:
        one = self.metric
        bound: BoundTest = ValueDriftBoundTest(test=ValueDriftTest(), metric_fingerprint=one.metric_id)
        return MetricTestResult(
            id="drift",
            name=self.display_name(),
            description=f"{score:.4g} against a calibrated threshold of {one.threshold:.4g}.",
            status=TestStatus.FAIL if drifted else TestStatus.SUCCESS,
            metric_config=self.to_metric_config(),
            test_config={},
            bound_test=bound,
        )

    def display_name(self) -> str:
        """As the tests' list shows it."""
        return f"{'PSI' if self.metric.method == 'psi' else 'K-S distance'} of {self.metric.column}"


class DriftedFeatures(CountMetric):
    """Count and share of the features of which a statistic is at or above its threshold; `others` are shown only."""

    features: list[str]
    others: list[str]
    psi: dict[str, float]
    ks: dict[str, float]


class DriftedFeaturesCalculation(CountCalculation[DriftedFeatures]):
    """Counted from the report's own numbers, which stand before it."""

    def calculate(self, context: Any, current_data: Dataset, reference_data: Dataset | None) -> CountValue:  # noqa: ARG002
        """The count, with the table of all numbers as its picture."""
        lines, drifted = [], 0
        for name in [*self.metric.features, *self.metric.others]:
            cells, moved = [], False
            for method, thresholds in (("psi", self.metric.psi), (KS, self.metric.ks)):
                if name not in thresholds:
                    cells += ["-", "-"]
                    continue
                value = context.get_metric_result(feature_drift(name, method, thresholds[name])).value
                moved |= value >= thresholds[name]
                cells += [f"{value:.4f}", f"{thresholds[name]:.4f}"]
            drifted += moved and name in self.metric.features
            lines.append([name, *cells, "moved" if moved else ""])
        result = self.result(int(drifted), drifted / max(1, len(self.metric.features)))
        header = ["feature", "PSI", "its threshold", "K-S distance", "its threshold", ""]
        figure = f"{drifted} of {len(self.metric.features)} features moved ({result.share.value:.1%})"
        result.widget = [
            counter(title="Drifted features", size=WidgetSize.FULL, counters=[CounterData(label="", value=figure)]),
            table_data(title="Features against the reference", column_names=header, data=lines),
        ]
        return result

    def display_name(self) -> str:
        """As the document names it."""
        return "Drifted features"


class Quality(SingleValueMetric):
    """A performance figure of the window, worked out by `performance`; `estimated` where labels are not there yet."""

    name: str
    value: float
    estimated: bool


class QualityCalculation(SingleValueCalculation[Quality]):
    """The figure, shown."""

    def calculate(self, context: Any, current_data: Dataset, reference_data: Dataset | None) -> SingleValue:  # noqa: ARG002
        """The figure."""
        return self.result(self.metric.value)

    def display_name(self) -> str:
        """Says so where it is an estimate."""
        return f"{self.metric.name} ({'ESTIMATE, no labels yet' if self.metric.estimated else 'from labels'})"


def _clean(column: pd.Series) -> pd.Series:
    return column.replace([float("inf"), float("-inf")], float("nan")).dropna()


def feature_drift(column: str, method: str, threshold: float) -> FeatureDrift:
    """The metric; equal arguments give an equal one."""
    return FeatureDrift(column=column, method=method, threshold=threshold)


def safe(text: str) -> str:
    """A name or category as Evidently may have it: it writes them into its page's script as they are.

    `html.unescape` gives back what it was.
    """
    return html.escape(text, quote=False)


def _safe_frame(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.rename(columns=safe)
    texts = [str(name) for name in frame.select_dtypes(object)]
    return frame.assign(
        **{name: frame[name].map(lambda cell: safe(cell) if isinstance(cell, str) else cell) for name in texts}
    )


def run(
    reference: pd.DataFrame,
    window: pd.DataFrame,
    numbers: Sequence[str],
    others: Sequence[str],
    psi: Mapping[str, float],
    ks: Mapping[str, float],
    pictured: Sequence[tuple[str, str]],
    quality: Mapping[str, float],
    estimated: bool,
) -> tuple[dict[str, Any], str]:
    """The snapshot's document and its page.

    `numbers`: numeric columns, all others are categories. `others`: columns that are no features (the prediction).
    `pictured`: feature and method, to be drawn. Both know a feature by its name as `safe` writes it.
    """
    reference, window = _safe_frame(reference), _safe_frame(window)
    numbers, others = [safe(name) for name in numbers], [safe(name) for name in others]
    psi, ks = ({safe(name): limit for name, limit in limits.items()} for limits in (psi, ks))
    pictured = [(safe(name), method) for name, method in pictured]
    categories = [name for name in psi if name not in numbers]
    definition = DataDefinition(numerical_columns=list(numbers), categorical_columns=categories, datetime_columns=[])
    old, new = (Dataset.from_pandas(frame[list(psi)], data_definition=definition) for frame in (reference, window))
    metrics: list[Any] = [feature_drift(name, "psi", limit) for name, limit in psi.items()]
    metrics += [feature_drift(name, KS, limit) for name, limit in ks.items()]
    features = [name for name in psi if name not in others]
    metrics.append(DriftedFeatures(features=features, others=list(others), psi=dict(psi), ks=dict(ks)))
    metrics += [Quality(name=name, value=value, estimated=estimated) for name, value in quality.items()]
    for name, method in pictured:
        metrics.append(ValueDrift(column=name, method=method, threshold=(psi if method == "psi" else ks)[name]))
    snapshot = Report(metrics, include_tests=False).run(new, old)
    return snapshot.dict(), snapshot.get_html_str(as_iframe=False)
