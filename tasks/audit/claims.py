"""The audit of a claim, before a figure is stated."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gauntlet.tasks.audit.evaluation import (
    horizon_mismatch,
    no_fault_evaluated,
    parameter_echoed,
    preprocessing_outside,
)
from gauntlet.tasks.audit.findings import Finding
from gauntlet.tasks.audit.protocol import Protocol
from gauntlet.tasks.audit.provenance import synthetic_fallback, wrong_data_set
from gauntlet.tasks.audit.split import split_overlap, trained_is_scored, tuned_on_test

CHECKS: tuple[Callable[[Protocol], Iterator[Finding]], ...] = (
    wrong_data_set,
    synthetic_fallback,
    trained_is_scored,
    split_overlap,
    tuned_on_test,
    no_fault_evaluated,
    parameter_echoed,
    horizon_mismatch,
    preprocessing_outside,
)
# The first says all that the second would say.
SUPERSEDES = {"trained_is_scored": "split_overlap"}


def audit_claims(protocol: Protocol) -> tuple[Finding, ...]:
    """What makes the figures of this protocol worthless, in a fixed order; what is not given is not checked.

    Raises:
        BadInput: arrays that belong together differ in length.
    """
    found = [finding for check in CHECKS for finding in check(protocol)]
    said = {SUPERSEDES.get(finding.kind) for finding in found}
    return tuple(finding for finding in found if finding.kind not in said)
