"""A finding, the causes that the audit can name, and the gate that stops a run on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from gauntlet.datasets.errors import Leak


@dataclass(frozen=True)
class Finding:
    """One cause. `column` is the column, file or parameter at fault, empty where none is."""

    kind: str
    column: str
    detail: str

    def __str__(self) -> str:
        return f"{self.kind} {self.column}: {self.detail}" if self.column else f"{self.kind}: {self.detail}"


CAUSES: Mapping[str, str] = MappingProxyType(
    {
        "identifier": "A column names the row (a key, a serial number, a counter), so a model learns rows by heart.",
        "post_event": "A column is filled in after the event that is to be predicted, when nobody needs a prediction.",
        "label_derived": "A column carries the label itself, because one of the two was computed from the other.",
        "shallow_rule": "A few thresholds on the features give the label, so the score only says that they were found.",
        "split_overlap": "Training and test share rows, recording sessions or neighbouring moments.",
        "trained_is_scored": "The rows that the score is stated for are the rows that the model was fitted on.",
        "no_fault_evaluated": "The evaluated rows hold one class only: misses or false alarms cannot be counted.",
        "parameter_echoed": "The stated alarm rate is a parameter of the detector coming back, not a property of data.",
        "tuned_on_test": "A threshold or a setting was chosen on the rows that the score is stated for.",
        "horizon_mismatch": "Rows of one table forecast different distances ahead, so they cannot be compared.",
        "preprocessing_outside": "The stated predictions need a step that the registered model does not hold.",
        "synthetic_fallback": "Samples said to be real came from no file that was read.",
        "wrong_data_set": "The table is not the published one whose name the result bears.",
    }
)


def guard(findings: Sequence[Finding], allow: bool = False) -> tuple[Finding, ...]:
    """The findings themselves, for a run that may go on.

    Raises:
        Leak: there are findings, and `allow` is not set.
    """
    if findings and not allow:
        raise Leak(findings)
    return tuple(findings)
