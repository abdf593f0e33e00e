"""Samples that no file gave and tables under a wrong name are found out; real features and simulations are not."""

from dataclasses import replace

import numpy as np
import pytest

from gauntlet.datasets.spec import Table
from gauntlet.tasks.audit import Fingerprint, Origin, Protocol, audit_claims, origin_of

SEEDS = range(50)
FILES = [f"6_dB_fan/fan/id_00/normal/{i:08d}.wav" for i in range(100)]
PUMP = Table(
    name="pump", title="Kaggle pump sensors", homepage="", licence="", citation="", sensor_type="pump", marker="*.csv",
    identifiers=("timestamp",), features=tuple(f"sensor_{i:02d}" for i in range(52)), target="machine_status",
    rows=220_320, sha256="a" * 64,
)  # fmt: skip


def found(origin: Origin, source="real") -> list[str]:
    """The details of the findings, all of one kind."""
    findings = audit_claims(Protocol(source=source, origin=origin))
    assert {finding.kind for finding in findings} <= {"synthetic_fallback"}
    return [finding.detail for finding in findings]


def test_random_features_where_every_clip_failed():
    """No numba cache, no clip read, 93.3 % published: samples without a file."""
    rng = np.random.default_rng(0)
    origin = Origin(FILES, (), [None] * 324, rng.normal(size=(324, 26)))
    assert found(origin) == ["324 of 324 samples came from no file that was read; 0 of 100 files were read"]


def test_some_samples_without_a_file():
    """A fallback for single files is one too; a file that was not read gives no sample."""
    origin = Origin(FILES, FILES[:98], [*FILES[:98], None, FILES[99]])
    assert found(origin) == ["2 of 100 samples came from no file that was read; 98 of 100 files were read"]


@pytest.mark.parametrize("draw", ["normal", "uniform"])
def test_noise_under_the_name_of_files_that_failed(draw):
    """Nobody kept where the samples came from: files failed, and the features are those of a generator, 45 of 50 times."""
    named = 0
    for seed in SEEDS:
        features = getattr(np.random.default_rng(seed), draw)(size=(324, 26))
        named += bool(found(Origin(FILES, FILES[:60], (), features * 3 + 1)))
    assert named >= 45


def test_samples_and_not_one_file():
    """Whatever the samples look like."""
    assert found(Origin(FILES, (), (), np.ones((10, 3)))) == ["10 samples, but 0 of 100 files were read"]


def test_a_simulation_that_says_so():
    """`source=simulated` claims no files."""
    assert found(Origin((), (), [None] * 20), source="simulated") == []


def test_real_features_with_a_few_failed_files():
    """Five files quarantined; features of one machine go together: 50 tables, with principal components, without finding."""
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        mixed = rng.normal(size=(300, 3)) @ rng.normal(size=(3, 10)) + rng.normal(size=(300, 10))
        components = np.linalg.svd(mixed - mixed.mean(0), full_matrices=False)[0]
        for features in (mixed, np.exp(mixed / 3), components):
            assert found(Origin(FILES, FILES[5:], (), features)) == []


def test_an_honest_origin():
    """Every sample has its file, some files failed."""
    origin = origin_of(dict.fromkeys(FILES[:95], 2), failed=FILES[95:])
    assert (origin.failed, len(origin.of_samples)) == (5, 190)
    assert found(origin) == []


def test_another_table_under_the_name_of_the_pump_set():
    """500 rows with the repair among the columns, where 220,320 minutes of 52 sensors are claimed."""
    read = Fingerprint(("Temperature", "Maintenance Type", "Repair Time", "Repair Costs", "Failure"), 500, "b" * 64)
    (finding,) = audit_claims(Protocol(source="real", fingerprint=read, claimed=PUMP))
    assert (finding.kind, finding.column) == ("wrong_data_set", "pump")
    assert finding.detail.startswith(
        "read 500 rows x 5 columns, claimed Kaggle pump sensors with 220,320 rows x 54 columns: "
        "without timestamp, sensor_00, sensor_01 and 51 more; with Temperature, Maintenance Type, Repair Time and 2 more; "
        "500 rows for 220,320; sha256 bbbbbbbbbbbb… for aaaaaaaaaaaa…"
    )


RIGHT = Fingerprint(PUMP.columns, 220_320, "a" * 64)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rows": 220_319}, "220,319 rows for 220,320"),
        ({"sha256": "c" * 64}, "sha256 cccccccccccc… for aaaaaaaaaaaa…"),
        ({"columns": PUMP.columns[1:]}, "without timestamp"),
        ({"columns": (*PUMP.columns, "Unnamed: 0")}, "with Unnamed: 0"),
    ],
)
def test_each_part_of_the_fingerprint_counts(change, said):
    """Rows, bytes and columns, each by itself."""
    (finding,) = audit_claims(Protocol(source="real", fingerprint=replace(RIGHT, **change), claimed=PUMP))
    assert finding.detail.endswith(f": {said}")


@pytest.mark.parametrize(
    "same",
    [
        RIGHT, replace(RIGHT, sha256=None), replace(RIGHT, sha256="A" * 64),
        replace(RIGHT, columns=tuple(name.upper().replace("_", " ") for name in reversed(PUMP.columns))),
    ],
)  # fmt: skip
def test_the_right_table(same):
    """Order and spelling of the columns are the publisher's quirks."""
    assert audit_claims(Protocol(source="real", fingerprint=same, claimed=PUMP)) == ()


def test_a_simulated_table_has_its_own_rows_and_bytes_but_the_columns():
    """Only the columns are held against the claim."""
    small = Fingerprint(PUMP.columns, 5000, "d" * 64)
    assert audit_claims(Protocol(source="simulated", fingerprint=small, claimed=PUMP)) == ()
    wrong = replace(small, columns=("a", "b"))
    assert len(audit_claims(Protocol(source="simulated", fingerprint=wrong, claimed=PUMP))) == 1
