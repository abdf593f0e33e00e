"""Evidently's report is what the verdict is made of, and it is quiet, whole and the same every time."""

import html.parser
import json
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score

from gauntlet.datasets.errors import BadInput
from gauntlet.tasks.drift.calibration import calibrate
from gauntlet.tasks.drift.performance import performance
from gauntlet.tasks.drift.report import Columns, compare


def table(rows, seed, shift=0.0, labels=True):
    """Two readings, a category, a score that is an honest probability, the decision at 0.5, and the truth."""
    rng = np.random.default_rng(seed)
    probability = rng.beta(0.6, 1.2, rows)
    frame = pd.DataFrame(
        {
            "speed": rng.normal(1500, 100, rows) + 100 * shift,
            "torque": rng.normal(40, 10, rows).round(1),
            "type": rng.choice(["L", "M", "H"], rows, p=[0.6, 0.3, 0.1]),
            "score": probability,
            "prediction": (probability > 0.5).astype(int),
        }
    )
    return frame.assign(label=(rng.random(rows) < probability).astype(int)) if labels else frame


@pytest.fixture(scope="module")
def shifted():
    return compare(table(4000, 1), table(1000, 2, shift=0.5))


def test_the_numbers_are_the_reports(shifted):
    """Verdict, snapshot and scipy say the same; the page shows them."""
    stated = {
        (metric["config"]["column"], metric["config"]["method"]): metric["value"]
        for metric in shifted.document["metrics"]
        if metric["config"]["type"].endswith(
            ("FeatureDrift", "ValueDrift")
        )  # ours in the table, Evidently's own pictures
    }
    for one in (*shifted.features, shifted.prediction):
        assert stated[one.name, "psi"] == one.psi
        assert f"{one.psi:.4f}" in shifted.html.decode()
        if one.ks is not None:
            assert stated[one.name, "ks_distance"] == one.ks
            columns = [table(4000, 1)[one.name], table(1000, 2, shift=0.5)[one.name]]
            assert one.ks == pytest.approx(stats.ks_2samp(*columns).statistic)
    count = next(m["value"] for m in shifted.document["metrics"] if m["config"]["type"].endswith("DriftedFeatures"))
    assert count == {"count": 1, "share": shifted.share}


def test_the_shifted_feature_moved_and_no_other(shifted):
    """Half a standard deviation of one of three features; the prediction stays where it was."""
    assert shifted.moved == ("speed",)
    assert shifted.drifted
    assert shifted.share == pytest.approx(1 / 3)
    assert shifted.prediction is not None
    assert not shifted.prediction.moved
    assert (shifted.rows, shifted.reference_rows, shifted.window_rows) == (1000, 4000, 1000)


def test_evidentlys_own_metric_says_the_same(shifted):
    """Where a feature has its picture, `ValueDrift` of Evidently shows the number that the table has."""
    config = [(metric["config"], metric["value"]) for metric in shifted.document["metrics"]]
    table = {(c["column"], c["method"]): value for c, value in config if c["type"].endswith("FeatureDrift")}
    own = {(c["column"], c["method"]): value for c, value in config if c["type"].endswith("ValueDrift")}
    assert ("speed", "psi") in own or ("speed", "ks_distance") in own
    assert all(table[key] == value for key, value in own.items())


def test_the_summary_is_plain(shifted):
    """It goes into events and logs."""
    document = json.loads(json.dumps(shifted.summary()))
    assert document["moved"] == ["speed"]
    assert document["features"]["speed"]["psi"] == shifted.features[0].psi
    assert document["performance"]["estimated"] is False


class _Addresses(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.asked: list[str] = []

    def handle_starttag(self, tag, attrs):
        loads = {"script": "src", "link": "href", "img": "src", "iframe": "src"}
        self.asked += [value for name, value in attrs if name == loads.get(tag) and not value.startswith("data:")]


def test_the_page_asks_for_nothing_from_outside(shifted):
    """No element of it loads an address."""
    reader = _Addresses()
    reader.feed(shifted.html.decode())
    assert reader.asked == []
    assert b"@import url(http" not in shifted.html


@pytest.mark.slow
def test_same_seed_same_numbers(shifted):
    """To the digit; and the sample holds no more than 9,999 rows a side."""
    again = compare(table(4000, 1), table(1000, 2, shift=0.5))
    assert again.features == shifted.features
    assert again.calibration == shifted.calibration
    big = compare(table(12_000, 1), table(11_000, 2))
    assert (big.rows, big.reference_rows, big.window_rows) == (9_999, 9_999, 11_000)
    assert not big.drifted


def test_a_moved_prediction_is_drift():
    """Though no feature moved."""
    window = table(1000, 2)
    window["score"] = window["score"] ** 0.4
    found = compare(table(4000, 1), window)
    assert found.moved == ()
    assert found.prediction.moved
    assert found.drifted


def test_performance_from_labels_is_sklearns():
    """Over the labelled rows only, shown in the page without the word estimate."""
    window = table(1000, 2)
    window["label"] = window["label"].astype(float)
    window.loc[300:, "label"] = np.nan
    found = compare(table(4000, 1), window)
    truth, said = window["label"][:300], window["prediction"][:300]
    figures = found.performance.figures
    for name, score in (
        ("f1", f1_score), ("precision", precision_score), ("recall", recall_score), ("accuracy", accuracy_score),
    ):  # fmt: skip
        assert figures[name] == pytest.approx(score(truth, said))
    assert (found.performance.rows, found.performance.estimated) == (300, False)
    assert "f1 (from labels)" in found.html.decode()


def test_the_estimate_says_that_it_is_one_and_is_near_the_truth():
    """No labels in the window: expected F1, within 0.03 of what the labels, kept back, give."""
    window, kept_back = table(4000, 2, labels=False), table(4000, 2)["label"]
    found = performance(table(8000, 1), window, "label", "prediction", "score")
    assert found.estimated
    assert "ESTIMATE" in found.note
    assert found.figures["f1"] == pytest.approx(f1_score(kept_back, window["prediction"]), abs=0.03)
    assert found.figures["accuracy"] == pytest.approx(accuracy_score(kept_back, window["prediction"]), abs=0.03)
    page = compare(table(4000, 1), window[:500])
    assert "ESTIMATE" in page.html.decode()


def test_nothing_is_estimated_from_a_reference_without_faults():
    """One class tells no probability; a window without decisions has no performance."""
    reference = table(500, 1).assign(label=0)
    assert performance(reference, table(100, 2, labels=False), "label", "prediction", "score") is None
    assert performance(reference, table(100, 2).drop(columns="prediction"), "label", "prediction", "score") is None
    numbers = pd.DataFrame({"label": np.arange(30.0), "prediction": np.arange(30.0) + 2})
    assert performance(reference, numbers, "label", "prediction", "score").figures == {"mae": 2.0, "rmse": 2.0}


def test_what_cannot_be_compared_is_said():
    """A missing, an empty and a mistyped column are skipped with the reason; nothing left is an error."""
    window = table(200, 2).drop(columns=["speed"])
    window["torque"] = np.nan
    found = compare(table(500, 1), window)
    assert found.skipped == {"speed": "missing in the window", "torque": "no value"}
    assert [one.name for one in found.features] == ["type"]
    with pytest.raises(BadInput, match="no feature of the window can be compared"):
        compare(table(500, 1), window[["torque"]])
    with pytest.raises(BadInput, match="can be compared, saw speed: str instead of float64"):
        compare(table(500, 1)[["speed"]], table(200, 2)[["speed"]].astype(str))


def test_a_calibration_for_other_windows_is_refused():
    """Thresholds for large windows are too tight for small ones, and every feature needs its own."""
    reference = table(500, 1)[["speed", "torque"]]
    limits = calibrate(reference, 100)
    assert compare(reference, reference[:100], calibration=limits).calibration is limits
    with pytest.raises(BadInput, match="too small"):
        compare(reference, reference[:50], calibration=limits)
    with pytest.raises(BadInput, match=r"column 'type'.*lacks a feature"):
        compare(table(500, 1), table(100, 2), columns=Columns(score=None), calibration=limits)


def test_infinite_missing_and_constant_readings_do_no_harm():
    """Evidently's warnings and complaints stay inside."""
    reference, window = table(300, 1), table(100, 2)
    reference["still"] = window["still"] = 4.0
    reference.loc[::7, "speed"], window.loc[::5, "speed"], window.loc[3, "torque"] = np.nan, np.nan, np.inf
    window["type"] = window["type"].astype("category")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = compare(reference, window)
    assert not found.drifted
    assert {one.name for one in found.features} == {"speed", "torque", "type", "still"}


def test_names_and_categories_put_no_markup_into_the_page():
    """Evidently escapes none of them; the report's own names are the table's."""
    named = {"speed": "<b>speed</b></script> & 'more' &lt;", "type": "<i>type</i>"}
    reference, window = (
        table(rows, seed, shift).rename(columns=named).replace({"<i>type</i>": {"L": "<u>L</u>"}})
        for rows, seed, shift in ((400, 1, 0.0), (200, 2, 2.0))
    )
    found = compare(reference, window)
    page = found.html.decode()
    assert [page.count(tag) for tag in ("<b>speed", "<i>type", "<u>L")] == [0, 0, 0]
    assert min(page.count(tag) for tag in ("&lt;b&gt;speed", "&lt;i&gt;type", "&lt;u&gt;L")) > 0
    assert {one.name for one in found.features} == {*named.values(), "torque"}
    assert named["speed"] in found.moved


@pytest.mark.slow
def test_evidently_is_imported_when_a_report_is_made():
    """Not by the package: it takes seconds."""
    code = "import sys, gauntlet.tasks.drift.report, gauntlet.tasks.drift.triage, gauntlet.tasks.drift.learnable; print('evidently' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"
