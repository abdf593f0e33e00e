"""The audit: what makes a result worthless, named by its cause, before it is trained on and before it is stated.

`audit_table` looks at candidate features and a target, `audit_claims` at how a figure came to be (a `Protocol`);
`guard` stops the run on what they find.
"""

from gauntlet.tasks.audit.claims import audit_claims
from gauntlet.tasks.audit.findings import CAUSES, Finding, guard
from gauntlet.tasks.audit.protocol import Fingerprint, Flagged, Horizons, Origin, Part, Protocol, Replay
from gauntlet.tasks.audit.provenance import origin_of
from gauntlet.tasks.audit.table import audit_table

__all__ = [
    "CAUSES",
    "Finding",
    "Fingerprint",
    "Flagged",
    "Horizons",
    "Origin",
    "Part",
    "Protocol",
    "Replay",
    "audit_claims",
    "audit_table",
    "guard",
    "origin_of",
]
