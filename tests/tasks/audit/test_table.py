"""Features that give the target away are named with their cause, in the constructions in which they were published."""

import time

import numpy as np
import pandas as pd
import pytest

from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.spec import Table
from gauntlet.tasks.audit import audit_table

MODES = ("TWF", "HDF", "PWF", "OSF", "RNF")
SPEC = Table(
    name="ai4i", title="AI4I 2020", homepage="", licence="", citation="", sensor_type="process", marker="*.csv",
    target="Machine failure",
    features=("Type", "Air temperature [K]", "Process temperature [K]", "Rotational speed [rpm]", "Torque [Nm]",
              "Tool wear [min]"),
    consequences=MODES, identifiers=("UDI", "Product ID"), rows=10_000,
)  # fmt: skip


def machining(seed: int = 0, rows: int = 10_000) -> pd.DataFrame:
    """A table by the published generator of AI4I, with all fourteen columns."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(list("LMH"), rows, p=[0.5, 0.3, 0.2])
    air = 300 + 2 * np.cumsum(rng.normal(0, 0.05, rows))
    process = air + 10 + rng.normal(0, 1, rows)
    torque = np.clip(rng.normal(40, 10, rows), 3.8, None).round(1)
    speed = (2860 / torque * 60 / (2 * np.pi) * 2.1 + rng.normal(0, 60, rows)).clip(1168, 2886).round()
    step = pd.Series(kind).map({"H": 5, "M": 3, "L": 2}).to_numpy()
    wear = (np.cumsum(step) % rng.integers(198, 254)).astype(float)
    power, strain = torque * speed * 2 * np.pi / 60, wear * torque
    limit = pd.Series(kind).map({"L": 11_000, "M": 12_000, "H": 13_000}).to_numpy()
    modes = {
        "TWF": (wear > 200) & (rng.random(rows) < 0.03),
        "HDF": (process - air < 8.6) & (speed < 1380),
        "PWF": (power < 3500) | (power > 9000),
        "OSF": strain > limit,
    }
    failure = np.any(list(modes.values()), axis=0) | (rng.random(rows) < 0.0009)
    table = pd.DataFrame({
        "UDI": np.arange(1, rows + 1), "Product ID": [f"{k}{14860 + i}" for i, k in enumerate(kind)], "Type": kind,
        "Air temperature [K]": air.round(1), "Process temperature [K]": process.round(1),
        "Rotational speed [rpm]": speed.astype(int), "Torque [Nm]": torque, "Tool wear [min]": wear,
        "Machine failure": failure.astype(int),
    })  # fmt: skip
    return table.assign(**{m: v.astype(int) for m, v in modes.items()}, RNF=(rng.random(rows) < 0.002).astype(int))


def repairs(seed: int = 0, rows: int = 500) -> pd.DataFrame:
    """The table that was taken for the pump set: 500 rows, and the repair among the features."""
    rng = np.random.default_rng(seed)
    failed = rng.random(rows) < 0.3
    return pd.DataFrame({
        "Temperature": rng.normal(70, 8, rows) + 2 * failed, "Vibration": rng.normal(0.5, 0.1, rows) + 0.03 * failed,
        "Maintenance Type": np.where(failed, rng.choice(["Corrective", "Emergency"], rows), "Preventive"),
        "Repair Time (hrs)": np.where(failed, rng.gamma(2, 3, rows), 0.0),
        "Repair Cost": np.where(failed, rng.gamma(2, 300, rows), 0.0), "Failed": failed.astype(int),
    })  # fmt: skip


def kinds(findings) -> dict[str, str]:
    """Column and kind of each finding; every column at most once."""
    found = {finding.column: finding.kind for finding in findings}
    assert len(found) == len(findings)
    assert all("\n" not in finding.detail for finding in findings)
    return found


def test_the_five_failure_modes_of_a_declared_table_are_named():
    """The 99.9 % accuracy on AI4I: five columns that were computed with the label are features."""
    table = machining()
    found = audit_table(table.drop(columns=["Machine failure", "UDI", "Product ID"]), table["Machine failure"], SPEC)
    assert kinds(found) == dict.fromkeys(MODES, "label_derived")
    hits = int(table["HDF"].sum())
    assert f"precision 1.000 on {hits} of {hits} rows" in next(f.detail for f in found if f.column == "HDF")


def test_the_five_failure_modes_are_named_in_a_table_without_declaration():
    """RNF, which hardly ever sets the label, is known by its kin."""
    table = machining()
    found = audit_table(table.drop(columns=["Machine failure", "UDI", "Product ID"]), table["Machine failure"])
    assert kinds(found) == dict.fromkeys(MODES, "label_derived")


def test_failure_modes_under_other_names_are_found_by_their_precision():
    """Statistics find what sets the label, in a small table as a group; a mode that does not set it is no leak."""
    table = machining().rename(columns={mode: f"m{i}" for i, mode in enumerate(MODES)})
    small = table.iloc[:1500]
    for rows in (table, small):
        found = audit_table(rows.drop(columns=["Machine failure", "UDI", "Product ID"]), rows["Machine failure"])
        assert {"m1", "m2", "m3"} <= set(kinds(found)) <= {"m0", "m1", "m2", "m3"}
        assert set(kinds(found).values()) == {"label_derived"}


def test_one_flag_alone_that_holds_for_a_third_of_the_failures_only():
    """No declaration, no kin, no disjunction: precision one with a meaningful share is enough."""
    table = machining()
    found = audit_table(table[[*SPEC.features, "HDF"]].rename(columns={"HDF": "bit 7"}), table["Machine failure"])
    assert kinds(found) == {"bit 7": "label_derived"}


def test_identifiers_are_named_declared_or_not():
    """A counter and a unique text in a table that nobody declared."""
    table = machining()
    features = table[["UDI", "Product ID", *SPEC.features]]
    for spec in (SPEC, None):
        assert kinds(audit_table(features, table["Machine failure"], spec)) == {
            "UDI": "identifier",
            "Product ID": "identifier",
        }


@pytest.mark.parametrize("rows", [100, 500, 60_000])
def test_a_counter_with_gaps_and_one_time_stamp_per_row_are_identifiers(rows):
    """Row numbers after filtering have gaps; a moment per row says which row it is."""
    rng = np.random.default_rng(1)
    numbers = np.sort(rng.choice(3 * rows, rows, replace=False)) + 10_000
    moments = pd.Timestamp("2018-04-01", tz="UTC") + pd.to_timedelta(np.arange(rows), "min")
    features = pd.DataFrame({"number": numbers, "timestamp": moments, "s": rng.normal(size=rows)})
    found = audit_table(features, rng.random(rows) < 0.2)
    assert kinds(found) == {"number": "identifier", "timestamp": "identifier"}


def test_repair_columns_are_post_event():
    """The repair is known after the failure: type, time and cost, by name."""
    table = repairs()
    found = audit_table(table.drop(columns="Failed"), table["Failed"])
    assert kinds(found) == dict.fromkeys(["Maintenance Type", "Repair Time (hrs)", "Repair Cost"], "post_event")


@pytest.mark.parametrize("missing", [0.0, np.nan])
def test_a_quantity_that_exists_only_for_failures_is_post_event_whatever_its_name(missing):
    """A column named x17 that is zero or empty unless the machine failed."""
    table = repairs()
    features = table[["Temperature", "Vibration"]].assign(x17=table["Repair Cost"].replace(0.0, missing))
    found = audit_table(features, table["Failed"])
    assert kinds(found) == {"x17": "post_event"}
    assert "only where Failed = 1: precision 1.000" in found[0].detail


def test_a_text_that_only_failures_have_carries_the_label():
    """Of the levels of a category, two hold only for failures."""
    table = repairs()
    found = audit_table(table[["Temperature"]].assign(state=table["Maintenance Type"]), table["Failed"])
    assert kinds(found) == {"state": "label_derived"}
    assert "Corrective or Emergency only where Failed = 1" in found[0].detail


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Failure Type", "label_derived"), ("failure_mode", "label_derived"), ("is_failed", "label_derived"),
        ("RepairTime", "post_event"), ("Downtime_h", "post_event"), ("WorkOrder", "post_event"), ("RUL", "post_event"),
        ("maintenance_cost", "post_event"), ("days_since_last_repair", ""), ("time_since_maintenance", ""),
        ("energy_cost", ""), ("planned_maintenance_interval_hours", ""), ("failure_count", ""), ("Öldruck", ""),
    ],
)  # fmt: skip
def test_a_name_says_whether_a_value_is_known_beforehand(name, kind):
    """Aftermaths are named; histories and other costs are fair features."""
    rng = np.random.default_rng(2)
    found = audit_table(pd.DataFrame({name: rng.normal(size=400), "s": rng.normal(size=400)}), rng.random(400) < 0.2)
    assert kinds(found) == ({name: kind} if kind else {})


@pytest.mark.parametrize("noise", [0.0, 0.05, 0.15])
def test_a_copy_of_the_label_is_no_rule_but_the_label(noise):
    """Empty space between the classes tells a copy from a threshold on a measurement."""
    rng = np.random.default_rng(3)
    y = rng.random(2000) < 0.1
    features = pd.DataFrame(rng.normal(size=(2000, 4)), columns=list("abcd")).assign(
        score=y + rng.normal(0, noise, 2000)
    )
    assert kinds(audit_table(features, y)) == {"score": "label_derived"}


def test_the_target_itself_among_the_features():
    """By the target's name, whatever its type; and a quantity in other units."""
    table = machining()
    found = audit_table(table[[*SPEC.features, "Machine failure"]], table["Machine failure"], SPEC)
    assert kinds(found) == {"Machine failure": "label_derived"}
    life = np.random.default_rng(4).uniform(0, 500, 800)
    noise = np.random.default_rng(5).normal(size=800)
    assert kinds(audit_table(pd.DataFrame({"hours": life / 60 + 3, "s": noise}), life)) == {"hours": "label_derived"}


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (lambda t: t["Torque [Nm]"] > 60, "Torque [Nm] > 60.0"),
        (lambda t: t["Tool wear [min]"] <= 12.5, "Tool wear [min] <= "),
        (lambda t: (t["Torque [Nm]"] > 60) | (t["Tool wear [min]"] > 190), "Tool wear [min] > "),
        (lambda t: (t["Torque [Nm]"] > 50) & (t["Type"] == "L"), "Type is L"),
        (lambda t: (t["Torque [Nm]"] > 55) | (t["Rotational speed [rpm]"] > 2400), "Rotational speed [rpm] > "),
    ],
)  # fmt: skip
@pytest.mark.parametrize("rows", [1000, 10_000, 60_000])
def test_a_label_that_is_a_threshold_on_features_is_named_in_words(rule, words, rows):
    """The rule is found and can be read, whether rows are few or are sampled."""
    table = machining(rows=rows)
    found = audit_table(table[list(SPEC.features)], rule(table), target_name="alarm")
    assert kinds(found) == {"alarm": "shallow_rule"}
    assert f"{words}" in found[0].detail
    assert found[0].detail.startswith("alarm = 1 where ")


def test_a_rule_is_found_behind_a_leaked_column():
    """Columns at fault are set aside before the rule is looked for."""
    table = machining()
    alarm = (table["Torque [Nm]"] > 60).astype(int)
    found = audit_table(table[list(SPEC.features)].assign(flag=alarm), alarm, target_name="alarm")
    assert kinds(found) == {"flag": "label_derived", "alarm": "shallow_rule"}


def test_several_classes_and_texts_as_target():
    """Everything but the commonest class is held against it."""
    table = machining()
    state = np.where(table["Torque [Nm]"] > 60, "BROKEN", np.where(table["Torque [Nm]"] > 55, "RECOVERING", "NORMAL"))
    found = audit_table(table[list(SPEC.features)], pd.Series(state), target_name="status")
    assert found[0].detail.startswith("status = other than NORMAL where Torque [Nm] > 55.0")


def test_input_that_cannot_be_audited_is_refused():
    """One line each: which column stands twice, how many labels were expected."""
    with pytest.raises(BadInput, match="'a': the name stands twice"):
        audit_table(pd.DataFrame(np.ones((3, 2)), columns=["a", "a"]), [0, 1, 0])
    with pytest.raises(BadInput, match=r"2 labels; expected 3, one for each row"):
        audit_table(pd.DataFrame({"a": [1.0, 2.0, 3.0]}), [0, 1])


def test_the_audit_of_a_table_takes_less_than_a_second():
    """10,000 rows x 30 columns, clean and with a rule to be cross-validated; twice the budget for a busy machine."""
    rng = np.random.default_rng(6)
    features = pd.DataFrame(rng.normal(size=(10_000, 30)))
    audit_table(features[:100], np.arange(100) % 2)
    for y in (rng.random(10_000) < 0.05, features[3] > 1.5):
        started = time.perf_counter()
        audit_table(features, y)
        assert time.perf_counter() - started < 2
