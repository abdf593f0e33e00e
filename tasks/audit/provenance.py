"""Whether the samples are what they are said to be: read from files, and of the table whose name they bear."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.special import chdtr, kolmogorov, ndtr

from gauntlet.datasets.spec import Table
from gauntlet.tasks.audit.candidates import words
from gauntlet.tasks.audit.findings import Finding
from gauntlet.tasks.audit.protocol import Fingerprint, Origin, Protocol

FEWEST_SAMPLES = 50
FEWEST_COLUMNS = 5
SIGNIFICANCE = 0.01
NOISY_SHARE = 0.9


def synthetic_fallback(protocol: Protocol) -> Iterator[Finding]:
    """At most one finding, of a result that says `real`: samples from no file, or noise where files failed."""
    origin = protocol.origin
    if protocol.source != "real" or origin is None:
        return
    read = set(origin.read)
    homeless = sum(file is None or file not in read for file in origin.of_samples)
    of_files = f"{len(origin.read):,} of {len(origin.found):,} files were read"
    if homeless:
        detail = f"{homeless:,} of {len(origin.of_samples):,} samples came from no file that was read; {of_files}"
        yield Finding("synthetic_fallback", "", detail)
    elif origin.failed and origin.features is not None and looks_like_noise(np.asarray(origin.features, np.float64)):
        samples, columns = np.shape(origin.features)
        detail = f"{samples:,} samples x {columns:,} features are like independent random numbers; {of_files}"
        yield Finding("synthetic_fallback", "", detail)
    elif not origin.read and origin.features is not None and len(origin.features):
        yield Finding("synthetic_fallback", "", f"{len(origin.features):,} samples, but {of_files}")


def looks_like_noise(features: np.ndarray) -> bool:
    """Whether the columns are like draws of a generator: normal or uniform, and independent of each other.

    Each column by Kolmogorov and Smirnov's test; all pairs at once by n·r² summed, which is chi-squared with one degree
    of freedom for each pair of independent columns (Steiger 1980), on both sides: principal components, which are
    decorrelated by construction, are too independent. Features of real machines fail the second test by far.
    """
    rows, columns = features.shape
    if rows < FEWEST_SAMPLES or columns < FEWEST_COLUMNS or not np.isfinite(features).all():
        return False
    if (features.std(0) == 0).any():
        return False
    r = np.corrcoef(features, rowvar=False)[np.triu_indices(columns, 1)]
    chance = float(chdtr(len(r), rows * float((r**2).sum())))
    if not SIGNIFICANCE / 2 < chance < 1 - SIGNIFICANCE / 2:
        return False
    return bool(np.mean([_from_generator(column) for column in features.T]) >= NOISY_SHARE)


def _from_generator(column: np.ndarray) -> bool:
    ordered = np.sort(column)
    normal = ndtr((ordered - ordered.mean()) / ordered.std())
    uniform = (ordered - ordered[0]) / (ordered[-1] - ordered[0])
    return max(_kolmogorov_smirnov(normal), _kolmogorov_smirnov(uniform)) > SIGNIFICANCE


def _kolmogorov_smirnov(expected: np.ndarray) -> float:
    """p-value of sorted values whose distribution function, evaluated at them, is `expected` (large-sample form)."""
    steps = np.arange(len(expected) + 1) / len(expected)
    distance = max((steps[1:] - expected).max(), (expected - steps[:-1]).max())
    return float(kolmogorov(np.sqrt(len(expected)) * distance))


def wrong_data_set(protocol: Protocol) -> Iterator[Finding]:
    """At most one finding: in what the table that was read differs from the claimed one.

    A simulated table has the claimed columns, but rows and bytes of its own.
    """
    read, claimed = protocol.fingerprint, protocol.claimed
    if read is None or claimed is None:
        return
    ways = (_columns, _size, _hash) if protocol.source != "simulated" else (_columns,)
    wrong = [difference for way in ways for difference in way(read, claimed)]
    if wrong:
        ours = f"read {read.rows:,} rows x {len(read.columns):,} columns, claimed {_shape(claimed)}"
        yield Finding("wrong_data_set", claimed.name, f"{ours}: {'; '.join(wrong)}")


def _shape(claimed: Table) -> str:
    rows = f"{claimed.rows:,} rows x " if claimed.rows else ""
    return f"{claimed.title or claimed.name} with {rows}{len(claimed.columns):,} columns"


def _columns(read: Fingerprint, claimed: Table) -> Iterator[str]:
    if not claimed.features:
        return
    ours, theirs = {words(name): name for name in read.columns}, {words(name): name for name in claimed.columns}
    if missing := [name for key, name in theirs.items() if key not in ours]:
        yield f"without {_some(missing)}"
    if strange := [name for key, name in ours.items() if key not in theirs]:
        yield f"with {_some(strange)}"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _size(read: Fingerprint, claimed: Table) -> Iterator[str]:
    if claimed.rows is not None and read.rows != claimed.rows:
        yield f"{read.rows:,} rows for {claimed.rows:,}"


def _hash(read: Fingerprint, claimed: Table) -> Iterator[str]:
    if read.sha256 and claimed.sha256 and read.sha256.lower() != claimed.sha256.lower():
        yield f"sha256 {read.sha256[:12]}… for {claimed.sha256[:12]}…"


def origin_of(read: dict[str, int], failed: Sequence[str] = ()) -> Origin:
    """The origin of samples that all came from files: how many from each file that was read, and what failed."""
    return Origin((*read, *failed), tuple(read), [file for file, samples in read.items() for _ in range(samples)])
