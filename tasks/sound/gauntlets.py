"""The gauntlets on clips of machine sound, as data."""

from __future__ import annotations

from dataclasses import dataclass

from gauntlet.tasks.gauntlet import Gauntlet, Parameter


@dataclass(frozen=True)
class Candidate:
    """A model to be trained: its registered name and its kind."""

    name: str
    kind: str


SUPERVISED = Candidate("RandomForest_MIMII_Audio_Benchmark", "randomforest")
MAHALANOBIS = Candidate("MIMII_Mahalanobis_Audio_Detector", "mahalanobis")
DETECTORS = (
    Candidate("MIMII_GaussianMixture_Audio_Detector", "mixture"),
    MAHALANOBIS,
    Candidate("MIMII_NearestClip_Audio_Detector", "nearest"),
    Candidate("MIMII_IsolationForest_Audio_Detector", "isolationforest"),
    Candidate("MIMII_ScaledDistance_Audio_Detector", "scaleddistance"),
)
LOUDNESS = Candidate("loudness", "loudness")  # the naive baseline, which is not registered
SCALER = "MIMII_Audio_Scaler"

# The protocol depends on what the folder holds: clips in MIMII's layout, tables of their features, or DCASE's layout.
_AUTHORS_SPLIT = (
    "authors' split per machine id and SNR: the first n normal clips and the n abnormal ones are judged, the other "
    "normal ones learnt from"
)
_DCASE_SPLIT = "DCASE 2020 task 2: normal clips of train/ learnt from, clips of test/ judged"
_CHOICES = (
    "settings, threshold and champion chosen on normal training clips alone; mean over cells with 95 % intervals; "
    "the random forest out of fold over blocks of consecutive recordings"
)
PROTOCOLS = {
    layout: f"{split}; {_CHOICES}"
    for layout, split in (("mimii", _AUTHORS_SPLIT), ("tables", _AUTHORS_SPLIT), ("dcase", _DCASE_SPLIT))
}

MIMII = Gauntlet(
    name="mimii",
    kind="sound",
    experiment="Audio Gauntlet (MIMII)",
    dataset="mimii",
    question="MIMII: can the fault be heard?",
    purpose="Hears the faults of fans, pumps, sliders and valves by what it learnt of their normal sound.",
    candidates=(SUPERVISED, *DETECTORS),
    primary_metric="auc",
    protocol=PROTOCOLS["mimii"],
    cron="0 3 * * 6",
    parameters={
        "channel": Parameter(0, 'The microphone of the array, counted from 0, or "mean" for all of them.'),
        "false_alarm_rate": Parameter(
            0.05, "The share of normal clips that may alarm, from which each machine's threshold is set."
        ),
    },
    also_registers=(SCALER,),
)
GAUNTLETS = (MIMII,)
