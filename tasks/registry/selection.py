"""Which registered models are there for a kind of sensor: by the tag `sensor_type`, of the version, then of the model."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion, RegisteredModel

TAG, GENERAL = "sensor_type", "general"
# What a name says of its sensor, for models that somebody registered without the tag.
_HINTS = {
    "audio": ("audio", "mimii", "sound"),
    "bearing": ("vibration", "bearing", "xjtu", "femto", "nasa", "ims"),
    "process": ("ai4i", "process", "machining"),
    "pump": ("pump", "skab"),
    "sensor": ("forecaster", "sensor", "anomaly", "synthetic"),
}


@dataclass(frozen=True)
class ModelSummary:
    """A registered model: the version that counts is the champion where there is one, otherwise the latest."""

    name: str
    version: int | None
    sensor_type: str
    aliases: Mapping[str, int]
    description: str
    tags: Mapping[str, str] = field(default_factory=dict)


def get_all_registered_models() -> list[ModelSummary]:
    """Every registered model, by name."""
    client, found, token = MlflowClient(), [], None
    while True:
        page = client.search_registered_models(max_results=100, page_token=token)
        found += [_summary(client, model) for model in page]
        token = page.token
        if not token:
            return sorted(found, key=lambda one: one.name)


def get_models_by_sensor_type(sensor_type: str | None = None) -> dict[str, list[ModelSummary]]:
    """The models by sensor type, or those of one type; untagged ones are `general`."""
    sorted_out: dict[str, list[ModelSummary]] = defaultdict(list)
    for model in get_all_registered_models():
        if sensor_type in (None, model.sensor_type):
            sorted_out[model.sensor_type].append(model)
    return dict(sorted_out)


def get_model_recommendations(sensor_type: str, include_general: bool = True) -> list[ModelSummary]:
    """The models for a sensor: champions of its type first, then its other models, then the general ones."""
    wanted = [sensor_type, *([GENERAL] if include_general and sensor_type != GENERAL else [])]
    fitting = [model for model in get_all_registered_models() if model.sensor_type in wanted]
    return sorted(fitting, key=lambda one: (wanted.index(one.sensor_type), "champion" not in one.aliases, one.name))


def suggest_sensor_types() -> dict[str, str]:
    """For each model without the tag, the sensor type that its name hints at; those whose name says nothing are left out."""
    untagged = get_models_by_sensor_type(GENERAL).get(GENERAL, [])
    hints = {one.name: _hint(one.name) for one in untagged if TAG not in one.tags}
    return {name: hint for name, hint in hints.items() if hint}


def add_sensor_type_tag(name: str, sensor_type: str, version: int | None = None) -> None:
    """Tag a model, or one version of it, which then comes before the model's own tag."""
    client = MlflowClient()
    if version is None:
        client.set_registered_model_tag(name, TAG, sensor_type)
    else:
        client.set_model_version_tag(name, str(version), TAG, sensor_type)


def _summary(client: MlflowClient, model: RegisteredModel) -> ModelSummary:
    aliases = {alias: int(version) for alias, version in dict(model.aliases).items()}
    version = _version_that_counts(client, model, aliases)
    own = dict(version.tags) if version else {}
    tags = {**dict(model.tags), **own}
    description = (version.description if version else "") or model.description or ""
    return ModelSummary(
        model.name, int(version.version) if version else None, tags.get(TAG, GENERAL), aliases, description, tags
    )


def _version_that_counts(
    client: MlflowClient, model: RegisteredModel, aliases: Mapping[str, int]
) -> ModelVersion | None:
    if "champion" in aliases:
        return client.get_model_version(model.name, str(aliases["champion"]))
    versions = client.search_model_versions(f"name='{model.name}'")
    return max(versions, key=lambda version: int(version.version), default=None)


def _hint(name: str) -> str:
    lowered = name.lower()
    return next((kind for kind, words in _HINTS.items() if any(word in lowered for word in words)), "")
