"""The code that travels with a model: the source files that its classes need, and the libraries that those import.

Found by reading imports, from the types in the model's own bytes on. The files go into the model's folder below `code/`,
which plain MLflow puts on the path when it loads the model; they are signed with everything else there. Our own loader
never uses them: it takes the installed code. Packages travel without their `__init__.py`, as namespaces, so that where
Gauntlet is installed, too, its own packages come first.
"""

from __future__ import annotations

import dis
import importlib.util
import io
import json
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import CodeType
from typing import Any

FOLDER = "code"
LOADER = "gauntlet.tasks.registry.pyfunc"  # what MLflow loads a model by
_OURS = "gauntlet"


@dataclass(frozen=True)
class Code:
    """What modules need: `files` of ours by name below the model's folder, `libraries` by the names they import."""

    files: dict[str, bytes]
    libraries: frozenset[str]


def code_of(model: bytes) -> Code:
    """What this model, in skops' format, needs to be loaded and to answer."""
    return needed_by(frozenset({*modules_in(model), LOADER}))


def modules_in(model: bytes) -> set[str]:
    """The modules of every type in a skops file."""
    with zipfile.ZipFile(io.BytesIO(model)) as archive:
        schema = json.loads(archive.read("schema.json"))
    return set(_modules(schema))


def _modules(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from (node[key] for key in ("__module__", "module_path") if isinstance(node.get(key), str))
        for value in node.values():
            yield from _modules(value)
    elif isinstance(node, list):
        for value in node:
            yield from _modules(value)


@lru_cache(maxsize=64)
def needed_by(modules: frozenset[str]) -> Code:
    """What these modules need, through every import of ours, those inside functions included."""
    files: dict[str, bytes] = {}
    libraries = {name.partition(".")[0] for name in modules if not _is_ours(name)}
    todo, seen = [name for name in modules if _is_ours(name)], set()
    while todo:
        if (name := todo.pop()) in seen:
            continue
        seen.add(name)
        content = _source(name).read_bytes()
        files[path_of(name)] = content
        imported = set(_imports(compile(content, name, "exec", dont_inherit=True)))
        todo += [one for one in imported if _is_ours(one)]
        libraries |= {one.partition(".")[0] for one in imported if not _is_ours(one)}
    return Code(dict(sorted(files.items())), frozenset(libraries - set(sys.stdlib_module_names)))


def path_of(module: str) -> str:
    """Where a module's source lies in a model's folder; empty for a library's, which is installed."""
    if not _is_ours(module):
        return ""
    inside = "/__init__.py" if _source(module).name == "__init__.py" else ".py"
    return f"{FOLDER}/{module.replace('.', '/')}{inside}"


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] == _OURS


def _source(module: str) -> Path:
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"no source of {module}")
    return Path(spec.origin)


def _imports(code: CodeType) -> Iterator[str]:
    """The modules that are imported, except for type checkers only.

    By its instructions and not by `ast`, which models that are registered side by side cannot both use: in CPython 3.11
    threads share the count of its recursion (python/cpython issue 106905).
    """
    skipped_to, before = 0, [None, None]
    for step in dis.get_instructions(code):
        if step.opname.startswith("POP_JUMP") and "IF_FALSE" in step.opname and before[-1] == "TYPE_CHECKING":
            skipped_to = step.argval
        elif step.opname == "IMPORT_NAME" and step.offset >= skipped_to:
            level, names = before
            if names and not level:
                yield from _imported_from(step.argval, list(names))
            elif not level:
                yield step.argval
        if step.opname != "TO_BOOL":
            before = [before[-1], step.argval]
    for inside in code.co_consts:
        if isinstance(inside, CodeType):
            yield from _imports(inside)


def _imported_from(module: str, names: list[str]) -> Iterator[str]:
    """`from package import module` needs the module, not the package's `__init__`."""
    inside = {name for name in names if _is_ours(module) and _is_module(f"{module}.{name}")}
    yield from (f"{module}.{name}" for name in inside)
    if len(inside) < len(names):
        yield module


def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False
