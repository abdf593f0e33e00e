"""What an operator sees and edits in the Prefect UI."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
import requests

from gauntlet.blocks import BLOCKS, ArtifactStore

SECRET = "not-for-the-eyes-of-browsers"


@pytest.fixture
def api(stack: Any) -> str:
    """The address of the real Prefect server's API, to which the block types are registered."""
    for kind in BLOCKS:
        kind.register_type_and_schema()
    return f"{stack.urls['Prefect']}/api"


@pytest.mark.parametrize("kind", BLOCKS, ids=lambda kind: kind.__name__)
def test_types_are_registered_with_descriptions(api: str, kind: Any, stack: Any) -> None:
    """The UI shows what the type is for, and what each field means."""
    found = requests.get(
        f"{api}/block_types/slug/{kind.get_block_type_slug()}", auth=stack.login("prefect"), timeout=10
    ).json()
    assert found["name"].startswith("Gauntlet ")
    assert found["description"] == kind._description
    schemas = requests.post(
        f"{api}/block_schemas/filter",
        json={"block_schemas": {"block_type_id": {"any_": [found["id"]]}}},
        auth=stack.login("prefect"),
        timeout=10,
    ).json()
    fields = schemas[0]["fields"]["properties"]
    assert set(fields) == set(kind.model_fields)
    assert all(field["description"] for field in fields.values())


def test_the_secret_is_hidden_in_the_api_and_encrypted_on_disk(api: str, stack: Any) -> None:
    """Neither a browser nor a copy of the database shows it; the flow reads it."""
    ArtifactStore(access_key="plant", secret_key=SECRET).save("hidden", overwrite=True)
    try:
        address = f"{api}/block_types/slug/gauntlet-artifact-store/block_documents/name/hidden"
        shown = requests.get(address, auth=stack.login("prefect"), timeout=10)
        assert shown.json()["data"]["access_key"] == "plant"
        assert SECRET not in shown.text
        with sqlite3.connect(stack.cfg.state / "prefect" / "prefect.db") as database:
            rows = database.execute("select data from block_document where name = 'hidden'").fetchall()
        database.close()
        assert rows
        assert SECRET not in str(rows)
        read = ArtifactStore.load("hidden")
        assert read.secret_key is not None
        assert read.secret_key.get_secret_value() == SECRET
    finally:
        ArtifactStore.delete("hidden")
