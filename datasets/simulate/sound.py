"""Simulated clips in MIMII's own layout and format, with known faults, noise ratios and recording sessions."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.io.atomic import write_whole
from gauntlet.datasets.provenance import mark_simulated, provenance
from gauntlet.datasets.records.clip import MACHINES
from gauntlet.datasets.simulate import sound_signal as signal

VERSION = 1
LEVEL = 0.015  # the machine's effective value as a share of full scale: as loud as MIMII's own clips


@dataclass(frozen=True)
class SoundPlan:
    """What is simulated. Equal plans, equal bytes.

    `normal`, `abnormal`: clips per machine and id, the same recordings at every SNR. `sessions`, `fault_sessions`: over
    how many recording sessions they are spread in order. `colouration`: standard deviation [dB] of a session's filter.
    `fault`: whether the abnormal clips hold a fault at all; without, only sessions tell the two apart.
    """

    seed: int = 7
    machines: tuple[str, ...] = MACHINES
    ids: tuple[str, ...] = ("id_00", "id_02")
    snrs: tuple[int, ...] = (6, 0, -6)
    normal: int = 40
    abnormal: int = 10
    sessions: int = 10
    fault_sessions: int = 5
    colouration: float = 0.5
    seconds: float = 2.0
    channels: int = 8
    fault: bool = True

    def scaled(self, scale: float) -> SoundPlan:
        """The plan at another size: below 1 fewer types of machine (one at least), above 1 more clips of each machine.

        Fewer clips of a machine would leave nothing to learn its sound from.
        """
        types = max(1, round(len(self.machines) * min(scale, 1.0)))
        more = max(scale, 1.0)
        normal, abnormal = round(self.normal * more), round(self.abnormal * more)
        return replace(self, machines=self.machines[:types], normal=normal, abnormal=abnormal)


def folder_name(plan: SoundPlan) -> str:
    """The name of the folder for the clips of a plan."""
    machines = "-".join(plan.machines)
    return f"v{VERSION}-seed{plan.seed}-{machines}-normal{plan.normal}-abnormal{plan.abnormal}"


def write(folder: Path, plan: SoundPlan) -> Path:
    """The clips of a plan below `folder` as `6_dB_fan/fan/id_00/normal/00000000.wav`, with the record that they are simulated.

    Raises:
        BadInput: a plan of nothing, a folder that cannot be written or that holds files that are not simulated.
    """
    folder = Path(folder)
    if plan.seed < 0 or min(plan.normal, plan.abnormal, plan.channels) < 1 or plan.seconds <= 0:
        raise BadInput(None, f"cannot simulate {plan}", expected="seed >= 0 and at least one clip of each kind")
    if provenance(folder) == "real" and folder.is_dir() and any(folder.iterdir()):
        raise BadInput(folder, "the folder holds files that are not simulated", do="name another folder")
    record = {"seed": plan.seed, "normal": plan.normal, "abnormal": plan.abnormal, "colouration": plan.colouration}
    mark_simulated(folder, __name__, VERSION, **record)
    for machine in plan.machines:
        for name in plan.ids:
            for label, number, snr, channels in _clips(plan, machine, name):
                place = folder / f"{snr}_dB_{machine}" / machine / name / label / f"{number:08d}.wav"
                write_whole(place, extensible_wav(channels, signal.RATE))
    return folder


def session_of(number: int, clips: int, sessions: int) -> int:
    """The recording session of the clip with this number: clips are recorded session by session."""
    return number * sessions // clips


def _clips(plan: SoundPlan, machine: str, name: str) -> Iterator[tuple[str, int, int, np.ndarray]]:
    """(label, number, snr, int16 channels x n) of one machine; its clip and the noise beside it are the same at every SNR."""
    model, n = signal.model(machine, name), round(plan.seconds * signal.RATE)
    for label, count, sessions in (
        ("normal", plan.normal, plan.sessions),
        ("abnormal", plan.abnormal, plan.fault_sessions),
    ):
        for number in range(count):
            session = session_of(number, count, sessions)
            key = [plan.seed, MACHINES.index(machine), *name.encode(), *label.encode()]
            filter_ = signal.colour(np.random.default_rng([*key, 1, session]), plan.colouration)
            rng = np.random.default_rng([*key, 2, number])
            faults = signal.FAULTS[machine]
            fault = faults[session % len(faults)] if label == "abnormal" and plan.fault else None
            sound, noise = signal.machine_sound(model, n, rng, fault), signal.factory_noise(n, rng)
            for snr in plan.snrs:
                mixed = signal.coloured(sound + 10 ** (-snr / 20) * noise, filter_)
                yield label, number, snr, _microphones(mixed, plan.channels, rng)


def _microphones(mixed: np.ndarray, channels: int, rng: np.random.Generator) -> np.ndarray:
    """The signals of an array of microphones, int16 channels x n: a delay and a little noise of their own each."""
    signals = [np.roll(mixed, 3 * k) + (0.02 * rng.standard_normal(len(mixed)) if k else 0) for k in range(channels)]
    counts = np.round(np.array(signals) * LEVEL * 32_768)
    return np.clip(counts, -32_768, 32_767).astype("<i2")


def extensible_wav(samples: np.ndarray, rate: int) -> bytes:
    """int16 channels x n as a WAVE_FORMAT_EXTENSIBLE file, the format of MIMII's own clips."""
    channels, content = len(samples), np.ascontiguousarray(samples.T).astype("<i2").tobytes()
    pcm = b"\x01\x00\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"
    head = struct.pack("<HHIIHHHHI", 0xFFFE, channels, rate, rate * channels * 2, channels * 2, 16, 22, 16, 0) + pcm
    body = b"WAVEfmt " + struct.pack("<I", len(head)) + head + b"data" + struct.pack("<I", len(content)) + content
    return b"RIFF" + struct.pack("<I", len(body)) + body
