"""Validation looks at every version that an alias points at, not at champions alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sklearn.linear_model import LogisticRegression

from gauntlet.tasks.loop import inventory
from gauntlet.tasks.registry.aliases import CHALLENGER, CHAMPION, PREVIOUS, give
from gauntlet.tasks.registry.files import parquet
from gauntlet.tasks.registry.keys import signing_key
from gauntlet.tasks.registry.publish import publish
from gauntlet.tasks.registry.submission import Submission
from gauntlet.tasks.runtime.tracking import experiment, tracked


def submission(name: str, number: int) -> Submission:
    """A small model; another number is another version."""
    rows = pd.DataFrame({"load": np.arange(20.0) + number, "speed": np.arange(20.0)[::-1] ** 2})
    fitted = LogisticRegression().fit(rows, np.arange(20) % 2)
    files = {"feature_names.txt": b"load\nspeed", "reference.parquet": parquet(rows)}
    return Submission(name, f"{name} {number}", fitted, rows, {}, {}, {"leaked": "false"}, "A test.", files)


def put(stack: Any, name: str, versions: int, key: Ed25519PrivateKey) -> None:
    """So many versions into the registry."""
    with tracked(stack.connection, experiment("inventory", stack.connection), "parent", {}) as parent:
        for number in range(versions):
            publish(submission(name, number), parent.experiment_id, parent.run_id, key)


def key_file(stack: Any) -> Path:
    return Path(stack.cfg.state) / "keys" / "signing.pem"


def test_every_version_with_an_alias_is_looked_at_once(stack: Any) -> None:
    """Champion and challenger of one model are two checks; a version that two aliases point at is one."""
    put(stack, "validated_model", 3, signing_key(key_file(stack)))
    give("validated_model", 1, CHAMPION)
    give("validated_model", 1, PREVIOUS)
    give("validated_model", 3, CHALLENGER)
    found = inventory.versions_with_alias(["validated_model"])
    assert found == [("validated_model", 1, (CHAMPION, PREVIOUS)), ("validated_model", 3, (CHALLENGER,))]
    checked = [inventory.check(*version, stack.connection, key_file(stack)) for version in found]
    assert [(one.version, one.fault) for one in checked] == [(1, ""), (3, "")]
    assert [row["aliases"] for row in inventory.rows_of(checked)] == ["champion, previous", "challenger"]


def test_a_challenger_that_is_signed_by_nobody_we_know_is_named(stack: Any) -> None:
    """It is no champion, and would be found out only on the day of its promotion."""
    put(stack, "foreign_model", 1, Ed25519PrivateKey.generate())
    give("foreign_model", 1, CHALLENGER)
    [found] = inventory.versions_with_alias(["foreign_model"])
    assert "not confirmed by our key" in inventory.check(*found, stack.connection, key_file(stack)).fault
