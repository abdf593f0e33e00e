"""What Gauntlet promises, each with the tests that hold it: a test says so by `@pytest.mark.promise("NAME")`."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

from gauntlet.datasets.errors import BadInput

TESTS = Path(__file__).resolve().parents[1] / "tests"
PROMISES = {
    "rows": "Each row counts once, however files are cut, overlapped, renamed, late or offered again.",
    "alarms": "An alarm once raised is known until it is cleared or mended; what did not reach the channel is sent later.",
    "messages": "A message starts one run or is refused, in words that say whether to send it again.",
    "moves": "One request, one alias move, however often its answer is lost.",
    "identity": "What is served is what was registered under that name.",
    "doors": "Nobody reads or writes without a key: not from another user's account, not from a web page.",
    "killed": "What a killed process left is ended by the next trigger.",
    "away": "A server that is away costs time and nothing else.",
    "beside": "No cache, alert or report fails a run.",
    "keys": "A key can be rotated, and what the older ones signed stays good.",
}


def holders(tests: Path = TESTS) -> dict[str, list[str]]:
    """The tests that hold each promise, as `file::name` below the tests' folder.

    Raises:
        BadInput: a promise that no test holds, or a test that holds one which is not made.
    """
    found: dict[str, list[str]] = defaultdict(list)
    for file in sorted(tests.rglob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef):
                for name in _promised(node):
                    if name not in PROMISES:
                        raise BadInput(file, f"there is no promise {name!r}", expected=", ".join(PROMISES))
                    found[name].append(f"{file.relative_to(tests)}::{node.name}")
    for name, sentence in PROMISES.items():
        if name not in found:
            raise BadInput(tests, f"no test holds the promise {name!r}", saw=sentence, do="mark the one that does")
    return found


def _promised(test: ast.FunctionDef) -> list[str]:
    """The names in a test's own marks."""
    marks = [mark for mark in test.decorator_list if isinstance(mark, ast.Call)]
    return [ast.literal_eval(mark.args[0]) for mark in marks if ast.unparse(mark.func) == "pytest.mark.promise"]


def promises_list() -> str:
    """The promises as a list, each with its tests."""
    lines = []
    for name, tests in holders().items():
        held = ", ".join(f"`{test.rpartition('/')[2]}`" for test in tests)
        lines.append((list(PROMISES).index(name), f"- {PROMISES[name]} ({held})"))
    return "\n".join(line for _, line in sorted(lines))
