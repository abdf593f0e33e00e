"""The audit on the published AI4I file: every leak is named, and honest features raise no finding."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gauntlet.datasets.spec import Table
from gauntlet.tasks.audit import Fingerprint, Part, Protocol, audit_claims, audit_table

pytestmark = pytest.mark.real

MODES = ("TWF", "HDF", "PWF", "OSF", "RNF")
SPEC = Table(
    name="ai4i", title="AI4I 2020", homepage="", licence="", citation="", sensor_type="process", marker="*.csv",
    target="Machine failure",
    features=("Type", "Air temperature [K]", "Process temperature [K]", "Rotational speed [rpm]", "Torque [Nm]",
              "Tool wear [min]"),
    consequences=MODES, identifiers=("UDI", "Product ID"), rows=10_000,
)  # fmt: skip


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """The published file."""
    folder = os.environ.get("GAUNTLET_DATA_DIR")
    file = Path(folder or ".") / "ai4i" / "ai4i2020.csv"
    if not folder or not file.is_file():
        pytest.skip("the published AI4I file is not here: set GAUNTLET_DATA_DIR to the folder that holds ai4i/")
    return pd.read_csv(file, encoding="utf-8-sig")


def engineered(table: pd.DataFrame) -> pd.DataFrame:
    """The raw features and the quantities in which the failure mechanisms are written down."""
    _, air, process, speed, torque, wear = SPEC.features
    limit = table["Type"].map({"L": 11_000, "M": 12_000, "H": 13_000})
    power, rise = table[torque] * table[speed] * 2 * np.pi / 60, table[process] - table[air]
    return table[list(SPEC.features)].assign(
        power=power, rise=rise, strain=table[wear] * table[torque], margin=limit - table[wear] * table[torque],
        power_margin=np.minimum(power - 3500, 9000 - power), heat=np.maximum(rise / 8.6, table[speed] / 1380) - 1,
    )  # fmt: skip


@pytest.mark.parametrize("rows", [slice(None), slice(None, None, 3), slice(0, 2000)])
def test_honest_features_raise_no_finding(table, rows):
    """Raw and engineered features, with a declaration and without."""
    part = table.iloc[rows]
    for spec in (SPEC, None):
        assert audit_table(part[list(SPEC.features)], part["Machine failure"], spec) == ()
        assert audit_table(engineered(part), part["Machine failure"], spec) == ()


def test_all_that_must_not_be_a_feature_is_named(table):
    """Five failure modes and two identifiers, declared or not."""
    for spec in (SPEC, None):
        found = audit_table(table.drop(columns="Machine failure"), table["Machine failure"], spec)
        assert {finding.column: finding.kind for finding in found} == {
            **dict.fromkeys(MODES, "label_derived"), "UDI": "identifier", "Product ID": "identifier",
        }  # fmt: skip
    assert "precision 1.000 on 46 of 46 rows" in next(finding.detail for finding in found if finding.column == "TWF")


def test_failure_modes_under_other_names_are_found(table):
    """The four that set the label, by their precision."""
    renamed = table.rename(columns={mode: f"m{i}" for i, mode in enumerate(MODES)})
    found = audit_table(renamed.drop(columns=["Machine failure", "UDI", "Product ID"]), table["Machine failure"])
    assert [(finding.kind, finding.column) for finding in found] == [("label_derived", f"m{i}") for i in range(4)]


def test_an_honest_split_of_the_file(table):
    """A random split of 10,000 products, known by number and by values."""
    test = np.random.default_rng(0).random(len(table)) < 0.2
    rows = table[list(SPEC.features[1:])].to_numpy()
    parts = [
        Part(ids=table["UDI"][side], features=rows[side], labels=table["Machine failure"][side])
        for side in (~test, test)
    ]
    read = Fingerprint(tuple(table.columns), len(table))
    protocol = Protocol(source="real", train=parts[0], test=parts[1], fingerprint=read, claimed=SPEC)
    assert audit_claims(protocol) == ()
    unnumbered = Protocol(train=Part(features=rows[~test]), test=Part(features=rows[test]))
    assert audit_claims(unnumbered) == ()
