"""What a feed does wrong: columns that are gone, gaps, values that are missing, a feed that stopped."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from gauntlet.tasks.drift.statistics import is_number


@dataclass(frozen=True)
class Fault:
    """One finding. `kind` e.g. "missing_column", "stuck"; `column` empty where none is at fault; `detail` a sentence."""

    kind: str
    column: str
    detail: str

    def __str__(self) -> str:
        return self.detail


@dataclass(frozen=True)
class FeedLimits:
    """`missing`: share of missing values above the reference's own. `gap`: of usual intervals that make a gap.

    `gaps`: share of the window's time without rows. `silence`: usual intervals without a row until the feed has
    stopped. `unseen`: share of rows with a category that the reference does not have. `rows`: that a window needs.
    """

    missing: float = 0.05
    gap: float = 5.0
    gaps: float = 0.1
    silence: float = 10.0
    unseen: float = 0.05
    rows: int = 8


def data_faults(
    reference: pd.DataFrame,
    window: pd.DataFrame,
    seconds: np.ndarray | None = None,
    *,
    interval_s: float | None = None,
    now_s: float | None = None,
    limits: FeedLimits | None = None,
) -> tuple[Fault, ...]:
    """What is wrong with the feed, in a fixed order; what is not given is not checked.

    Args:
        reference: columns that the window must have (features only).
        seconds: time of each row of the window, (rows,), on any clock that stands while the machine is off; `now_s` on
            the same clock.
        interval_s: usual time between rows; the window's own median otherwise.
    """
    limits = limits or FeedLimits()
    found = list(_schema(reference, window))
    if len(window) < limits.rows:
        found.append(Fault("too_few_rows", "", f"The window holds {len(window)} rows; {limits.rows} are needed."))
    found += _values(reference, window, limits)
    if seconds is not None:
        found += _times(np.asarray(seconds, np.float64), interval_s, now_s, limits)
    return tuple(found)


def _schema(reference: pd.DataFrame, window: pd.DataFrame) -> list[Fault]:
    found = []
    for name in map(str, reference.columns):
        if name not in window:
            found.append(Fault("missing_column", name, f"The column {name!r} is missing."))
        elif is_number(reference[name]) and not is_number(window[name]):
            saw = str(window[name].dtype)
            found.append(Fault("wrong_type", name, f"The column {name!r} holds {saw} where numbers are expected."))
    return found


def _values(reference: pd.DataFrame, window: pd.DataFrame, limits: FeedLimits) -> list[Fault]:
    found = []
    for name in [str(name) for name in reference.columns if name in window and len(window)]:
        before, now = _missing(reference[name]), _missing(window[name])
        if now > before + limits.missing + 3 * np.sqrt(before * (1 - before) / len(window)):
            detail = f"{now:.1%} of {name!r} is missing or not finite, {before:.1%} in the reference."
            found.append(Fault("missing_values", name, detail))
        if not is_number(reference[name]):
            values = window[name].dropna()
            unseen = values[~values.isin(reference[name].unique())]
            if len(unseen) > limits.unseen * len(window):
                first = ", ".join(map(repr, list(dict.fromkeys(unseen))[:3]))
                detail = f"{name!r} holds {first} in {len(unseen) / len(window):.1%} of the rows; the reference never."
                found.append(Fault("unseen_values", name, detail))
    return found


def _missing(column: pd.Series) -> float:
    if is_number(column):
        return float(1 - np.isfinite(column.to_numpy(np.float64, na_value=np.nan)).mean())
    return float(column.isna().mean())


def _times(seconds: np.ndarray, interval_s: float | None, now_s: float | None, limits: FeedLimits) -> list[Fault]:
    found = []
    steps = np.diff(seconds)
    if (steps < 0).any():
        row = int(np.argmax(steps < 0)) + 1
        found.append(Fault("times_out_of_order", "", f"Row {row} of the window is older than the row before it."))
    usual = interval_s or (float(np.median(steps[steps > 0])) if (steps > 0).any() else 0.0)
    if usual <= 0:
        return found
    gaps = steps[steps > limits.gap * usual]
    share = float((gaps - usual).sum() / max(seconds[-1] - seconds[0], usual)) if len(gaps) else 0.0
    if share > limits.gaps:
        longest = f"the longest lasts {gaps.max() / usual:.0f} intervals"
        found.append(Fault("gaps", "", f"Rows are missing for {share:.0%} of the window's time; {longest}."))
    silent = now_s - float(seconds[-1]) if now_s is not None and len(seconds) else 0.0
    if silent > limits.silence * usual:
        detail = f"The last row came {silent / 3600:.1f} h ago; one every {usual:.0f} s is usual."
        found.append(Fault("feed_stopped", "", detail))
    return found
