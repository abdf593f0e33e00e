"""A finding is in the list of causes, and stops the run unless it is allowed."""

import re
from pathlib import Path

import pytest

import gauntlet.tasks.audit
from gauntlet.datasets.errors import Leak
from gauntlet.tasks.audit import CAUSES, Finding, guard

SOURCES = sorted(Path(gauntlet.tasks.audit.__file__).parent.glob("*.py"))
LEAK = Finding("label_derived", "TWF", "precision 1.000 on 46 of 46 rows")


def test_every_kind_that_is_found_is_explained_and_every_explanation_is_used():
    """What a check can name, the report can explain, and the other way round."""
    named = {kind for file in SOURCES for kind in re.findall(r'Finding\(\s*"(\w+)"', file.read_text())}
    assert named == set(CAUSES)
    assert all(text.endswith(".") and "\n" not in text for text in CAUSES.values())


def test_a_finding_stops_the_run():
    """The error says the cause, the column, the numbers and what to do."""
    with pytest.raises(Leak, match=r"label_derived TWF: precision 1\.000 on 46 of 46 rows\..*--allow-leakage"):
        guard((LEAK,), allow=False)


def test_an_allowed_finding_is_handed_on():
    """The run goes on and still knows what was found."""
    assert guard([LEAK], allow=True) == (LEAK,)


def test_nothing_found_stops_nothing():
    """No finding, no error, allowed or not."""
    assert guard((), allow=False) == ()


def test_the_audit_stands_alone():
    """It can be used without an orchestrator and without a registry."""
    for file in SOURCES:
        assert not re.search(r"^\s*(import|from) (prefect|mlflow)", file.read_text(), re.MULTILINE), file
        assert file.stat().st_size < 15_000, file
