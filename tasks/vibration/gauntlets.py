"""The gauntlets on vibration snapshots of bearings, as data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gauntlet.tasks.vibration.definition import SETTINGS, Candidate, VibrationGauntlet

if TYPE_CHECKING:
    from gauntlet.tasks.loop.contract import Adapter


def _candidates(names: Sequence[tuple[str, str]]) -> tuple[Candidate, ...]:
    return tuple(Candidate(name, kind, *SETTINGS[kind]) for name, kind in names)


def _online(gauntlet: Any) -> Adapter:
    from gauntlet.tasks.vibration.online import adapter  # brings pandas, scikit-learn and MLflow

    return adapter(gauntlet)


PROTOCOL = (
    "every bearing's detector is fitted on the first 20% of its own run and scores the rest snapshot by "
    "snapshot, past only; alarm = smoothed index past its limit 6 snapshots in a row, aimed at "
    "0.25 false alarms a week; judged by lives, 95 % bootstrap intervals over lives"
)
NASA = VibrationGauntlet(
    name="nasa",
    kind="vibration",
    experiment="Vibration Gauntlet (NASA)",
    dataset="nasa",
    question="NASA IMS bearings: which bearing, since when?",
    purpose="Finds the failing one of four bearings on a shaft in the NASA IMS snapshots, its element and the onset.",
    candidates=_candidates(
        [
            ("vibration_anomaly_isolationforest", "isolation_forest"),
            ("vibration_anomaly_oneclasssvm", "one_class_svm"),
            ("vibration_anomaly_robust_mahalanobis", "robust_mahalanobis"),
            ("vibration_anomaly_level_rise", "level_rise"),
            ("vibration_anomaly_joint_rise", "joint_rise"),
        ]
    ),
    primary_metric="f1",
    protocol=PROTOCOL,
    cron="0 3 * * 2",
    online=_online,
    tolerance=0.03,  # the belt drive's speed is nominal
    remaining_life=False,
    off_level=0.01,  # the others' publishers record a running machine only
)
XJTU = VibrationGauntlet(
    name="xjtu",
    kind="vibration",
    experiment="Vibration Gauntlet (XJTU)",
    dataset="xjtu",
    question="XJTU-SY bearings: which element, since when?",
    purpose="Finds the failing element of the XJTU-SY bearings and how long they will last.",
    candidates=_candidates(
        [
            ("xjtu_anomaly_isolation_forest", "isolation_forest"),
            ("xjtu_anomaly_robust_mahalanobis", "robust_mahalanobis"),
            ("xjtu_anomaly_level_rise", "level_rise"),
        ]
    ),
    primary_metric="f1",
    protocol=PROTOCOL,
    cron="0 3 * * 3",
    also_registers=("xjtu_feature_scaler",),
    online=_online,
    scaler="xjtu_feature_scaler",
)
FEMTO = VibrationGauntlet(
    name="femto",
    kind="vibration",
    experiment="Vibration Gauntlet (FEMTO)",
    dataset="femto",
    question="FEMTO / PRONOSTIA bearings: which bearing, since when?",
    purpose="Announces the failures of the FEMTO bearings and estimates how long they will last.",
    candidates=_candidates(
        [
            ("femto_anomaly_isolation_forest", "isolation_forest"),
            ("femto_anomaly_robust_mahalanobis", "robust_mahalanobis"),
            ("femto_anomaly_level_rise", "level_rise"),
        ]
    ),
    primary_metric="f1",
    protocol=PROTOCOL,
    cron="0 3 * * 4",
    online=_online,
)
GAUNTLETS = (NASA, XJTU, FEMTO)
