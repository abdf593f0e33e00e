"""Models by sensor type, and the cache that keeps them at hand, on a real registry."""

from __future__ import annotations

from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from gauntlet.datasets.errors import GauntletError, ServiceDown
from gauntlet.tasks.registry import cache as caching
from gauntlet.tasks.registry.aliases import give
from gauntlet.tasks.registry.cache import ModelCache
from gauntlet.tasks.registry.keys import signing_key
from gauntlet.tasks.registry.selection import (
    add_sensor_type_tag,
    get_all_registered_models,
    get_model_recommendations,
    get_models_by_sensor_type,
    suggest_sensor_types,
)
from gauntlet.tasks.runtime.settings import settings

pytestmark = pytest.mark.parametrize("ran", ["ai4i"], indirect=True)


@pytest.fixture
def stranger(stack: Any) -> Any:
    """A model that somebody registered without a tag, and a version of it."""
    client = MlflowClient()
    name = "old_mimii_audio_model"
    client.create_registered_model(name)
    client.create_model_version(name, "s3://maintenance-artifacts/nowhere")
    yield name
    client.delete_registered_model(name)


def test_by_sensor_type_version_before_model_before_general(ran: Any, stranger: str) -> None:
    """The version's tag wins over the model's; without either a model is general."""
    assert {one.name for one in get_models_by_sensor_type("process")["process"]} >= {
        one.name for one in ran.result.registered
    }
    assert stranger in {one.name for one in get_models_by_sensor_type("general")["general"]}
    assert suggest_sensor_types()[stranger] == "audio"
    add_sensor_type_tag(stranger, "pump")
    assert stranger in {one.name for one in get_models_by_sensor_type("pump")["pump"]}
    add_sensor_type_tag(stranger, "audio", version=1)
    assert stranger in {one.name for one in get_models_by_sensor_type("audio")["audio"]}
    assert stranger not in suggest_sensor_types()
    assert len(get_all_registered_models()) >= 7


def test_recommendations_put_the_champion_first(ran: Any, stranger: str) -> None:
    """Then the other models of the type, then the general ones."""
    names = [one.name for one in get_model_recommendations("process")]
    others = {one.name for one in ran.result.registered} - {ran.result.champion}
    assert names.index(ran.result.champion) < min(names.index(name) for name in others)
    assert names.index(stranger) > max(names.index(name) for name in others)
    assert stranger not in [one.name for one in get_model_recommendations("process", include_general=False)]


def test_the_cache_loads_once_notices_a_moved_alias_and_outlives_an_outage(
    ran: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By counting real loads; the outage is a registry that does not answer."""
    loads = []
    real = caching.load
    monkeypatch.setattr(caching, "load", lambda *given: loads.append(given[1]) or real(*given))
    now = [0.0]
    key = signing_key(settings().state / "keys" / "signing.pem").public_key()
    cache = ModelCache(key, clock=lambda: now[0])
    name = ran.result.registered[0].name
    version = ran.result.registered[0].version
    give(name, version, "trial")
    assert cache.get(name, "trial").model.version == version
    assert cache.get(name, "trial").stale == ""
    assert loads == [version]
    now[0] = 3601.0
    cache.get(name, "trial")
    assert loads == [version, version]

    def away(*_: Any) -> Any:
        raise MlflowException("connection refused")

    monkeypatch.setattr(caching, "find_version", away)
    served = cache.get(name, "trial")
    assert served.model.version == version
    assert "connection refused" in served.stale
    with pytest.raises(ServiceDown):
        ModelCache(key).get(name, "trial")
    MlflowClient().delete_registered_model_alias(name, "trial")


def test_an_alias_that_is_not_there_is_one_clear_line(ran: Any) -> None:
    """No fallback: the registry answered."""
    key = signing_key(settings().state / "keys" / "signing.pem").public_key()
    with pytest.raises(GauntletError, match="has no version with the alias 'nobody'"):
        ModelCache(key).get(ran.result.registered[0].name, "nobody")
