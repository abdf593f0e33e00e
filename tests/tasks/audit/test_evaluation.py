"""Rates that were put in, tables of unequal rows, and models that lack a step are found out."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import IsolationForest, RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from gauntlet.datasets.errors import BadInput
from gauntlet.tasks.audit import Flagged, Horizons, Part, Protocol, Replay, audit_claims

SEEDS = range(50)


def kinds(protocol: Protocol) -> list[tuple[str, str]]:
    """Kind and column of each finding."""
    return [(finding.kind, finding.column) for finding in audit_claims(protocol)]


def test_a_span_without_fault():
    """The first 20 of 2,156 files of a bearing test: whatever is said of faults there, there are none."""
    (finding,) = audit_claims(Protocol(test=Part(labels=np.zeros(20))))
    assert (finding.kind, finding.detail) == ("no_fault_evaluated", "none of 20 evaluated rows is a fault")
    assert kinds(Protocol(test=Part(labels=np.ones(20)))) == [("no_fault_evaluated", "")]
    assert kinds(Protocol(test=Part(labels=np.arange(20) > 18))) == []


def test_contamination_handed_back_on_healthy_data():
    """An IsolationForest with contamination=0.1 finds 10 % anomalies where there is no fault, its own rows or new ones."""
    rng = np.random.default_rng(0)
    rows, new = rng.normal(size=(1000, 5)), rng.normal(size=(1000, 5))
    forest = IsolationForest(n_estimators=30, contamination=0.1, random_state=0).fit(rows)
    own = Protocol(
        train=Part(ids=np.arange(1000)), test=Part(ids=np.arange(1000)),
        flagged=Flagged(forest.predict(rows) < 0, {"contamination": 0.1}),
    )  # fmt: skip
    assert kinds(own) == [("trained_is_scored", ""), ("parameter_echoed", "contamination")]
    assert audit_claims(own)[1].detail == "100 of 1,000 rows flagged (10.00%) is contamination=0.1 coming back"
    held_out = Protocol(flagged=Flagged(forest.predict(new) < 0, {"contamination": 0.1}), train=own.train)
    assert kinds(held_out) == [("parameter_echoed", "contamination")]


def test_an_echo_is_found_on_new_rows_nearly_always():
    """Flags at random at the rate of the parameter, 1,000 rows: named in at least 45 of 50 runs."""
    flags = [np.random.default_rng(seed).random(1000) < 0.1 for seed in SEEDS]
    assert sum(bool(kinds(Protocol(flagged=Flagged(one, {"nu": 0.1})))) for one in flags) >= 45


def test_a_detector_that_finds_the_faults_echoes_nothing():
    """A tenth of the rows is flagged, a tenth is faulty, and they are mostly the same ones."""
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        labels = rng.random(1000) < 0.1
        flags = labels ^ (rng.random(1000) < 0.02)
        protocol = Protocol(test=Part(labels=labels), flagged=Flagged(flags, {"contamination": flags.mean()}))
        assert kinds(protocol) == []


def test_a_rate_that_is_not_the_parameter_echoes_nothing():
    """Rates half and twice the parameter, small and large samples; and too few rows to say anything."""
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        for rows in (200, 5000):
            for rate in (0.05, 0.2):
                flags = np.arange(rows) < rate * rows
                assert kinds(Protocol(flagged=Flagged(rng.permutation(flags), {"contamination": 0.1}))) == []
    assert kinds(Protocol(flagged=Flagged([True] + [False] * 9, {"contamination": 0.1}))) == []


def test_one_step_persistence_against_a_day_ahead():
    """A baseline that sees the value of an hour ago is no baseline of a 24-step forecast, declared or found out."""
    rng = np.random.default_rng(1)
    declared = Horizons({"prophet": 24}, {"naive": 1, "seasonal_naive": 24})
    (finding,) = audit_claims(Protocol(horizons=declared))
    assert (finding.kind, finding.column, finding.detail) == (
        "horizon_mismatch",
        "naive",
        "1 steps ahead, prophet forecasts 24",
    )
    for shape in ((24,), (10, 24)):
        actual = np.cumsum(rng.normal(size=shape), axis=-1)
        peeking = np.concatenate([np.zeros((*shape[:-1], 1)), actual[..., :-1]], axis=-1)
        table = Horizons({"prophet": 24}, {"naive": 24}, actual, {"naive": peeking, "prophet": actual + 1})
        (finding,) = audit_claims(Protocol(horizons=table))
        assert (finding.column, finding.detail[:38]) == ("naive", "is the actual value 1 step earlier, wh")


def test_candidates_of_unequal_horizons():
    """Every row of the table, not only the baselines."""
    assert kinds(Protocol(horizons=Horizons({"a": 24, "b": 1}, {"naive": 24}))) == [("horizon_mismatch", "b")]


def test_baselines_that_know_only_the_past():
    """Last value, value of a day before and drift, 24 steps ahead of 20 origins: nothing to find, on 50 series."""
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        y = 5 * np.sin(np.arange(600) * 2 * np.pi / 24) + np.cumsum(rng.normal(0, 0.3, 600))
        origins = np.arange(100, 580, 24)
        ahead = origins[:, None] + np.arange(24)
        table = {"naive": np.repeat(y[origins - 1, None], 24, axis=1), "seasonal": y[ahead - 24]}
        table["drift"] = table["naive"] + np.arange(1, 25) * (y[origins - 1] - y[0])[:, None] / origins[:, None]
        horizons = Horizons({"model": 24}, dict.fromkeys(table, 24), y[ahead], table)
        assert kinds(Protocol(horizons=horizons)) == []


def classified(seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Two sensors in very different units, and a label."""
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame({"speed": rng.normal(1500, 200, 400), "torque": rng.normal(0.4, 0.1, 400)})
    return rows, ((rows["torque"] + rng.normal(0, 0.03, 400)) > 0.45).to_numpy()


def test_a_scaler_outside_the_registered_model():
    """The model was fitted on scaled rows; on raw ones it says something else."""
    rows, y = classified()
    scaler = StandardScaler().fit(rows)
    model = SVC().fit(scaler.transform(rows), y)
    replay = Replay("svc", model.predict(scaler.transform(rows)), model.predict(rows.to_numpy()))
    (finding,) = audit_claims(Protocol(replays=[replay]))
    assert (finding.kind, finding.column) == ("preprocessing_outside", "svc")
    assert "of 400 predictions differ from the evaluated ones" in finding.detail


def test_a_model_that_refuses_raw_columns():
    """Its features were made elsewhere."""
    rows, y = classified()
    model = RandomForestClassifier(5, random_state=0).fit(rows.assign(power=rows["speed"] * rows["torque"]), y)
    with pytest.raises(ValueError) as refusal:
        model.predict(rows)
    (finding,) = audit_claims(Protocol(replays=[Replay("forest", y, refused=str(refusal.value))]))
    assert finding.kind == "preprocessing_outside"
    assert finding.detail.startswith("refuses raw rows: The feature names should match")
    assert "\n" not in finding.detail


def test_a_pipeline_gives_on_raw_rows_what_was_evaluated():
    """Decisions, probabilities, names and gaps; rounding is no difference."""
    rows, y = classified()
    model = make_pipeline(StandardScaler(), SVC()).fit(rows, y)
    score = model.decision_function(rows)
    gaps = np.where(score > 0, score, np.nan)
    replays = [
        Replay("decision", model.predict(rows), model.predict(rows.copy())),
        Replay("score", score, score.astype(np.float32)), Replay("gaps", gaps, gaps * (1 + 1e-9)),
        Replay("names", np.where(y, "BROKEN", "NORMAL"), pd.Series(np.where(y, "BROKEN", "NORMAL"))),
    ]  # fmt: skip
    assert kinds(Protocol(replays=replays)) == []


def test_arrays_that_do_not_belong_together():
    """A length or a shape that does not fit is refused with both numbers."""
    with pytest.raises(BadInput, match="30 flags; expected 40"):
        audit_claims(Protocol(test=Part(labels=np.arange(40) % 2), flagged=Flagged(np.ones(30), {"nu": 0.1})))
    with pytest.raises(BadInput, match="3 replayed predictions; expected 2"):
        audit_claims(Protocol(replays=[Replay("m", [0, 1], [0, 1, 1])]))
    with pytest.raises(BadInput, match=r"naive has shape \(1, 3\); expected \(1, 4\)"):
        audit_claims(Protocol(horizons=Horizons({"m": 4}, {"naive": 4}, np.arange(4), {"naive": np.arange(3)})))


def test_no_evidence_no_finding():
    """A check runs only on what it is given."""
    assert audit_claims(Protocol()) == ()
