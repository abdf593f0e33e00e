"""The kind "supervised table": rows that stand alone, labels that come sooner or later, a classifier as champion."""

from __future__ import annotations

from functools import partial

from gauntlet.datasets import dataset
from gauntlet.datasets.spec import Table
from gauntlet.tasks.gauntlet import Gauntlet
from gauntlet.tasks.loop.contract import Adapter
from gauntlet.tasks.loop.input_files import tables
from gauntlet.tasks.tabular.online import contest, material, rows


def adapter(gauntlet: Gauntlet) -> Adapter:
    """The functions of a table's gauntlet."""
    module = dataset(gauntlet.dataset)
    spec: Table = module.SPEC
    target = spec.target
    return Adapter(
        in_order=False,
        files=tables,
        read=partial(rows.read, spec=spec, reader=module.read),
        score=rows.score,
        windows=partial(rows.windows, target=target),
        gather=partial(material.gather, target=target),
        of_versions=material.of_versions,
        train=partial(material.train, target=target),
        contest=partial(contest.contest, target=target, metric=gauntlet.primary_metric),
        carry=partial(material.carry, target=target),
    )
