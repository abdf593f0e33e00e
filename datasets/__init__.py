"""One module per data set: what it is (`SPEC`), how to `fetch`, `read` and `simulate` it.

This folder is the list of them: naming a set costs nothing, only using it imports its module.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from types import ModuleType

from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.named import named

# What makes a module a data set: a specification with the set's name, and a simulator.
_SPEC = re.compile(r'^SPEC = \w+\(\s+name="(\w+)"', re.MULTILINE)
_SIMULATES = re.compile(r"^def simulation\(", re.MULTILINE)


@cache
def modules() -> dict[str, str]:
    """The module of each data set, by the set's name; told by their texts, nothing is imported."""
    texts = {file.stem: file.read_text(encoding="utf-8") for file in sorted(Path(__file__).parent.glob("*.py"))}
    found = {stem: _SPEC.search(text) for stem, text in texts.items() if _SIMULATES.search(text)}
    return {match[1]: stem for stem, match in found.items() if match}


def dataset(name: str) -> ModuleType:
    """The module of a data set.

    Raises:
        BadInput: no set has this name; the message lists those that there are.
    """
    if name not in modules():
        raise BadInput(None, f"no data set {name!r}", expected=f"one of {', '.join(modules())}")
    return named(f"datasets.{modules()[name]}")
