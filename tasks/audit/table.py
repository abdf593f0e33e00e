"""The audit of a table, before anything is trained on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd

from gauntlet.datasets.spec import Table
from gauntlet.tasks.audit.candidates import Candidates, candidates
from gauntlet.tasks.audit.findings import Finding
from gauntlet.tasks.audit.identifiers import identifiers
from gauntlet.tasks.audit.labels import label_derived_by_name, label_derived_by_values
from gauntlet.tasks.audit.post_event import post_event_by_name, post_event_by_values
from gauntlet.tasks.audit.rules import shallow_rule

# In order: the first cause that holds for a column is its cause, and later checks do not see the column any more, so
# that a rule is looked for among honest features only.
CHECKS: tuple[Callable[[Candidates], Iterator[Finding]], ...] = (
    post_event_by_name,
    label_derived_by_name,
    identifiers,
    post_event_by_values,
    label_derived_by_values,
    shallow_rule,
)


def audit_table(
    features: pd.DataFrame, target: Any, spec: Table | None = None, *, target_name: str | None = None
) -> tuple[Finding, ...]:
    """What makes these features worthless for this target, one finding for each column at fault, in a fixed order.

    `features` (rows, columns) are the columns that a model would be given, of any type, with gaps. `target` (rows,) is
    of classes (the commonest one is held against all others) or a quantity. `spec` adds what is declared of a published
    table. The order of rows and columns has no say. Above 50,000 rows a sample is looked at.

    Raises:
        BadInput: a column name stands twice, or features and target differ in length.
    """
    table = candidates(
        features, target, spec, target_name or (spec.target if spec else "") or _own_name(target, features)
    )
    found: list[Finding] = []
    for check in CHECKS:
        found += check(table.without(frozenset(finding.column for finding in found)))
    return tuple(found)


def _own_name(target: Any, features: pd.DataFrame) -> str:
    """The name that the target brings, unless it is a feature's: `table["Torque"] > 60` bears it and is no copy."""
    name = getattr(target, "name", None)
    return "target" if name is None or name in features.columns else str(name)
