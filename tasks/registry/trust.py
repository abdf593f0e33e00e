"""The types that a model may be made of. This list decides, never the one that a model carries."""

from __future__ import annotations

from typing import Any

import skops.io

from gauntlet.datasets.errors import UnknownType

TRUSTED_TYPES = (
    "collections.OrderedDict",
    "gauntlet.tasks.models.base.DetectorPipeline",
    "gauntlet.tasks.models.decision.DecisionClassifier",
    "gauntlet.tasks.models.expected_behaviour.ExpectedBehaviour",
    "gauntlet.tasks.models.forecasters.boosted.BoostedForecaster",
    "gauntlet.tasks.models.forecasters.classical.ClassicalForecaster",
    "gauntlet.tasks.models.forecasters.combined.CombinedForecaster",
    "gauntlet.tasks.models.forecasters.linear.LinearForecaster",
    "gauntlet.tasks.models.forecasters.prophet.ProphetForecaster",
    "gauntlet.tasks.models.forecasters.simple.SeasonalNaive",
    "gauntlet.tasks.models.machine_health.MachineHealth",
    "gauntlet.tasks.models.per_machine_sound.FeatureColumns",
    "gauntlet.tasks.models.per_machine_sound.PerMachineScaler",
    "gauntlet.tasks.models.per_machine_sound.PerMachineSoundDetector",
    "gauntlet.tasks.models.process_features.ProcessFeatures",
    "gauntlet.tasks.models.pump_features.PumpFeatures",
    "gauntlet.tasks.models.relative_level.JointRise",
    "gauntlet.tasks.models.run_detector.RunDetector",
    "gauntlet.tasks.models.sound_detectors.IsolationForestDetector",
    "gauntlet.tasks.models.sound_detectors.ScaledDistance",
    "gauntlet.tasks.models.sound_distances.Mahalanobis",
    "gauntlet.tasks.models.sound_distances.MixtureLikelihood",
    "gauntlet.tasks.models.sound_distances.NearestClip",
    "gauntlet.tasks.models.sound_scaling.LogScaler",
    "gauntlet.tasks.models.stream_detector.StreamDetector",
    "gauntlet.tasks.models.subsampled_classifier.SubsampledClassifier",
    "gauntlet.tasks.vibration.healthy_beginning.LevelRise",
    "gauntlet.tasks.vibration.healthy_beginning.RobustMahalanobis",
    "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMClassifier",
    "lightgbm.sklearn.LGBMRegressor",
    "sklearn.tree._tree.Tree",
)


def types_to_trust(model: bytes) -> list[str]:
    """The types in a skops file, beyond those that skops itself trusts, all of which are on our list.

    Raises:
        UnknownType: one is not; nothing was deserialised.
    """
    found = skops.io.get_untrusted_types(data=model)
    if strangers := sorted(set(found) - set(TRUSTED_TYPES)):
        raise UnknownType(
            f"model.skops holds {', '.join(strangers)}, not on the list of trusted types. "
            "Add a type to tasks/registry/trust.py only after reading what its construction can do."
        )
    return sorted(found)


def deserialise(model: bytes) -> Any:
    """The model in these skops bytes, which must have been verified against their signature."""
    return skops.io.loads(model, trusted=types_to_trust(model))
