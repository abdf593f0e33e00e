"""The types that a model may be made of. This list decides, never the one that a model carries."""

from __future__ import annotations

from typing import Any

import skops.io

from gauntlet.datasets.errors import FormerType, UnknownType

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
    "gauntlet.tasks.models.level_rise.LevelRise",
    "gauntlet.tasks.models.machine_health.MachineHealth",
    "gauntlet.tasks.models.novelty.Novelty",
    "gauntlet.tasks.models.per_machine_sound.FeatureColumns",
    "gauntlet.tasks.models.per_machine_sound.PerMachineScaler",
    "gauntlet.tasks.models.per_machine_sound.PerMachineSoundDetector",
    "gauntlet.tasks.models.process_features.ProcessFeatures",
    "gauntlet.tasks.models.pump_features.PumpFeatures",
    "gauntlet.tasks.models.relative_level.JointRise",
    "gauntlet.tasks.models.robust_mahalanobis.RobustMahalanobis",
    "gauntlet.tasks.models.run_detector.RunDetector",
    "gauntlet.tasks.models.sound_detectors.IsolationForestDetector",
    "gauntlet.tasks.models.sound_detectors.ScaledDistance",
    "gauntlet.tasks.models.sound_distances.Mahalanobis",
    "gauntlet.tasks.models.sound_distances.MixtureLikelihood",
    "gauntlet.tasks.models.sound_distances.NearestClip",
    "gauntlet.tasks.models.sound_scaling.LogScaler",
    "gauntlet.tasks.models.stream_detector.StreamDetector",
    "gauntlet.tasks.models.subsampled.SubsampledClassifier",
    "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMClassifier",
    "lightgbm.sklearn.LGBMRegressor",
    "sklearn.tree._tree.Tree",
)


# Ours, under whatever name they once had: `tasks.` is where they stood before they were installed as `gauntlet.`.
_OURS = ("gauntlet.", "tasks.")


def types_to_trust(model: bytes) -> list[str]:
    """The types in a skops file, beyond those that skops itself trusts, all of which are on our list.

    Raises:
        FormerType: one is ours, but of another version of Gauntlet; nothing was deserialised.
        UnknownType: one is neither ours nor on the list; nothing was deserialised.
    """
    found = skops.io.get_untrusted_types(data=model)
    unknown = sorted(set(found) - set(TRUSTED_TYPES))
    if foreign := [name for name in unknown if not name.startswith(_OURS)]:
        raise UnknownType(
            f"model.skops holds {', '.join(foreign)}, not on the list of trusted types. "
            "Add a type to tasks/registry/trust.py only after reading what its construction can do."
        )
    if unknown:
        raise FormerType(f"model.skops holds {', '.join(unknown)}, which this version of Gauntlet does not have.")
    return sorted(found)


def deserialise(model: bytes) -> Any:
    """The model in these skops bytes, which must have been verified against their signature.

    Its classes are those that are installed, whatever code lies beside it.

    Raises:
        FormerType, UnknownType: it holds a type that is not on our list.
    """
    trusted = types_to_trust(model)
    try:
        return skops.io.loads(model, trusted=trusted)
    except (ImportError, AttributeError) as error:  # a class that was moved, or a library that is not installed
        raise FormerType(f"model.skops cannot be built here: {' '.join(str(error).split())}.") from None
