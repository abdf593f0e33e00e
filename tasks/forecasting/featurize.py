"""The series in training, validation and test part, the horizons, and settings chosen inside the training part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from gauntlet.datasets import ett, sensors
from gauntlet.datasets.errors import BadInput, TooManyBadFiles
from gauntlet.datasets.records.series import SeriesSet
from gauntlet.tasks.contract import Prepared, Summary
from gauntlet.tasks.forecasting import refits
from gauntlet.tasks.forecasting.gauntlets import REFERENCE
from gauntlet.tasks.forecasting.judge import Common
from gauntlet.tasks.forecasting.load import LoadedSeries
from gauntlet.tasks.forecasting.tuning import Tuned, tune
from gauntlet.tasks.forecasting.windows import Split, checked
from gauntlet.tasks.forecasting.windows import split as split_series
from gauntlet.tasks.gauntlet import Request
from gauntlet.tasks.registry.key import work_key
from gauntlet.tasks.result import InputSummary, Quarantined

Models = Literal["auto", "all", "cheap"]
MOST_REFITTED = 24  # series, where `models` is auto
MOST_COMPARED = 3  # series at whose common origins models are fitted anew
# What the user's own, or simulated, series are called in the registry.
SENSORS = replace(sensors.SPEC, name="sensors", sensor_type="sensor")


@dataclass(frozen=True, eq=False)
class Panel:
    """The series in their parts, the horizons, and how all of it is judged.

    `reference` is the series whose Prophet is registered: sensor-001 where it is there, else the first.
    """

    found: SeriesSet
    splits: tuple[Split, ...]
    horizons: tuple[int, ...]
    common: Common
    refitted: bool
    published: bool

    @property
    def longest(self) -> int:
        """The longest horizon."""
        return max(self.horizons)

    @property
    def reference(self) -> Split:
        """The series that registered models of one series are of."""
        return next((split for split in self.splits if split.name == REFERENCE), self.splits[0])

    @property
    def compared(self) -> tuple[Split, ...]:
        """The series that all models are compared on: all, or the reference and two more where some are fitted anew."""
        if not self.refitted:
            return self.splits
        others = [split for split in self.splits if split is not self.reference]
        return (self.reference, *others[: MOST_COMPARED - 1])

    @property
    def primary(self) -> str:
        """The metric that decides: MSE where a protocol is published, otherwise MASE, which compares series."""
        return "mse" if self.published else "mase"


@dataclass(frozen=True, eq=False)
class Series(Prepared):
    """The panel, and the settings that were chosen inside the training part."""

    panel: Panel
    tuned: Tuned


def featurize(loaded: LoadedSeries, panel: Panel, tuned: Tuned) -> Series:
    """The series as forecasters are trained and judged on them."""
    found = panel.found
    summary = Summary(
        dataset=ett.SPEC if panel.published else SENSORS,
        source=found.source,
        data_hash=found.sha256,
        input=InputSummary(
            files=found.files,
            rows=sum(len(split.series) for split in panel.splits),
            bytes=found.bytes,
            quarantined=tuple(Quarantined(name, why) for name, why in found.quarantined),
        ),
        size=f"{len(panel.splits):,} series",
        place=found.path.name,
        protocol=protocol(panel),
    )
    return Series(loaded.gauntlet, loaded.request, summary, panel, tuned)


def protocol(panel: Panel) -> str:
    """How the figures came to be, in one line."""
    parts = (
        "12/4/4 months" if panel.published else "60/20/20 % of each series"
    ) + " for training, validation and test; z-scores by the training part"
    few = len(panel.compared) < len(panel.splits)
    over = ", ".join(one.name for one in panel.compared) if few else "series"
    common = f"{panel.common.test} evenly spaced common origins" if panel.refitted else "64 evenly spaced origins"
    steps = "/".join(str(horizon) for horizon in panel.horizons)
    return (
        f"{parts}; {steps} steps ahead from rolling origins; rows: mean over {over} and horizons at {common} of the "
        "test part, all errors in z-scores; settings and champion chosen on the validation part; conformal intervals"
    )


def split(loaded: LoadedSeries) -> Panel:
    """The series in training, validation and test part; one that is too short is set aside when there are others.

    Raises:
        BadInput: a horizon below 1, or no series is long enough.
        TooManyBadFiles: more series than the limit allows are too short.
    """
    parameters, limit = loaded.request.parameters, loaded.request.quarantine_limit
    return panel_of(loaded.found, parameters["horizons"], parameters["models"], Common(), limit)


def panel_of(
    found: SeriesSet, horizons: Sequence[int] | None, models: Models, common: Common, limit: float = 0.05
) -> Panel:
    """The panel of these series."""
    if horizons is None:
        season = found.series[0].season
        horizons = ett.HORIZONS if found.published else (min(season if season > 1 else 12, len(found.series[0]) // 6),)
    horizons = checked(horizons)
    splits, refused, problem = [], list(found.quarantined), None
    for one in found.series:
        try:
            splits.append(split_series(one, horizons, (found.published or {}).get(one.name)))
        except BadInput as error:
            problem = problem or error
            refused.append((one.name, str(error)))
    of = len(found.series) + len(found.quarantined)
    if not splits or (problem and of == 1):
        raise problem or BadInput(found.path, "there is no series")
    if len(refused) > max(limit * of, 0):
        raise TooManyBadFiles(found.path, refused, of, limit)
    refitted = models == "all" or (models == "auto" and len(splits) <= MOST_REFITTED)
    common = common if refitted else Common(64, 64)
    kept = replace(found, quarantined=tuple(refused))
    return Panel(kept, tuple(splits), horizons, common, refitted, found.published is not None)


def journal(cache: Path, panel: Panel, trials: int, seed: int) -> Path:
    """The folder of the trials of this work: the same data, code and parameters find the trials that are there."""
    parameters = {"seed": seed, "trials": trials, "horizons": panel.horizons, "models": panel.refitted}
    return cache / "tuning" / work_key(panel.found.sha256, parameters)[:16]


def tuned(panel: Panel, request: Request) -> Tuned:
    """The settings of LightGBM and Prophet, chosen inside the training part for the shortest horizon."""
    horizon, trials, seed = min(panel.horizons), request.parameters["trials"], request.seed
    folder, workers = journal(request.cache, panel, trials, seed), request.workers
    with refits.workers(workers if panel.refitted else 1) as pool:
        return tune(panel.splits, panel.reference if panel.refitted else None, horizon, trials, seed, folder, pool)
