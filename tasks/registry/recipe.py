"""How a model's features are made, as a document in its folder: columns, steps with their parameters, and where the code is.

features.json = {"columns": [{"name", "kind", "required"}, ...],    what the rows must have, and that MLflow enforces
                 "rows_by": "...",            the code that makes such rows; empty: the publisher's own
                 "steps": [{"step", "class", "purpose", "parameters", "code"}, ...],    the last one is the model
                 "features": [...],           what the last step sees, in order
                 "answer": {"score": "higher is more abnormal", ...}}
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from gauntlet.tasks.models.answer import MEANING, answer, few
from gauntlet.tasks.models.columns import columns_of
from gauntlet.tasks.registry.model_code import path_of

_LONGEST = 2_000  # characters of one parameter; a fitted estimator inside would be written in full otherwise


def recipe(model: Any, rows: pd.DataFrame, features: Sequence[str], rows_by: str = "") -> bytes:
    """The document as JSON. `rows`: raw input rows. `rows_by`: dotted path of the code that makes them."""
    document = {
        "columns": [asdict(one) for one in columns_of(rows)],
        "rows_by": rows_by,
        "steps": [_step(name, part) for name, part in _steps(model)],
        "features": list(features),
        "answer": {column: MEANING.get(column, "a feature") for column in answer(model, few(model, rows, 5)).columns},
    }
    return json.dumps(document, indent=1, default=str).encode()


def _steps(model: Any) -> Iterator[tuple[str, Any]]:
    """The model's parts in the order in which rows pass them; pipelines inside pipelines laid open."""
    if not hasattr(model, "steps"):
        yield "model", model
        return
    for name, part in model.steps:
        if hasattr(part, "steps"):
            yield from _steps(part)
        else:
            yield name, part


def _step(name: str, part: Any) -> dict[str, Any]:
    kind = type(part)
    parameters = part.get_params(deep=False) if hasattr(part, "get_params") else {}
    return {
        "step": name,
        "class": f"{kind.__module__}.{kind.__qualname__}",
        "purpose": (inspect.getdoc(kind) or "").partition("\n")[0],
        "parameters": {key: _plain(value) for key, value in parameters.items()},
        "code": path_of(kind.__module__),
    }


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)) and len(value) < 100:
        return [_plain(one) for one in value]
    if isinstance(value, np.generic):
        return value.item()
    return " ".join(str(value).split())[:_LONGEST]
