"""The types that a model may be made of. This list decides, never the one that a model carries."""

from __future__ import annotations

from typing import Any

import skops.io

from datasets.errors import UnknownType

TRUSTED_TYPES = (
    "collections.OrderedDict",
    "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMClassifier",
    "lightgbm.sklearn.LGBMRegressor",
    "sklearn.tree._tree.Tree",
    "tasks.featurize.process.ProcessFeatures",
    "tasks.featurize.pump.PumpFeatures",
    "tasks.forecast.boosted.BoostedForecaster",
    "tasks.forecast.classical.ClassicalForecaster",
    "tasks.forecast.combined.CombinedForecaster",
    "tasks.forecast.linear.LinearForecaster",
    "tasks.forecast.prophet_model.ProphetForecaster",
    "tasks.forecast.simple.SeasonalNaive",
    "tasks.train.decision.DecisionClassifier",
    "tasks.train.expected_behaviour.ExpectedBehaviour",
    "tasks.train.healthy_beginning.LevelRise",
    "tasks.train.healthy_beginning.RobustMahalanobis",
    "tasks.train.machine_health.MachineHealth",
    "tasks.train.pump.Thinned",
    "tasks.train.relative_level.JointRise",
    "tasks.train.run_detector.RunDetector",
    "tasks.train.sound_detectors.Isolated",
    "tasks.train.sound_detectors.Mahalanobis",
    "tasks.train.sound_detectors.Mixture",
    "tasks.train.sound_detectors.Nearest",
    "tasks.train.sound_detectors.Scaled",
    "tasks.train.sound_listener.FeatureColumns",
    "tasks.train.sound_listener.Listener",
    "tasks.train.stream.StreamDetector",
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
