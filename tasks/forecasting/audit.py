"""The audit of forecasts: past before future, equal horizons, and nothing chosen on the test part."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gauntlet.tasks.audit import Finding, Horizons, Part, Protocol, Replay, audit_claims, guard
from gauntlet.tasks.forecasting.evaluate import ForecastJudgement, example_rows, model_of
from gauntlet.tasks.forecasting.featurize import Series
from gauntlet.tasks.forecasting.judge import BASELINES, truth
from gauntlet.tasks.forecasting.train import ONCE, TrainedKind
from gauntlet.tasks.forecasting.windows import Split
from gauntlet.tasks.models.forecasters.rows import RowForecaster


def audit_result(prepared: Series, trained: Sequence[TrainedKind], judgement: ForecastJudgement) -> tuple[Finding, ...]:
    """What would make the stated figures worthless; raises `Leak` unless that is allowed."""
    panel, kinds = prepared.panel, judgement.kinds
    one, horizon = panel.reference, panel.longest
    points = np.arange(one.end)
    _, at = panel.common.origins(one, horizon)
    key = (one.name, horizon)
    by_kind = {t.kind: t for t in trained}
    said = {kind: by_kind[kind].ahead[key].test[at - one.validation] for kind in BASELINES if kind in by_kind}
    protocol = Protocol(
        source=panel.found.source,
        train=Part(ids=points[: one.train], times=points[: one.train]),
        test=Part(ids=points[one.validation :], times=points[one.validation :]),
        tuning=Part(ids=points[: one.validation]),
        forward=True,
        horizons=Horizons(
            {row.name: horizon for row in kinds.candidates},
            {row.name: horizon for row in kinds.baselines},
            truth(one, at, horizon).actual,
            said,
        ),
        replays=[
            _replay(kind, model_of(kind, key, trained, kinds), one, at[0], by_kind.get(kind), key) for kind in ONCE
        ],
    )
    return guard(audit_claims(protocol), prepared.request.allow_leakage)


def _replay(
    kind: str, model: RowForecaster, split: Split, at: int, trained: TrainedKind | None, key: tuple[str, int]
) -> Replay:
    """The registered object on raw rows against the forecast that was judged."""
    assert trained is not None
    horizon = key[1]
    evaluated = split.centre + split.scale * trained.ahead[key].test[at - split.validation]
    widths = {level: np.zeros(horizon) for level in (80, 95)}
    alone = model.copy().with_scale(split.centre, split.scale, widths)
    return Replay(kind, evaluated, alone.predict(example_rows(split, int(at), horizon, int(model.lookback))))
