"""How `mlflow.pyfunc.load_model` loads a registered model: rows in as they are read, the answer out as a frame.

MLflow imports this module by name and calls `_load_pyfunc`. It travels with every model, and so do the two that it needs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow.sklearn
import pandas as pd
from mlflow.exceptions import MlflowException

from gauntlet.tasks.models.answer import answer
from gauntlet.tasks.models.columns import RECIPE, Column, as_declared, columns_in


class AnsweringModel:
    """A loaded model that answers rows of its columns' names, whatever types they were read in."""

    def __init__(self, model: Any, columns: tuple[Column, ...]) -> None:
        self.model = model
        self.columns = columns

    def predict(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The model's answer; see `gauntlet.tasks.models.answer`.

        Raises:
            MlflowException: a required column is missing, or a value is not of its column's kind. It is MLflow's own error
                since that is what its scoring server passes on to whoever asked.
        """
        try:
            return answer(self.model, as_declared(rows, self.columns))
        except ValueError as error:
            raise MlflowException.invalid_parameter_value(" ".join(str(error).split())) from None

    def get_raw_model(self) -> Any:
        """The model by itself, under MLflow's name for it."""
        return self.model


def _load_pyfunc(path: str) -> AnsweringModel:
    return AnsweringModel(mlflow.sklearn.load_model(path), columns_in((Path(path) / RECIPE).read_text()))
