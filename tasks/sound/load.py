"""Which clips there are: the user's folder, the first of the known real ones that can be judged, or a simulation."""

from __future__ import annotations

from dataclasses import dataclass

from gauntlet.datasets import mimii
from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.records.clip import SoundSet
from gauntlet.datasets.source import locate
from gauntlet.tasks.gauntlet import Gauntlet, Request
from gauntlet.tasks.sound.split import split as split_cells

SIMULATED_SCALE = 0.25


@dataclass(frozen=True, eq=False)
class LoadedClips:
    """What is there, nothing decoded yet, and which other folders were passed over and why."""

    gauntlet: Gauntlet
    request: Request
    set: SoundSet
    passed_over: tuple[str, ...] = ()


def load(gauntlet: Gauntlet, request: Request) -> LoadedClips:
    """The folder that the user names, or the first of the known real ones that can be judged, or a simulation.

    Raises:
        BadInput: no clips of a known layout; clips that are not what `source` asks for; nothing that can be judged.
    """
    data, source, root = request.data, request.source, request.root
    simulation = mimii.simulation(request.seed, SIMULATED_SCALE)
    if data is not None:
        found = mimii.read(data)  # names what is wrong with the folder better than its marker could
        split_cells(found.rows, found.path)
        locate(mimii.SPEC, source, found.path, root, simulation)
        return LoadedClips(gauntlet, request, found)
    passed_over = []
    for home in mimii.HOMES if source != "simulated" else ():
        if not (root / home).is_dir():
            continue
        try:
            found = mimii.read(root / home)
            split_cells(found.rows, found.path)
        except BadInput as error:
            passed_over.append(f"{home}/: {str(error).removeprefix(f'{root / home}: ')}")
            continue
        if source in ("auto", found.source):
            return LoadedClips(gauntlet, request, found, tuple(passed_over))
    if source == "real":
        why = passed_over[0] if passed_over else "no folder " + " or ".join(mimii.HOMES)
        raise BadInput(root, "real files of mimii are wanted", saw=why, do="name their folder with --data DIR")
    place = locate(mimii.SPEC, "simulated", None, root, simulation).path
    return LoadedClips(gauntlet, request, mimii.read(place), tuple(passed_over))
