"""Where a line belongs: kinds of data, shared rooms, models; and that no module needs itself to be imported."""

from __future__ import annotations

import ast
import inspect
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

from gauntlet.tasks.gauntlets import GAUNTLETS
from gauntlet.tasks.registry.trust import TRUSTED_TYPES

ROOT = Path(__file__).resolve().parents[1]
TOP = ("datasets", "tasks", "flows", "blocks", "deployments")
KINDS = tuple(sorted({one.kind for one in GAUNTLETS.values()}))
SHARED = (
    "alarms",
    "metrics",
    "audit",
    "report",
    "drift",
    "promotion",
    "claims",
    "registry",
    "runtime",
    "loop",
    "models",
)
FILES = {
    "gauntlet." + ".".join(parts[:-1] if parts[-1] == "__init__" else parts): file
    for top in TOP
    for file in sorted((ROOT / top).rglob("*.py"))
    for parts in [file.relative_to(ROOT).with_suffix("").parts]
}


class Imports(ast.NodeVisitor):
    """The modules of ours that a file imports, in functions, too; what only a type checker imports is left out."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def visit_If(self, node: ast.If) -> None:
        if ast.unparse(node.test) != "TYPE_CHECKING":
            self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        self.names |= {alias.name for alias in node.names}

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        self.names |= {f"{node.module}.{alias.name}" for alias in node.names}


@cache
def imported(file: Path) -> frozenset[str]:
    """Modules of ours, resolved: a name that is no module stands for the module that defines it."""
    visitor = Imports()
    visitor.visit(ast.parse(file.read_text(encoding="utf-8")))
    ours = [name for name in visitor.names if name.startswith("gauntlet.")]
    return frozenset(name if name in FILES else name.rpartition(".")[0] for name in ours) & frozenset(FILES)


@cache
def others(file: Path) -> frozenset[str]:
    """The packages that a file imports and that are not ours."""
    visitor = Imports()
    visitor.visit(ast.parse(file.read_text(encoding="utf-8")))
    return frozenset(name.split(".")[0] for name in visitor.names) - {"gauntlet", "__future__"}


def room(module: str) -> str:
    """The folder below `tasks` that a module stands in, "" for others."""
    parts = module.split(".")
    return parts[2] if parts[1] == "tasks" and len(parts) > 2 and parts[2] in {*KINDS, *SHARED} else ""


def test_no_module_needs_itself() -> None:
    """The graph of resolved imports, those inside functions included, has no circle."""
    state: dict[str, int] = {}
    circles = []

    def visit(module: str, path: tuple[str, ...]) -> None:
        state[module] = 1
        for other in sorted(imported(FILES[module]) - {module}):
            if state.get(other) == 1:
                circles.append(
                    " -> ".join((*path[path.index(other) :], other)) if other in path else f"{module} -> {other}"
                )
            elif other not in state:
                visit(other, (*path, other))
        state[module] = 2

    for module in FILES:
        if module not in state:
            visit(module, (module,))
    assert circles == []


@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_imports_another(kind: str) -> None:
    """What two kinds of data use stands in a shared room."""
    wrong = {
        (module, other)
        for module, file in FILES.items()
        if room(module) == kind
        for other in imported(file)
        if room(other) in KINDS and room(other) != kind
    }
    assert wrong == set()


@pytest.mark.parametrize("name", SHARED)
def test_no_shared_room_knows_a_kind(name: str) -> None:
    """Shared rooms import no kind of data, and not the table of gauntlets, which imports all of them."""
    wrong = {
        (module, other)
        for module, file in FILES.items()
        if room(module) == name
        for other in imported(file)
        if room(other) in KINDS or other == "gauntlet.tasks.gauntlets"
    }
    assert wrong == set()


def test_a_figure_of_one_kind_stands_in_its_folder() -> None:
    """What is in `metrics` is used by several kinds, or by rooms that know none."""
    users: dict[str, set[str]] = {name: set() for name in FILES if room(name) == "metrics" and name.count(".") == 3}
    for module, file in FILES.items():
        for name in imported(file) & set(users):
            users[name].add(room(module) or module)
    assert {name: rooms for name, rooms in users.items() if len(rooms) == 1 and rooms <= set(KINDS)} == {}


def test_modules_are_imported_by_name_in_one_place() -> None:
    """Only there can a misspelt name of ours hide from the tools that read imports."""
    calls = {module for module, file in FILES.items() if _imports_ours_by_name(file)}
    assert calls == {"gauntlet.datasets.named"}


def _imports_ours_by_name(file: Path) -> bool:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            argument = node.args[0]
            if not (isinstance(argument, ast.Constant) and not str(argument.value).startswith("gauntlet")):
                return True
    return False


# What a model needs to answer, in an environment made from its own requirements.
MAY_IMPORT = {"numpy", "scipy", "pandas", "sklearn", "lightgbm", "prophet", "statsmodels", "cmdstanpy"}


def test_models_stand_alone() -> None:
    """No server, no settings, no reader: a registered model is usable without the rest of the project."""
    standard = {
        "abc",
        "collections",
        "copy",
        "dataclasses",
        "functools",
        "json",
        "math",
        "typing",
        "contextlib",
        "logging",
        "warnings",
    }
    for module, file in FILES.items():
        if room(module) == "models":
            assert others(file) <= MAY_IMPORT | standard, module
            assert {room(other) for other in imported(file)} <= {"models"}, module


@pytest.mark.parametrize("name", [one for one in TRUSTED_TYPES if one.startswith("gauntlet.")])
def test_what_is_pickled_lives_in_models(name: str) -> None:
    """Its path is a promise to every model that was ever registered."""
    module, _, attribute = name.rpartition(".")
    assert module.startswith("gauntlet.tasks.models.")
    assert getattr(import_module(module), attribute).__module__ == module


VERBS = {
    ("load", "load"): ("gauntlet", "request"),
    ("train", "train"): ("candidate", "prepared", "seed"),
    ("evaluate", "evaluate"): ("prepared", "trained", "seed"),
    ("audit", "audit_result"): ("prepared", "trained", "judgement"),
    ("report", "story"): ("prepared", "trained", "judgement"),
    ("register", "artifacts"): ("prepared", "trained", "judgement", "story"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_the_verbs(kind: str) -> None:
    """By name, with the parameters of the contract; one that a kind has no use for is called by an underscore."""
    for (file, verb), wanted in VERBS.items():
        function = getattr(import_module(f"gauntlet.tasks.{kind}.{file}"), verb)
        names = tuple(inspect.signature(function).parameters)
        assert len(names) == len(wanted), (kind, verb, names)
        matched = [name.strip("_") in (want, "") for name, want in zip(names, wanted, strict=True)]
        assert all(matched), (kind, verb, names)
    featurize = import_module(f"gauntlet.tasks.{kind}.featurize")
    assert callable(featurize.featurize)


@pytest.mark.parametrize("name", sorted(GAUNTLETS))
def test_what_serves_one_gauntlet_is_four_files_at_most(name: str) -> None:
    """Outside of its kind's folder: its flow, its reader, its simulator, and what only these import."""
    gauntlet = GAUNTLETS[name]
    from gauntlet.datasets import dataset

    own = {f"gauntlet.flows.{name}", dataset(gauntlet.dataset).__name__}
    while True:
        users = {other: {m for m, file in FILES.items() if other in imported(file)} for other in FILES}
        more = {
            module
            for module, used_by in users.items()
            if module not in own
            and used_by
            and used_by <= own
            and module.split(".")[1] in ("datasets", "flows")
            and module.split(".")[2] not in ("io", "records")
        }
        if not more:
            break
        own |= more
    assert len(own) <= 4, sorted(own)


def test_files_are_small() -> None:
    """None above 15 kB; the median stays about 4 kB."""
    sizes = sorted(file.stat().st_size for file in FILES.values() if file.stat().st_size > 200)
    assert sizes[-1] <= 15_000
    assert sizes[len(sizes) // 2] <= 4_500


def test_nothing_former_is_left() -> None:
    """No alias, shim or re-export under an old name."""
    assert [module for module in FILES if "former" in module] == []
