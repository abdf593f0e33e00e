"""The rows of one file among all that were scored before: which are new, what the model says, which alarms follow.

Whoever is in here is the only one of its group (`gauntlet.tasks.loop.scoring`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
from sqlalchemy import Engine

from gauntlet.blocks import TelemetryDatabase
from gauntlet.datasets.errors import Altered
from gauntlet.tasks.claims import (
    Check,
    Turn,
    finish,
    is_empty,
    known_rows,
    note,
    put_rows,
)
from gauntlet.tasks.claims.database import transaction
from gauntlet.tasks.loop import alarm_states
from gauntlet.tasks.loop.adoption import adopt
from gauntlet.tasks.loop.champion import Champion
from gauntlet.tasks.loop.contract import Batch, InputFile, Manifest, Scored
from gauntlet.tasks.loop.corrections import corrections
from gauntlet.tasks.loop.outcome import Outcome, row_scope
from gauntlet.tasks.loop.portions import (
    ALARM,
    CONTENT,
    KEY,
    LABEL,
    LATE,
    SECONDS,
    manifest_at,
    manifest_of,
    manifests,
    rewrite,
    unaltered,
    whole_rows,
    write,
)
from gauntlet.tasks.loop.sorting import OFF, Sorted, sort_out
from gauntlet.tasks.loop.telemetry import write_predictions
from gauntlet.tasks.loop.waiting import keep_waiting, waiting_rows
from gauntlet.tasks.runtime.connection import Connection
from gauntlet.tasks.runtime.settings import settings


@dataclass(frozen=True, eq=False)
class _Rows:
    """New rows, scored: as they are kept, with the manifest, the state after them and portions that they have changed."""

    manifest: Manifest
    rows: pd.DataFrame
    features: pd.DataFrame
    state: alarm_states.State | None = None
    fed: tuple[Manifest, ...] = ()
    changed: tuple[tuple[Manifest, pd.DataFrame], ...] = ()


@dataclass(frozen=True, eq=False)
class Scoring:
    """The work on one group. `now`, `began`: of this file and of the run; `check`: is the place still ours?"""

    champion: Champion
    connection: Connection
    engine: Engine
    database: TelemetryDatabase
    scope: str
    group: str
    now: datetime
    began: datetime
    check: Check
    turn_lasts: timedelta
    lateness_s: float = field(default_factory=lambda: settings().lateness_h * 3600)

    @property
    def gauntlet(self) -> str:
        """Whose champion scores."""
        return self.champion.gauntlet

    @property
    def row_scope(self) -> str:
        """Within which a row is one row."""
        return row_scope(self.gauntlet, self.group)

    def score(self, file: InputFile, batch: Batch, turn: Turn) -> Outcome:
        """What came of the file; from now on every later caller is told."""
        left = adopt(self, file.sha256)
        since_s = min([np.inf, *(one.since_s for one in left)])
        portions = self._portions(file.sha256)
        newest = self._newest(portions)
        batch = self.champion.adapter.whole(
            batch, waiting_rows(self.connection, self.gauntlet, self.group, newest, self.lateness_s), self.champion
        )
        known = known_rows(self.engine, self.row_scope, [*batch.keys, *batch.off])
        told = sort_out(batch, known, file.sha256, self._rows_of_portion)
        fresh = replace(batch.only(told.fresh), off=told.off)
        note(self.engine, turn, f"group {self.group}")
        waiting = keep_waiting(self.connection, self.gauntlet, self.group, file.sha256, batch.waiting, self.check)
        done = None
        if len(fresh.rows) or since_s < np.inf:
            done = self._scored(file, fresh, portions, newest, since_s)
            self._write(done)
        self._label(told, batch)
        for one in left:
            one.finish(self)
        outcome = self._outcome(told, done, waiting)
        outcome = replace(
            outcome, corrected=[*(line for one in left for line in one.outcome.corrected), *outcome.corrected]
        )
        entries = dict(zip(fresh.keys, fresh.contents, strict=True)) | dict.fromkeys(told.off, OFF)
        finish(
            self.engine,
            turn,
            json.dumps({**asdict(outcome), "file": file.name}),
            beside=lambda connection: put_rows(connection, self.row_scope, file.sha256, entries),
        )
        return outcome

    def _outcome(self, told: Sorted, done: _Rows | None, waiting: int) -> Outcome:
        said = Outcome(
            known=told.known,
            waiting=waiting,
            group=self.group,
            conflicts=told.conflicts,
            portions=sorted(told.portions),
        )
        if done is None:
            return said
        manifest = done.manifest
        return replace(
            said,
            rows=manifest.rows,
            alarms=manifest.alarms,
            late=manifest.late,
            address=f"s3://{self.connection.bucket}/{manifest.prefix}" if manifest.rows else "",
            model=manifest.model,
            version=manifest.version,
            corrected=manifest.corrected,
            portions=sorted({*told.portions, manifest.sha256}) if manifest.rows else said.portions,
        )

    def _portions(self, own: str) -> list[Manifest]:
        """The other portions of the group; the rows that they hold are entered again where the database was lost."""
        lost = is_empty(self.engine, self.row_scope)
        if self.champion.adapter.follow is None and not lost:
            return []
        found = [one for one in manifests(self.connection, self.gauntlet) if one.group == self.group]
        if lost:
            for one, rows in unaltered(self.connection, found, whole=True):
                if KEY in rows:
                    self.enter(one.sha256, rows)
        return [one for one in found if one.sha256 != own]

    def enter(self, portion: str, rows: pd.DataFrame) -> None:
        """The rows of a portion that counts are known from now on."""
        with transaction(self.engine) as connection:
            put_rows(connection, self.row_scope, portion, dict(zip(rows[KEY], rows[CONTENT], strict=True)))

    def _newest(self, portions: Sequence[Manifest]) -> dict[str, float]:
        """The last row of each source that was there before this run began [s since 1970]."""
        newest: dict[str, float] = {}
        for one in portions:
            if datetime.fromisoformat(one.scored_at) < self.began:
                for source, at in one.newest.items():
                    newest[source] = max(at, newest.get(source, at))
        return newest

    def _scored(
        self, file: InputFile, fresh: Batch, portions: Sequence[Manifest], newest: dict[str, float], since_s: float
    ) -> _Rows:
        none = Scored(fresh.rows, np.empty(0), np.empty(0, bool))
        scored = self.champion.adapter.score(fresh, self.champion) if len(fresh.rows) else none
        late = self._late(fresh, newest)
        rows = whole_rows(fresh, scored, np.asarray(scored.alarm, bool), late)
        loaded, moment = self.champion.loaded, self.now.isoformat(timespec="microseconds")
        manifest = manifest_of(self.gauntlet, file, fresh, rows, loaded.name, loaded.version, moment)
        if self.champion.adapter.follow is None:
            return _Rows(manifest, rows, scored.features)
        return self._followed(manifest, rows, scored, portions, since_s)

    def _late(self, fresh: Batch, newest: dict[str, float]) -> np.ndarray:
        if fresh.sources is None or fresh.seconds is None:
            return np.zeros(len(fresh.rows), bool)
        last = np.array([newest.get(str(source), -np.inf) for source in fresh.sources])
        return np.asarray(fresh.seconds < last - self.lateness_s)

    def _followed(
        self, manifest: Manifest, rows: pd.DataFrame, scored: Scored, portions: Sequence[Manifest], since_s: float
    ) -> _Rows:
        """The alarms that follow: from the newest state before these rows on, through all that come after."""
        follow = self.champion.adapter.follow
        assert follow is not None
        follower = follow(self.champion, self.connection)
        manifest = replace(manifest, rules={one: follower.rules[one] for one in manifest.newest})
        others = alarm_states.fed(portions, self.group)
        place = (self.connection, self.gauntlet, self.group, others)
        since_s = min(since_s, np.inf if manifest.first_s is None else manifest.first_s)
        if since_s == np.inf:
            return _Rows(manifest, rows, scored.features)
        before = alarm_states.state_before(*place, since_s)
        after = [one for one in others if (one.last_s or 0.0) > before.until_s]
        there = unaltered(self.connection, after, whole=True)
        parts = [(one.sha256, kept, dict(one.rules)) for one, kept in there]
        followed = alarm_states.follow(before, [*parts, (manifest.sha256, rows, dict(manifest.rules))], follower)
        rows = rows.assign(**{ALARM: followed.alarms[manifest.sha256]})
        changed = [(one, _with_alarms(kept, followed, one.sha256)) for one, kept in there]
        known = alarm_states.state_before(*place, np.inf)
        said = corrections(follower.spans(known.memory), follower.spans(followed.state.memory), known.until_s)
        return _Rows(
            replace(manifest, alarms=int(rows[ALARM].sum()), corrected=said if after else ()),
            rows,
            scored.features,
            followed.state,
            (*others, manifest) if manifest.first_s is not None else tuple(others),
            tuple(
                one for one, (_, was) in zip(changed, there, strict=True) if one[0].formerly or not one[1].equals(was)
            ),
        )

    def _write(self, done: _Rows) -> None:
        """The portion, and what else says what its rows say."""
        if done.state is not None:
            alarm_states.keep(self.connection, self.gauntlet, self.group, done.fed, done.state, self.check)
        if len(done.rows):
            write(self.connection, done.manifest, done.rows, done.features, self.check)
            self.tell_sql(done.manifest, done.rows)
        for manifest, rows in done.changed:
            self._rewrite(manifest, rows)

    def _rewrite(self, manifest: Manifest, rows: pd.DataFrame) -> None:
        """SQL first: what S3 says is compared when the same is asked again after a death."""
        try:
            self.tell_sql(manifest, rows)
            rewrite(self.connection, manifest, rows, self.check)
        except Altered:
            return  # who reads it says so

    def tell_sql(self, manifest: Manifest, rows: pd.DataFrame) -> None:
        """The rows of a portion in SQL, where that is configured."""
        if self.database.url is not None:
            address = self.database.url.get_secret_value()
            write_predictions(address, self.database.table, manifest, rows, self.check)

    def _rows_of_portion(self, portion: str) -> tuple[str, pd.DataFrame]:
        """The file that brought it first, and the rows; none where they are altered or lost."""
        manifest = manifest_at(self.connection, self.gauntlet, portion)
        found = unaltered(self.connection, [manifest], whole=True) if manifest is not None else []
        return (found[0][0].file, found[0][1]) if found else (portion[:12], pd.DataFrame())

    def _label(self, told: Sorted, batch: Batch) -> None:
        """Labels that come later than their rows are laid beside them."""
        if batch.labels is None:
            return
        labels = dict(zip(batch.keys, batch.labels.tolist(), strict=True))
        for portion in sorted(told.portions):
            manifest = manifest_at(self.connection, self.gauntlet, portion)
            for one, rows in unaltered(self.connection, [manifest], whole=True) if manifest else ():
                had = rows[LABEL] if LABEL in rows else pd.Series(np.nan, rows.index)
                has = had.fillna(rows[KEY].map(labels).astype(np.float64))
                if not has.equals(had):
                    self._rewrite(one, rows.assign(**{LABEL: has}))


def _with_alarms(rows: pd.DataFrame, followed: alarm_states.Followed, portion: str) -> pd.DataFrame:
    """The rows of a portion with the alarms that stand now; those before the state that was gone on from stay."""
    judged = (rows[SECONDS].to_numpy() > followed.since_s) & ~rows[LATE].to_numpy(bool)
    return rows.assign(**{ALARM: np.where(judged, followed.alarms[portion], rows[ALARM].to_numpy(bool))})
