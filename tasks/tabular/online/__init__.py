"""The loop on tables: rows that stand alone, labels that come sooner or later, a classifier as champion."""

from __future__ import annotations

from functools import partial

from gauntlet.datasets import dataset
from gauntlet.datasets.spec import Table
from gauntlet.tasks.gauntlet import Gauntlet
from gauntlet.tasks.loop.contract import Adapter
from gauntlet.tasks.loop.input_files import tables, take
from gauntlet.tasks.tabular.online import comparison, rows, training_data


def adapter(gauntlet: Gauntlet) -> Adapter:
    """The functions of a table's gauntlet."""
    module = dataset(gauntlet.dataset)
    spec: Table = module.SPEC
    target = spec.target
    return Adapter(
        files=tables,
        take=take,
        read=partial(rows.read, spec=spec, reader=module.read),
        whole=rows.whole,
        score=rows.score,
        follow=None,
        windows=partial(rows.windows, target=target),
        gather=partial(training_data.gather, target=target),
        of_versions=training_data.of_versions,
        train=partial(training_data.train, target=target),
        contest=partial(comparison.compare, target=target, metric=gauntlet.primary_metric),
        version_files=partial(training_data.artifacts, target=target),
    )
