"""The kind "supervised table": rows that stand alone, labels that come sooner or later, a classifier as champion."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from gauntlet.datasets.spec import Table
from gauntlet.tasks.loop.contract import Adapter
from gauntlet.tasks.loop.input_files import tables
from gauntlet.tasks.tabular.online import contest, material, rows


def supervised_table(spec: Table, reader: Callable[..., Any], metric: str) -> Adapter:
    """The functions of a table's gauntlet; `reader(path, labelled=False)` reads a file, `metric` is the primary one."""
    target = spec.target
    return Adapter(
        in_order=False,
        files=tables,
        read=partial(rows.read, spec=spec, reader=reader),
        score=rows.score,
        windows=partial(rows.windows, target=target),
        gather=partial(material.gather, target=target),
        of_versions=material.of_versions,
        train=partial(material.train, target=target),
        contest=partial(contest.contest, target=target, metric=metric),
        carry=partial(material.carry, target=target),
    )
