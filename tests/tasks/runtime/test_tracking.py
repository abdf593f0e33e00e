"""Experiments in a real MLflow."""

from __future__ import annotations

from typing import Any

from mlflow import MlflowClient

from gauntlet.tasks.runtime.tracking import experiment


def test_an_experiment_made_bare_is_described_later_and_a_persons_words_stay(stack: Any) -> None:
    """As after an update from a version that described nothing."""
    client = MlflowClient()
    place = experiment("bare", stack.connection)
    assert "mlflow.note.content" not in client.get_experiment(place).tags
    assert experiment("bare", stack.connection, "What it is for.", {"gauntlet": "pump"}) == place
    found = client.get_experiment(place).tags
    assert (found["mlflow.note.content"], found["gauntlet"]) == ("What it is for.", "pump")
    client.set_experiment_tag(place, "mlflow.note.content", "A person's words.")
    experiment("bare", stack.connection, "What it is for.")
    assert client.get_experiment(place).tags["mlflow.note.content"] == "A person's words."


def test_a_deleted_experiment_is_restored(stack: Any) -> None:
    """MLflow would refuse to make another of its name."""
    client = MlflowClient()
    place = experiment("gone", stack.connection)
    client.delete_experiment(place)
    assert experiment("gone", stack.connection) == place
    assert client.get_experiment(place).lifecycle_stage == "active"
