"""What a gauntlet is, as data, and what a run of it is asked for. Light to import: the command line reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from gauntlet.datasets.spec import Source

if TYPE_CHECKING:
    from gauntlet.tasks.loop.contract import Adapter


class Candidate(Protocol):
    """A model to be trained. `name`: under which it is registered."""

    @property
    def name(self) -> str:
        """The registered name."""
        ...

    @property
    def kind(self) -> str:
        """Which of its kind's models it is, in a word."""
        ...


@dataclass(frozen=True)
class Parameter:
    """A parameter of one gauntlet: its default, and what it means to whoever sets it in a form or on a command line."""

    default: Any
    help: str


@dataclass(frozen=True)
class Gauntlet:
    """One gauntlet as data. What differs between two gauntlets of a kind stands here, and nowhere else.

    `kind`: the folder of `tasks/` that holds its steps. `dataset`: the module of `datasets/` that reads its files.
    `also_registers`: names beyond the candidates', such as a scaler's. `cron`: when it is trained anew.
    `online`: makes the functions by which its champion scores, drifts and is retrained; None: it cannot, yet.
    """

    name: str
    kind: str
    experiment: str
    dataset: str
    question: str
    purpose: str
    candidates: tuple[Candidate, ...]
    primary_metric: str
    protocol: str
    cron: str
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    also_registers: tuple[str, ...] = ()
    online: Callable[[Gauntlet], Adapter] | None = None

    @property
    def registered(self) -> tuple[str, ...]:
        """Every name that a run registers."""
        return (*(candidate.name for candidate in self.candidates), *self.also_registers)

    def default(self, parameter: str) -> Any:
        """The default of one of its own parameters."""
        return self.parameters[parameter].default


@dataclass(frozen=True)
class Request:
    """What a run was asked for.

    `data`: the user's own folder or file, None for the published or simulated ones below `root`. `cache`: the folder for
    what may be made anew. `parameters`: the gauntlet's own, by name.
    """

    data: Path | None
    source: Source
    seed: int
    root: Path
    cache: Path
    workers: int = 1
    quarantine_limit: float = 0.05
    allow_leakage: bool = False
    parameters: Mapping[str, Any] = field(default_factory=dict)
