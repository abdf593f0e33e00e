"""The gauntlets that forecast series, as data."""

from __future__ import annotations

from dataclasses import dataclass

from gauntlet.tasks.gauntlet import Gauntlet, Parameter

REFERENCE = "sensor-001"


@dataclass(frozen=True)
class Candidate:
    """A forecaster under its registered name. A model of one series bears the series' name."""

    name: str
    kind: str


def names(reference: str) -> dict[str, str]:
    """The registered name of each kind; `reference` is the series that models of one series are of."""
    return {
        "prophet": f"prophet_forecaster_enhanced_{reference}",
        "prophet_tuned": f"prophet_forecaster_tuned_{reference}",
        "lightgbm": "lightgbm_forecaster_challenger",
        "linear": "linear_forecaster",
        "arima": "arima_forecaster",
        "ets": "smoothing_forecaster",
        "combination": "combined_forecaster",
    }


ALWAYS = (
    "prophet",
    "prophet_tuned",
    "lightgbm",
    "linear",
)  # are registered; the champion too, where it is none of these
FORECASTING = Gauntlet(
    name="forecasting",
    kind="forecasting",
    experiment="Forecasting Models",
    dataset="ett",
    question="Forecasting: what will this sensor read?",
    purpose="Forecasts every sensor with models of every kind, judged from rolling origins, with intervals.",
    candidates=tuple(Candidate(names(REFERENCE)[kind], kind) for kind in ALWAYS),
    primary_metric="mase",
    protocol="rolling origins; settings and champion chosen on the validation part; conformal intervals",
    cron="0 3 * * 0",
    parameters={
        "horizons": Parameter(None, "Steps ahead; empty for the published ones (ETT) or one season."),
        "frequency": Parameter(None, "Step of the grid, such as 1h or 15min; empty takes each series' usual step."),
        "models": Parameter(
            "auto",
            '"cheap" leaves out those that are fitted anew at every origin; "auto" does so beyond 24 series.',
        ),
        "trials": Parameter(10, "How many settings of LightGBM and of Prophet are tried inside the training part."),
        "long": Parameter(False, "Also the quarter-hourly ETT files."),
    },
)
GAUNTLETS = (FORECASTING,)
