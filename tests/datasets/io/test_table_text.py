"""A table's text is that of the bytes that were read, whatever the file has become since."""

from __future__ import annotations

from pathlib import Path

import pytest

from gauntlet.datasets.errors import BadInput
from gauntlet.datasets.io.table_text import load


def test_bytes_that_were_read_are_not_read_again(tmp_path: Path) -> None:
    """Also where they were none: what was written since belongs to the next reading."""
    file = tmp_path / "rows.csv"
    file.write_text("a,b\n1,2\n")
    load(file, lambda _: True)
    with pytest.raises(BadInput):
        load(file, lambda _: True, b"")
