"""The files of a model's folder, as bytes."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import asdict

import pandas as pd

from gauntlet.tasks.audit import Finding


def parquet(frame: pd.DataFrame) -> bytes:
    """A frame as Parquet."""
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()


def audit_json(findings: Sequence[Finding]) -> bytes:
    """What the audit found, and that the caller let the run go on in spite of it."""
    return json.dumps(
        {"findings": [asdict(finding) for finding in findings], "allowed": bool(findings)}, indent=1
    ).encode()
