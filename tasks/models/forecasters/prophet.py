"""Prophet (Taylor and Letham 2018), held as its own JSON so that nothing but text and numbers is deserialised.

It knows no last value: its forecast is trend and seasons at the time that is asked for. It is therefore fitted anew at
every origin; what is registered is the fit to the whole series.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from gauntlet.tasks.models.forecasters.rows import RowForecaster

# Name -> (lowest, highest, on a logarithmic scale); `recent` is the share of the history that is learnt from.
SPACE: Mapping[str, tuple[float, float, bool]] = {
    "changepoint_prior_scale": (0.001, 0.5, True),
    "seasonality_prior_scale": (0.01, 10.0, True),
    "changepoint_range": (0.7, 0.98, False),
    "recent": (0.05, 1.0, True),
}
MOST_POINTS = 10_000
FEWEST_SEASONS = 14


class ProphetForecaster(RowForecaster):
    """A fitted Prophet. `model_json_` is `prophet.serialize.model_to_json`'s text."""

    def __init__(self, settings: dict[str, float] | None = None, step_s: float = 3600.0) -> None:
        self.settings = settings
        self.step_s = step_s

    @property
    def lookback(self) -> int:
        """How many values it looks back: none, but a history has at least one."""
        return 1

    def with_json(self, text: str) -> ProphetForecaster:
        """This forecaster with the fitted model."""
        self.model_json_ = text
        return self

    def forecast(self, history: np.ndarray, last: pd.DatetimeIndex, horizon: int) -> np.ndarray:  # noqa: ARG002
        """(n, horizon) forecasts; the history is not looked at."""
        with quiet():
            from prophet.serialize import model_from_json

            model = model_from_json(self.model_json_)
            steps = pd.to_timedelta(np.arange(1, horizon + 1) * self.step_s, unit="s")
            times = pd.DatetimeIndex(np.concatenate([(one + steps).as_unit("ns").to_numpy() for one in last]))
            return model.predict(pd.DataFrame({"ds": times}))["yhat"].to_numpy().reshape(len(last), horizon)


def fitted_json(values: np.ndarray, times: pd.DatetimeIndex, season: int, settings: Mapping[str, float]) -> str:
    """The JSON of a Prophet fitted to the latest values, as many as `settings["recent"]` says."""
    given: dict[str, Any] = dict(settings)
    share = given.pop("recent", 1.0)
    keep = int(min(MOST_POINTS, max(share * len(values), FEWEST_SEASONS * season, 100)))
    with quiet():
        from prophet import Prophet
        from prophet.serialize import model_to_json

        model = Prophet(uncertainty_samples=0, **given)
        frame = pd.DataFrame({"ds": times[-keep:].as_unit("ns"), "y": values[-keep:]})
        return str(model_to_json(model.fit(frame, seed=1)))


class quiet:  # noqa: N801 - read as a verb: `with quiet():`
    """Prophet and the program that it starts say nothing below an error."""

    def __enter__(self) -> None:
        for name in ("prophet", "prophet.plot", "cmdstanpy"):
            logger = logging.getLogger(name)
            logger.setLevel(logging.ERROR)
            logger.propagate = False
            if not logger.handlers:
                logger.addHandler(logging.NullHandler())

    def __exit__(self, *_: Any) -> None:
        return
