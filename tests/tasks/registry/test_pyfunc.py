"""What MLflow wraps around a registered model: rows as they were read, refused in MLflow's own error where they are wrong."""

from __future__ import annotations

import pandas as pd
import pytest
from mlflow.exceptions import MlflowException
from sklearn.preprocessing import StandardScaler

from gauntlet.tasks.models.columns import Column
from gauntlet.tasks.registry.pyfunc import AnsweringModel

ROWS = pd.DataFrame({"load": [1.0, 2.0, 3.0], "speed": [3.0, 2.0, 5.0]})
COLUMNS = (Column("load", "number"), Column("speed", "number"))


def test_a_scaler_answers_whole_numbers_in_another_order() -> None:
    """And hands the model itself on when it is asked for."""
    scaler = StandardScaler().fit(ROWS)
    served = AnsweringModel(scaler, COLUMNS)
    answered = served.predict(ROWS.astype(int)[["speed", "load"]].assign(more="x"))
    assert answered.equals(pd.DataFrame(scaler.transform(ROWS), columns=["load", "speed"]))
    assert served.get_raw_model() is scaler


@pytest.mark.parametrize(
    ("rows", "reason"),
    [(ROWS[["load"]], "columns missing: speed"), (ROWS.assign(speed="fast"), "column 'speed' holds what is no number")],
)
def test_wrong_rows_are_one_line_that_the_scoring_server_passes_on(rows: pd.DataFrame, reason: str) -> None:
    """Any other error would reach whoever asked as "unexpected"."""
    with pytest.raises(MlflowException, match=reason) as refused:
        AnsweringModel(StandardScaler().fit(ROWS), COLUMNS).predict(rows)
    assert refused.value.error_code == "INVALID_PARAMETER_VALUE"
    assert "\n" not in str(refused.value)
