"""A promise stands while a test holds it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gauntlet.datasets.errors import BadInput
from gauntlet.deployments.promises import PROMISES, TESTS, holders, promises_list


def test_every_promise_is_held_and_printed() -> None:
    """By tests that are there."""
    for name, tests in holders().items():
        for test in tests:
            file, _, function = test.partition("::")
            assert f"def {function}(" in (TESTS / file).read_text()
        assert PROMISES[name] in promises_list()


def _write(folder: Path, names: list[str]) -> Path:
    lines = [f'@pytest.mark.promise("{name}")\ndef test_{k}(): ...\n' for k, name in enumerate(names)]
    (folder / "test_some.py").write_text("\n".join(lines))
    return folder


def test_a_promise_whose_test_is_gone_is_named(tmp_path: Path) -> None:
    """So that the page that states it cannot be made."""
    assert set(holders(_write(tmp_path, list(PROMISES)))) == set(PROMISES)
    with pytest.raises(BadInput, match="no test holds the promise 'rows'"):
        holders(_write(tmp_path, [name for name in PROMISES if name != "rows"]))
    with pytest.raises(BadInput, match="there is no promise 'speed'"):
        holders(_write(tmp_path, [*PROMISES, "speed"]))
