"""The clips, or tables of their features: the user's own folder, real files that are there, or simulated ones."""

from __future__ import annotations

from dataclasses import dataclass

from gauntlet.datasets import dataset
from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.records.clip import SoundSet
from gauntlet.datasets.source import locate
from gauntlet.tasks.gauntlet import Gauntlet, Request
from gauntlet.tasks.sound.split import split

SIMULATED_SCALE = 0.25


@dataclass(frozen=True, eq=False)
class LoadedSound:
    """The files of a set, nothing decoded yet, and which other folders were passed over and why."""

    gauntlet: Gauntlet
    request: Request
    sounds: SoundSet
    passed_over: tuple[str, ...] = ()


def load(gauntlet: Gauntlet, request: Request) -> LoadedSound:
    """The folder that the user names, or the first of the known real ones that can be judged, or a simulation.

    Raises:
        BadInput: no clips of a known layout; clips that are not what `source` asks for; nothing that can be judged.
    """
    module = dataset(gauntlet.dataset)
    simulation = module.simulation(request.seed, SIMULATED_SCALE)
    if request.data is not None:
        sounds = module.read(request.data)  # names what is wrong with the folder better than its marker could
        split(sounds.rows, sounds.path)
        locate(module.SPEC, request.source, sounds.path, request.root, simulation)
        return LoadedSound(gauntlet, request, sounds)
    passed_over = []
    for home in module.HOMES if request.source != "simulated" else ():
        place = request.root / home
        if not place.is_dir():
            continue
        try:
            sounds = module.read(place)
            split(sounds.rows, sounds.path)
        except BadInput as error:
            passed_over.append(f"{home}/: {str(error).removeprefix(f'{place}: ')}")
            continue
        if request.source in ("auto", sounds.source):
            return LoadedSound(gauntlet, request, sounds, tuple(passed_over))
    if request.source == "real":
        why = passed_over[0] if passed_over else "no folder " + " or ".join(module.HOMES)
        raise BadInput(request.root, "real files of mimii are wanted", saw=why, do="name their folder with --data DIR")
    simulated = locate(module.SPEC, "simulated", None, request.root, simulation).path
    return LoadedSound(gauntlet, request, module.read(simulated), tuple(passed_over))
