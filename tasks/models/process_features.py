"""Features of a machining process, from one row of the process table.

Baseline: the columns as they are. Engineered: the quantities in which the failure mechanisms of the AI4I process are
written down (Matzka, "Explainable Artificial Intelligence for Predictive Maintenance Applications", 2020, section II):
heat dissipation by temperature difference and speed, mechanical power, and strain against what a quality class bears.
"""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

FeatureSet = Literal["baseline", "engineered"]

# Overstrain limit per quality class [min Nm], power window [W], heat dissipation limits [K], [rpm]: Matzka 2020.
STRAIN_LIMIT = {"L": 11_000.0, "M": 12_000.0, "H": 13_000.0}
POWER_WINDOW = (3_500.0, 9_000.0)
HEAT_LIMIT = (8.6, 1_380.0)

# LightGBM refuses brackets in names, and a plot reads better without them.
NAMES = {
    "Type": "quality_rank",
    "Air temperature [K]": "air_temperature_k",
    "Process temperature [K]": "process_temperature_k",
    "Rotational speed [rpm]": "speed_rpm",
    "Torque [Nm]": "torque_nm",
    "Tool wear [min]": "tool_wear_min",
}
ENGINEERED = (
    "power_w",
    "temperature_difference_k",
    "strain_min_nm",
    "overstrain_margin_min_nm",
    "power_margin_w",
    "heat_margin",
)


def baseline(rows: pd.DataFrame) -> pd.DataFrame:
    """The measured columns as float64 under short names (`NAMES`), the quality class as its rank: 0 L, 1 M, 2 H."""
    ranks = rows["Type"].map({quality: rank for rank, quality in enumerate("LMH")})
    return rows.assign(Type=ranks).rename(columns=NAMES).astype(np.float64)


def engineered(rows: pd.DataFrame) -> pd.DataFrame:
    """The baseline and six quantities of the process (`ENGINEERED`), n x (columns + 6).

    power = torque · 2π · speed / 60 [W]; strain = wear · torque [min Nm]. A margin is the distance to the published
    limit of one failure mechanism, negative past it; `heat_margin` is without unit: the larger of the distances of
    temperature difference and speed, each over its own limit, since both must be undercut.
    """
    air, process = rows["Air temperature [K]"], rows["Process temperature [K]"]
    speed, torque, wear = rows["Rotational speed [rpm]"], rows["Torque [Nm]"], rows["Tool wear [min]"]
    power, strain, difference = torque * speed * (2 * np.pi / 60), wear * torque, process - air
    limit = rows["Type"].map(STRAIN_LIMIT).astype(np.float64)
    return baseline(rows).assign(
        power_w=power,
        temperature_difference_k=difference,
        strain_min_nm=strain,
        overstrain_margin_min_nm=limit - strain,
        power_margin_w=np.minimum(power - POWER_WINDOW[0], POWER_WINDOW[1] - power),
        heat_margin=np.maximum(difference / HEAT_LIMIT[0] - 1, speed / HEAT_LIMIT[1] - 1),
    )


FEATURES = {"baseline": baseline, "engineered": engineered}


def rule_oracle(rows: pd.DataFrame) -> np.ndarray:
    """1 where one of the three published deterministic rules (HDF, PWF, OSF) holds, else 0; shape (n,).

    It knows the generator, so it is a ceiling for honest models, not a competitor: the failures that it misses (tool
    wear, random) follow no rule.
    """
    margins = engineered(rows)
    heat = (margins["temperature_difference_k"] < HEAT_LIMIT[0]) & (rows["Rotational speed [rpm]"] < HEAT_LIMIT[1])
    return (heat | (margins["power_margin_w"] < 0) | (margins["overstrain_margin_min_nm"] < 0)).to_numpy().astype(int)


class ProcessFeatures(TransformerMixin, BaseEstimator):
    """The feature step of a registered pipeline: raw process columns in, features out. Nothing is fitted."""

    def __init__(self, kind: FeatureSet = "engineered") -> None:
        self.kind = kind

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:  # noqa: ARG002 - scikit-learn's signature
        """Itself; only the names of the columns are remembered."""
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """The features of the rows of X, whose columns are found by name: their order and further ones have no say.

        LightGBM goes by position alone and would answer wrongly, not fail, if the order were passed on.
        """
        return FEATURES[self.kind](X[list(self.feature_names_in_)])

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:  # noqa: ARG002
        """The names of the features, in order."""
        added = ENGINEERED if self.kind == "engineered" else ()
        return np.asarray([*(NAMES.get(name, name) for name in self.feature_names_in_), *added], dtype=object)
