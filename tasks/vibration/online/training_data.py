"""What a monitor's challenger learns from: the champion's healthy rows, and scored rows that no fault is in.

maintenance       the mended machine's baseline is learnt anew, from rows since the work order was closed only
operating_change  rows since the change become a regime of the shaft's bearings beside the one that is known
requested         rows since are added to the regime that they are in
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
from sklearn.base import clone

from gauntlet.tasks.loop.alarm_states import current
from gauntlet.tasks.loop.champion import Champion
from gauntlet.tasks.loop.contract import Manifest, NotYet, TrainingData, VersionFiles
from gauntlet.tasks.loop.maintenance import Event, event_of, events
from gauntlet.tasks.loop.portions import ALARM, SCORE, manifests, unaltered
from gauntlet.tasks.loop.store import listed
from gauntlet.tasks.models.machine_health import MACHINE, REGIME
from gauntlet.tasks.registry.files import parquet
from gauntlet.tasks.registry.load import LoadedModel
from gauntlet.tasks.runtime.connection import Connection
from gauntlet.tasks.runtime.tracking import servers
from gauntlet.tasks.vibration.library import FACTS, LIVES, TRAINING
from gauntlet.tasks.vibration.online.learning import clear_of_faults, set_apart, since_the_change
from gauntlet.tasks.vibration.online.monitor import BASELINES, SINCE, TIME, Baseline, Monitor, monitor_of
from gauntlet.tasks.vibration.online.scoring import spans_of

LEAST = 36  # rows of a machine that a baseline is learnt from: six hours of IMS, a fifth of them set apart
KEY = [MACHINE, TIME]


@dataclass(frozen=True, eq=False)
class Learnt:
    """New rows of one retraining. `rebaselined`: machines whose old rows go. `relearnt`: all whose baseline is another."""

    training: pd.DataFrame
    since: pd.DataFrame
    rebaselined: Mapping[str, Baseline]
    relearnt: tuple[str, ...]


def gather(champion: Champion, why: Mapping[str, Any], lookback_days: float, connection: Connection) -> TrainingData:
    """The champion's healthy rows and what may be learnt of the rows that were scored lately.

    Raises:
        NotYet: there is nothing that may be learnt, or too little of it; in words.
    """
    monitor, gauntlet = monitor_of(champion), champion.gauntlet
    oldest = (datetime.now(UTC) - timedelta(days=lookback_days)).isoformat()
    with servers(connection):
        taken = [
            manifest for manifest in manifests(connection, gauntlet) if manifest.rows and manifest.scored_at >= oldest
        ]
        taken.sort(key=lambda one: (one.last_s or 0.0, one.sha256))
        scored = {
            group: _rows(connection, [manifest for manifest in taken if manifest.group == group])
            for group in _groups(taken)
        }
        memories = {group: current(champion, connection, group) for group in scored}
        documents = listed(connection, f"drift/{gauntlet}/")
        orders = events(connection, gauntlet)
    if not scored:
        raise NotYet(f"nothing of {gauntlet} was scored in the last {lookback_days:g} days: nothing can be learnt.")
    scored = {group: _unknown(rows, monitor, champion) for group, rows in scored.items()}
    clear = {
        group: clear_of_faults(rows, spans_of(memories[group]), monitor, group, orders)
        for group, rows in scored.items()
    }
    pending = {name: order for name, order in monitor.pending(orders).items() if monitor.group_of(name) in scored}
    learnt, verdict = _after_maintenance(monitor, clear, pending), why.get("verdict")
    if learnt is None and (verdict == "maintenance" or (verdict == "operating_change" and pending)):
        raise NotYet(_too_early(monitor, scored, pending, event_of(why)))
    if learnt is None and verdict == "operating_change":
        learnt = _new_regime(champion, monitor, clear, documents)
    elif learnt is None:
        learnt = _more(champion, clear, pending)
    simulated = champion.loaded.tags.get("source") == "simulated" or any(
        manifest.source == "simulated" for manifest in taken
    )
    return _training_data(monitor, learnt, taken, "simulated" if simulated else "real")


def _training_data(monitor: Monitor, learnt: Learnt, taken: Sequence[Manifest], source: str) -> TrainingData:
    kept = monitor.training[~monitor.training[MACHINE].isin(list(learnt.rebaselined))]
    training = pd.concat([kept, learnt.training[[*kept.columns]]], ignore_index=True)
    baselines = {**monitor.baselines, **learnt.rebaselined}
    notes = {
        "machines": {name: asdict(one) for name, one in baselines.items()},
        "rebaselined": sorted(learnt.rebaselined),
        "relearnt": list(learnt.relearnt),
    }
    files = tuple(manifest.sha256 for manifest in taken)
    return TrainingData(training, training.iloc[:0], learnt.since, len(learnt.training), files, source, notes)


def _groups(taken: Sequence[Manifest]) -> list[str]:
    return list(dict.fromkeys(manifest.group for manifest in taken))


def _rows(connection: Connection, taken: Sequence[Manifest]) -> pd.DataFrame:
    there = [rows for _, rows in unaltered(connection, taken)]
    rows = pd.concat(there, ignore_index=True) if there else pd.DataFrame(columns=[*KEY, SCORE, ALARM])
    return rows.drop(columns=[SCORE, ALARM]).drop_duplicates(KEY, keep="last").sort_values(TIME, kind="stable")


def _unknown(rows: pd.DataFrame, monitor: Monitor, champion: Champion) -> pd.DataFrame:
    """Rows that neither were learnt nor set apart before, with the training's columns."""
    rows = rows[rows[MACHINE].isin(list(monitor.machines))].reindex(columns=monitor.training.columns.drop(REGIME))
    seen = (
        [monitor.training[KEY], champion.table(SINCE)[KEY]]
        if SINCE in champion.loaded.files
        else [monitor.training[KEY]]
    )
    known = pd.MultiIndex.from_frame(pd.concat(seen).dropna())
    return rows[~pd.MultiIndex.from_frame(rows[KEY]).isin(known)].reset_index(drop=True)


def _after_maintenance(
    monitor: Monitor, clear: Mapping[str, pd.DataFrame], pending: Mapping[str, Event]
) -> Learnt | None:
    """New baselines of the mended machines, from rows since; None while no machine has enough of them."""
    training, since, baselines = [], [], {}
    for machine, order in pending.items():
        rows = clear.get(monitor.group_of(machine), pd.DataFrame({MACHINE: [], TIME: []}))
        rows = rows[(rows[MACHINE] == machine) & (rows[TIME] >= order.at_s)]
        if len(rows) < LEAST:
            continue
        fit, held = set_apart(rows.assign(**{REGIME: 0}))
        training.append(fit)
        since.append(held)
        baselines[machine] = Baseline(order.at_s, float(rows[TIME].iloc[-1]))
    if not training:
        return None
    return Learnt(pd.concat(training), pd.concat(since, ignore_index=True), baselines, tuple(baselines))


def _too_early(
    monitor: Monitor, scored: Mapping[str, pd.DataFrame], pending: Mapping[str, Event], event: Event | None
) -> str:
    if event is not None and not monitor.named_by(event):
        some = ", ".join(list(monitor.machines)[:4])
        return f"the champion knows no machine {event.machine!r} {event.unit!r}; it knows {some}"
    if not pending:
        return "no work order is waiting: every one that changed a machine was learnt already"
    told = []
    for machine, order in pending.items():
        rows = scored.get(monitor.group_of(machine), pd.DataFrame({MACHINE: [], TIME: []}))
        count = int(((rows[MACHINE] == machine) & (rows[TIME] >= order.at_s)).sum())
        told.append(f"{machine}: {count} snapshots scored since the work order was closed")
    return f"{'; '.join(told)}; {LEAST} are needed. The drift check asks again when they are there."


def _new_regime(
    champion: Champion, monitor: Monitor, clear: Mapping[str, pd.DataFrame], documents: Sequence[Mapping[str, Any]]
) -> Learnt:
    """Rows since the change as a regime of their own; of a machine without neighbours beside its others."""
    training, since, relearnt = [], [], []
    for group, start in since_the_change(documents, champion, list(clear)).items():
        machines = monitor.on_shaft(group)
        rows = _changed(clear[group][clear[group][TIME] >= start], monitor, machines)
        if not len(rows) or rows.groupby(MACHINE).size().min() < LEAST or rows[MACHINE].nunique() < len(machines):
            continue
        fit, held = set_apart(rows)
        regime = int(monitor.training[REGIME].max()) + 1 if len(machines) > 1 else 0
        training.append(fit.assign(**{REGIME: regime}))
        since.append(held.assign(**{REGIME: regime}))
        relearnt += machines
    if not training:
        raise NotYet(f"too few snapshots since the change may be learnt from; {LEAST} of every machine are needed")
    return Learnt(pd.concat(training), pd.concat(since, ignore_index=True), {}, tuple(relearnt))


def _changed(rows: pd.DataFrame, monitor: Monitor, machines: Sequence[str]) -> pd.DataFrame:
    """Without rows of before the change, which the first window of it may hold: nearer to the level known than to the new one."""
    levels = list(rows.filter(regex=r"^log_level "))
    shaft = rows.groupby(TIME)[levels].mean().mean(axis=1)
    if not len(shaft):
        return rows
    old = float(pd.concat([monitor.healthy(machine)[levels] for machine in machines]).mean(axis=1).mean())
    new = float(shaft.iloc[-max(1, len(shaft) // 3) :].median())
    times = shaft.index[(shaft - new).abs() <= (shaft - old).abs()]
    return rows[rows[TIME].isin(times)]


def _more(champion: Champion, clear: Mapping[str, pd.DataFrame], pending: Mapping[str, Event]) -> Learnt:
    """All rows that no fault is in, in the regime that they are judged by; none of a machine whose baseline is to come."""
    training, since, relearnt = [], [], []
    for rows in clear.values():
        rows = rows[~rows[MACHINE].isin(list(pending))]
        if not len(rows) or rows.groupby(MACHINE).size().min() < LEAST:
            continue
        regime = champion.loaded.model.regime_of(rows.drop(columns=TIME))
        fit, held = set_apart(rows.assign(**{REGIME: regime}))
        training.append(fit)
        since.append(held)
        relearnt += list(dict.fromkeys(rows[MACHINE]))
    if not training:
        raise NotYet(f"too few of the scored rows may be learnt from; {LEAST} of a machine are needed")
    return Learnt(pd.concat(training), pd.concat(since, ignore_index=True), {}, tuple(relearnt))


def of_versions(_: Champion, challenger: LoadedModel) -> TrainingData:
    """What the challenger learnt and set apart, as it was registered."""
    training, since = (pd.read_parquet(io.BytesIO(challenger.files[name])) for name in (TRAINING, SINCE))
    notes = json.loads(challenger.files[BASELINES])
    return TrainingData(training, training.iloc[:0], since, 0, (), challenger.tags.get("source", ""), notes)


def train(champion: Champion, training_data: TrainingData) -> Any:
    """The champion's detector, fitted on the training rows; baselines that did not change come out the same."""
    rows = training_data.training.drop(columns=TIME)
    return clone(champion.loaded.model).fit(rows if rows[REGIME].any() else rows.drop(columns=REGIME))


def version_files(champion: Champion, _: Any, training_data: TrainingData) -> VersionFiles:
    """The healthy rows that it knows now, the frozen ones of since, the same past lives."""
    seen = [name for name in champion.reference.columns if name != MACHINE]
    beside = (
        list(training_data.training.filter(regex=r"^relative_level ")) if training_data.training[REGIME].any() else []
    )
    columns = [MACHINE, *dict.fromkeys(map(str, [*seen, *beside]))]
    reference = training_data.training[columns].reset_index(drop=True)
    files = {
        "feature_names.txt": "\n".join(columns[1:]).encode(),
        "reference.parquet": parquet(reference),
        TRAINING: parquet(training_data.training.reset_index(drop=True)),
        SINCE: parquet(_all_since(champion, training_data)),
        BASELINES: json.dumps(dict(training_data.notes), indent=1).encode(),
        **{name: champion.loaded.files[name] for name in (LIVES, FACTS)},
    }
    rows = reference.dropna(axis=1, how="all").head(200)
    return VersionFiles(
        rows, files, "judged by the library of past failures and false alarms on healthy rows that no version learnt"
    )


def _all_since(champion: Champion, training_data: TrainingData) -> pd.DataFrame:
    """What was ever set apart, except of machines whose baseline is new."""
    if SINCE not in champion.loaded.files:
        return training_data.since
    before = champion.table(SINCE)
    return pd.concat(
        [before[~before[MACHINE].isin(training_data.notes["rebaselined"])], training_data.since], ignore_index=True
    )
