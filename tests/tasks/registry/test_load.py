"""What our own loader says of versions that it cannot use any more."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from mlflow.models import Model

import gauntlet.tasks.registry.publish as publishing
from gauntlet.datasets.errors import FormerType, GauntletError
from gauntlet.tasks.models.decision import DecisionClassifier
from gauntlet.tasks.registry.key import git_commit
from gauntlet.tasks.registry.load import LoadedModel, load
from gauntlet.tasks.registry.submission import Submission
from gauntlet.tasks.runtime.tracking import experiment, tracked

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)


def submission(name: str) -> Submission:
    """A small model of a class of ours."""
    from sklearn.linear_model import LogisticRegression

    rows = pd.DataFrame({"load": np.arange(20.0), "speed": np.arange(20.0)[::-1] ** 2})
    fitted = DecisionClassifier(LogisticRegression()).fit(rows, np.arange(20) % 2)
    return Submission(name, f"{name} key", fitted, rows, {}, {}, {"leaked": "false"}, "A test.", {})


def as_before(folder: Path) -> None:
    """The model's file as version 0.1.0 wrote it: every class of ours where it stood then, `tasks.` and not `gauntlet.`."""
    file, target = folder / "model.skops", io.BytesIO()
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(target, "w") as new:
        for entry in old.namelist():
            content = old.read(entry)
            new.writestr(entry, content.replace(b"gauntlet.tasks.", b"tasks.") if entry == "schema.json" else content)
    file.write_bytes(target.getvalue())


def test_a_version_of_former_types_says_to_register_anew(stack: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line with the gauntlet's name; it is signed, and nothing else is wrong with it."""
    write = publishing.write

    def before(made: Submission, folder: Path, description: Model) -> None:
        write(made, folder, description)
        as_before(folder)

    monkeypatch.setattr(publishing, "write", before)
    place = experiment("former", stack.connection)
    with (
        tracked(stack.connection, place, "ai4i", {"gauntlet": "ai4i"}) as parent,
        tracked(stack.connection, place, "former_model", {}, parent) as run,
    ):
        publishing.publish(submission("former_model"), place, run.run_id, KEY)
    with pytest.raises(FormerType, match="register anew with `gauntlet run ai4i`") as refused:
        load("former_model", 1, KEY.public_key())
    assert "former_model version 1: model.skops holds tasks.models.decision.DecisionClassifier" in str(refused.value)
    assert f"It was registered by commit {git_commit()}." in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"input_example.json": b'{"columns": ["a"], "data": [[1]]}'},
        {"input_example.json": b"[", "features.json": b'{"columns": []}'},
        {
            "input_example.json": b'{"columns": ["a"], "data": [["x"]]}',
            "features.json": json.dumps({"columns": [{"name": "a", "kind": "number"}]}).encode(),
        },
    ],
    ids=["nothing", "no recipe", "no JSON", "another type"],
)
def test_an_example_that_cannot_be_read_is_one_line(files: dict[str, bytes]) -> None:
    """As of a version that somebody registered by hand."""
    with pytest.raises(GauntletError, match=r"hand version 1 has no readable input_example\.json") as told:
        LoadedModel("hand", 1, {}, None, files).example()
    assert "\n" not in str(told.value)
