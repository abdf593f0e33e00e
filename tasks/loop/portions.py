"""Portions in S3: `scores/GAUNTLET/SHA256/` holds the rows that a file was the first to bring, each row in one portion only.

    rows.parquet          as they came, with score, alarm, label, key, line, and whether they came too late
    predictions.parquet   the features that the model looked at, with score and alarm
    manifest.json         written last, under our MAC: it makes the portion count, and names the digests of the other two

What is altered is left out by name and steers nothing. What is dated later than S3 says that it was written comes from a
wrong clock and is not looked at.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from gauntlet.datasets.errors import Altered
from gauntlet.tasks.claims import AHEAD, Check
from gauntlet.tasks.loop.contract import Batch, InputFile, Manifest, Scored
from gauntlet.tasks.loop.store import below, document, documents, get, keys, put, put_document
from gauntlet.tasks.registry.signing import digest
from gauntlet.tasks.runtime.connection import Connection
from gauntlet.tasks.runtime.steps import say

LABEL, SCORE, ALARM = "_label", "_score", "_alarm"
KEY, CONTENT, LINE, LATE, SOURCE, SECONDS = "_key", "_content", "_line", "_late", "_source", "_seconds"
_OURS = (KEY, CONTENT, LINE, LATE, SOURCE, SECONDS)
VOID = {"void": True}  # a manifest that counts for nothing: its worker died, and others have its rows


def whole_rows(batch: Batch, scored: Scored, alarm: np.ndarray, late: np.ndarray) -> pd.DataFrame:
    """The rows of a batch with all that is kept beside them; `alarm`, `late`: (n,) bool."""
    beside: dict[str, Any] = {SCORE: scored.score, ALARM: alarm}
    beside |= {KEY: batch.keys, CONTENT: batch.contents, LINE: batch.lines, LATE: late}
    if batch.sources is not None and batch.seconds is not None:
        beside |= {SOURCE: batch.sources, SECONDS: batch.seconds}
    if batch.labels is not None:
        beside |= {LABEL: batch.labels.astype(np.float64)}
    return batch.rows.assign(**{name: list(values) if name in _OURS else values for name, values in beside.items()})


def write(
    connection: Connection, manifest: Manifest, rows: pd.DataFrame, features: pd.DataFrame, check: Check
) -> Manifest:
    """The manifest as it stands in S3 now; writing a portion again replaces it. `rows`: of `whole_rows`.

    Raises:
        StaleClaim: `check` says that another has the turn; of the manifest nothing was written.
    """
    contents = _contents(rows, features)
    complete = _named(manifest, rows, contents)
    for name, content in contents.items():
        put(connection, f"{manifest.prefix}/{name}.parquet", content, check=check)
    put_document(connection, f"{manifest.prefix}/manifest.json", asdict(complete), check)
    return complete


def rewrite(connection: Connection, manifest: Manifest, rows: pd.DataFrame, check: Check) -> None:
    """The same portion with other alarms or labels. While it is under way, objects of before and after are both ours.

    Raises:
        Altered: its predictions are not those that the manifest speaks of.
        StaleClaim: `check` says that another has the turn.
    """
    contents = _contents(rows, predictions_of(connection, manifest))
    complete = _named(replace(manifest, labelled=LABEL in rows), rows, contents)
    before = {manifest.rows_sha256, manifest.predictions_sha256, *manifest.formerly}
    place = f"{manifest.prefix}/manifest.json"
    put_document(connection, place, asdict(replace(complete, formerly=sorted(before))), check)
    for name, content in contents.items():
        put(connection, f"{manifest.prefix}/{name}.parquet", content, check=check)
    put_document(connection, place, asdict(complete), check)


def _contents(rows: pd.DataFrame, features: pd.DataFrame) -> dict[str, bytes]:
    judged = features.assign(**{SCORE: rows[SCORE].to_numpy(), ALARM: rows[ALARM].to_numpy()})
    return {"rows": _parquet(rows), "predictions": _parquet(judged)}


def _named(manifest: Manifest, rows: pd.DataFrame, contents: Mapping[str, bytes]) -> Manifest:
    """The manifest of these objects."""
    return replace(
        manifest,
        alarms=int(rows[ALARM].sum()),
        rows_sha256=digest(contents["rows"]),
        predictions_sha256=digest(contents["predictions"]),
        formerly=(),
    )


def void(connection: Connection, gauntlet: str, sha256: str, check: Check) -> None:
    """A portion that never came to count never will: whoever was at it finds something else in its place."""
    put_document(connection, f"scores/{gauntlet}/{sha256}/manifest.json", VOID, check)


def is_kept(connection: Connection, gauntlet: str, portions: Sequence[str]) -> bool:
    """Whether S3 still has all objects of these portions."""
    if len(portions) > 10:
        there = {key for key, _ in keys(connection, f"scores/{gauntlet}/")}
    else:
        there = {key for one in portions for key, _ in keys(connection, f"scores/{gauntlet}/{one}/")}
    return all(needed in there for one in portions for needed in objects_of(gauntlet, one))


def objects_of(gauntlet: str, sha256: str) -> tuple[str, ...]:
    """The keys of a portion's objects."""
    names = ("rows.parquet", "predictions.parquet", "manifest.json")
    return tuple(f"scores/{gauntlet}/{sha256}/{name}" for name in names)


def manifests(connection: Connection, gauntlet: str) -> Iterator[Manifest]:
    """Every portion of a gauntlet, by manifests that are ours."""
    for written, one in documents(connection, below(connection, f"scores/{gauntlet}/", "/manifest.json")):
        if one == VOID:
            continue
        manifest, latest = Manifest(**one), written + AHEAD
        if manifest.last_s is not None and manifest.last_s > latest.timestamp():
            continue
        if datetime.fromisoformat(manifest.scored_at) > latest:
            manifest = replace(manifest, scored_at=written.isoformat(timespec="microseconds"))
        yield manifest


def manifest_at(connection: Connection, gauntlet: str, sha256: str) -> Manifest | None:
    """The portion that a file made, None where there is none that counts."""
    one = document(connection, f"scores/{gauntlet}/{sha256}/manifest.json")
    return Manifest(**one) if one and one != VOID else None


def newest(connection: Connection, gauntlet: str, rows: int) -> list[Manifest]:
    """The newest portions that together have at least `rows` rows, or all there are; oldest first."""
    taken: list[Manifest] = []
    count = 0
    for manifest in sorted(manifests(connection, gauntlet), key=lambda m: (m.scored_at, m.sha256), reverse=True):
        taken.append(manifest)
        count += manifest.rows
        if count >= rows:
            break
    return taken[::-1]


def rows_of(connection: Connection, manifest: Manifest) -> pd.DataFrame:
    """The raw rows of a portion with `_score`, `_alarm` and, where known, `_label`.

    Raises:
        Altered: they are not those that the manifest speaks of.
    """
    return all_of(connection, manifest).drop(columns=list(_OURS), errors="ignore")


def all_of(connection: Connection, manifest: Manifest) -> pd.DataFrame:
    """The same with all that is kept beside them."""
    return _table(connection, manifest, "rows", manifest.rows_sha256)


def predictions_of(connection: Connection, manifest: Manifest) -> pd.DataFrame:
    """The features that the model looked at, with `_score` and `_alarm`.

    Raises:
        Altered: they are not those that the manifest speaks of.
    """
    return _table(connection, manifest, "predictions", manifest.predictions_sha256)


def unaltered(
    connection: Connection, portions: Iterable[Manifest], whole: bool = False
) -> list[tuple[Manifest, pd.DataFrame]]:
    """Portions with their rows, in the order given; what is altered or lost is left out by name, counted and said."""
    read = all_of if whole else rows_of
    found: list[tuple[Manifest, pd.DataFrame]] = []
    asked = list(portions)
    for one in asked:
        try:
            found.append((one, read(connection, one)))
        except Altered as error:
            say(f"{error} It steers nothing.")
    if len(asked) > len(found):
        say(f"{len(asked) - len(found)} of {len(asked)} scored files are left out")
    return found


def _table(connection: Connection, manifest: Manifest, name: str, sha256: str) -> pd.DataFrame:
    key = f"{manifest.prefix}/{name}.parquet"
    content = get(connection, key)
    if content is None:
        raise Altered(f"{key} is gone since {manifest.file} was scored. Offer the file again.")
    if digest(content) not in (sha256, *manifest.formerly):
        raise Altered(f"{key} was changed since {manifest.file} was scored. Remove {manifest.prefix}/ from the bucket.")
    return pd.read_parquet(io.BytesIO(content))


def labels_of(rows: pd.DataFrame) -> np.ndarray | None:
    """The labels of scored rows int64 (n,), None where some have none."""
    if LABEL not in rows or rows[LABEL].isna().any():
        return None
    return rows[LABEL].to_numpy(np.int64)


def manifest_of(
    gauntlet: str, file: InputFile, batch: Batch, rows: pd.DataFrame, model: str, version: int, scored_at: str
) -> Manifest:
    """The manifest of a portion that was just scored; its `rows` as `whole_rows` gives them."""
    fed = rows[~rows[LATE].to_numpy(bool)]
    newest_of = fed.groupby(SOURCE)[SECONDS].max().to_dict() if SECONDS in rows else {}
    return Manifest(
        gauntlet=gauntlet,
        file=file.name,
        sha256=file.sha256,
        source=file.source,
        rows=len(rows),
        alarms=int(rows[ALARM].sum()),
        labelled=batch.labels is not None,
        model=model,
        version=version,
        scored_at=scored_at,
        group=batch.group,
        off=len(batch.off),
        ahead=len(batch.ahead),
        late=len(rows) - len(fed),
        first_s=float(fed[SECONDS].min()) if newest_of else None,
        last_s=float(fed[SECONDS].max()) if newest_of else None,
        newest={str(source): float(at) for source, at in newest_of.items()},
    )


def _parquet(frame: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()
