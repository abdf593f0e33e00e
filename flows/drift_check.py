"""Has the world drifted away from what the champion learnt, and what is to be done about it?

champion ─> window (newest scored rows) ─> recall (earlier verdicts) ─> judge (Evidently, triage) ─> keep (report in MLflow, verdict in S3) ─> event
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from prefect import flow
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from prefect.events import emit_event

from gauntlet.blocks import DriftPolicy
from gauntlet.flows._loop import Loop, loop_run_name, name_run, open_loop, read_policy, send_events
from gauntlet.tasks.claims import Turn, begin, database_time, finish, in_turn
from gauntlet.tasks.drift.triage import ACTIONS
from gauntlet.tasks.gauntlets import in_loop
from gauntlet.tasks.loop import drift_check as checking
from gauntlet.tasks.loop.champion import champion_of
from gauntlet.tasks.loop.contract import Window
from gauntlet.tasks.loop.drift_check import EVENT, Judged
from gauntlet.tasks.loop.portions import manifests
from gauntlet.tasks.loop.store import listed, put, put_document
from gauntlet.tasks.report.page import markdown_table
from gauntlet.tasks.runtime.connection import Connection
from gauntlet.tasks.runtime.steps import run_id, say, step
from gauntlet.tasks.runtime.tracking import experiment, log, log_files, servers, tracked

find_champion = step(champion_of, "champion", calls_server=True)
take_windows = step(checking.newest_windows, "window", calls_server=True)
judge = step(checking.judge, "judge")
TURN = timedelta(minutes=2)  # without a sign of life; a check that is killed leaves the window to the next after that


def _recall(loop: Loop, gauntlet: str, key: str) -> list[dict[str, Any]]:
    """The verdicts on earlier windows, one each; a check of this very window that was killed half-way is none of them."""
    with servers(loop.connection):
        latest = {one["key"]: one for one in listed(loop.connection, f"drift/{gauntlet}/")}
    return [one for one in latest.values() if one["key"] != key]


def _keep(loop: Loop, judged: Judged, check: Callable[[], None]) -> str:
    """The report in MLflow, the verdict in S3; the address of the report for a browser. `check`: is it still our turn?"""
    document, name = judged.document, f"drift {judged.window.gauntlet}"
    check()
    with servers(loop.connection):
        place = experiment(
            "Drift Check", loop.connection, "Has the world drifted away from what a champion learnt? A report a run."
        )
        tags = {"gauntlet": judged.window.gauntlet, "verdict": judged.verdict.kind, "prefect_flow_run": run_id()}
        with tracked(loop.connection, place, name, tags) as run:
            if judged.drift is not None:
                log(run, metrics={"drift_share": judged.drift.share, "rows": float(len(judged.window.window))})
                log_files(run, {"drift.html": judged.drift.html})
            log_files(run, {"verdict.json": json.dumps(document, indent=1).encode()})
            link = f"{run.url}/artifacts/drift.html" if judged.drift is not None else run.url
            # While the run is open: what an outage interrupts here is FAILED there, and one report counts.
            key = f"drift/{judged.window.gauntlet}/{judged.at.replace(':', '')}-{judged.window.key[:12]}"
            if judged.drift is not None:
                put(loop.connection, f"{key}.html", judged.drift.html, "text/html", check)
            put_document(loop.connection, f"{key}.json", {**document, "report": link}, check)
    return link


GRAVEST = tuple(ACTIONS)


def _any_scored(connection: Connection, gauntlet: str) -> bool:
    with servers(connection):
        return next(manifests(connection, gauntlet), None) is not None


any_scored = step(_any_scored, "look", calls_server=True)
recall = step(_recall, "recall", calls_server=True)
keep = step(_keep, "keep", calls_server=True)


@flow(name="drift-check", description=__doc__, flow_run_name=loop_run_name)
def drift_check(gauntlet: str = "ai4i", seed: int = 7) -> dict[str, Any]:
    """Compare the newest scored rows with the champion's fixed healthy reference, and say what is to be done.

    Args:
        gauntlet: Whose champion and whose scored rows.
        seed: Of the sample that is compared where there are more than 10,000 rows.

    Of machines that are judged each by itself, the gravest verdict is handed back; every one is kept and told.
    """
    loop, limits = open_loop(), read_policy(DriftPolicy)
    windows: Sequence[Window] = ()
    if any_scored(loop.connection, gauntlet):  # on a schedule before its first training, a gauntlet has no champion
        champion = find_champion(in_loop(gauntlet), loop.connection, loop.key_file)
        windows = take_windows(champion, limits, loop.connection)
    if not windows:
        say(f"nothing of {gauntlet} was scored yet: run `gauntlet score {gauntlet} --data DIR`")
        return {"gauntlet": gauntlet, "verdict": "none", "drifted": False}
    documents = [_check(loop, window, limits, seed) for window in windows]
    return min(documents, key=lambda document: GRAVEST.index(document["verdict"]))


def _check(loop: Loop, window: Window, limits: DriftPolicy, seed: int) -> dict[str, Any]:
    """The verdict's document, of a window that was judged before as it was then."""
    gauntlet = window.gauntlet
    turn = begin(loop.engine, f"drift:{gauntlet}", window.key, TURN)
    if not isinstance(turn, Turn):
        say(f"this window of {gauntlet} was judged already, or is being judged")
        return json.loads(getattr(turn, "outcome", "{}")) or {"gauntlet": gauntlet, "verdict": "none", "drifted": False}
    with in_turn(loop.engine, turn, TURN) as check:
        judged = judge(window, recall(loop, gauntlet, window.key), limits, seed, database_time(loop.engine))
        link = keep(loop, judged, check)
        document = {**judged.document, "report": link}
        check()
        _tell(loop, judged, document)
        send_events()  # else a process that is killed after `finish` takes the event along
    finish(loop.engine, turn, json.dumps(document))
    return document


def _tell(loop: Loop, judged: Judged, document: dict[str, Any]) -> None:
    """Artifacts of the flow run; the event and the alert where there is something to be done."""
    gauntlet, verdict = judged.window.gauntlet, judged.verdict
    lines = [f"# {gauntlet}: {verdict.kind.replace('_', ' ')}", verdict.action, *verdict.evidence]
    lines.append(f"{len(judged.window.window)} {document['source']} rows against {judged.window.champion.label}.")
    create_markdown_artifact("\n\n".join(lines), key=f"{gauntlet}-drift", description="Verdict of the drift check")
    if judged.drift is not None:
        shifts = [*judged.drift.features, *([judged.drift.prediction] if judged.drift.prediction else [])]
        rows = [
            {
                "feature": shift.name,
                "PSI": f"{shift.psi:.4f}",
                "limit": f"{shift.psi_threshold:.4f}",
                "KS": "–" if shift.ks is None else f"{shift.ks:.4f}",
                "KS limit": "–" if shift.ks_threshold is None else f"{shift.ks_threshold:.4f}",
                "moved": "yes" if shift.moved else "no",
            }
            for shift in shifts
        ]
        create_table_artifact(rows, key=f"{gauntlet}-drift-features", description="Numbers of the drift report")
        say(markdown_table(("verdict", "share"), [(verdict.kind, f"{judged.drift.share:.0%}")]).splitlines()[-1])
    create_link_artifact(document["report"], key=f"{gauntlet}-drift-report", link_text="Evidently report")
    name_run(f"drift-check · {gauntlet} · {verdict.kind.replace('_', ' ')}", gauntlet, verdict.kind)
    if verdict.kind == "none":
        return
    emit_event(
        event=EVENT,
        id=uuid.uuid5(uuid.NAMESPACE_URL, f"gauntlet:{gauntlet}:{judged.window.key}"),
        resource={
            "prefect.resource.id": f"gauntlet.model.{gauntlet}",
            "prefect.resource.name": judged.window.champion.label,
            "gauntlet.verdict": verdict.kind,
        },
        payload=document,
    )
    loop.tell("drift", judged.window.key, f"{gauntlet}: {verdict.kind.replace('_', ' ')}. {verdict.evidence[0]}")
