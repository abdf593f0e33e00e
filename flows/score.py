"""Score new data with the champion.

champion (verified, loaded) ─> score (each new file, side by side, exactly once) ─> predictions in S3 and SQL
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import allow_failure, flow, unmapped
from prefect.artifacts import create_table_artifact
from prefect.futures import PrefectFutureList

from gauntlet.blocks import TelemetryDatabase
from gauntlet.datasets.errors import BadInput
from gauntlet.flows._former import watched
from gauntlet.flows._loop import loop_run_name, name_run, open_loop, read_policy
from gauntlet.flows._workers import Workers
from gauntlet.tasks.gauntlets import in_loop
from gauntlet.tasks.loop.champion import adapter, champion_of
from gauntlet.tasks.loop.contract import InputFile
from gauntlet.tasks.loop.scoring import FileScored, score_file
from gauntlet.tasks.runtime.connection import data_root
from gauntlet.tasks.runtime.former_steps import step
from gauntlet.tasks.runtime.steps import say

find_champion = step(champion_of, "champion", calls_server=True)
score_one = step(score_file, "score", run_name="score {file.name}", calls_server=True)


@flow(
    name="score",
    description=__doc__,
    flow_run_name=loop_run_name,
    task_runner=Workers(),
)
def score(gauntlet: str = "ai4i", data: Path | None = None) -> list[FileScored]:
    """Score every file of a folder that was not scored before.

    Args:
        gauntlet: Whose champion scores.
        data: Folder of new files, or one file; empty for GAUNTLET/incoming below the data root.
    """
    loop = open_loop()
    folder = data or data_root(loop.cfg) / gauntlet / "incoming"
    if data is None and not folder.is_dir():
        say(f"nothing to score: there is no folder {folder}")
        return []
    files = adapter(in_loop(gauntlet)).files(folder.expanduser().absolute())
    if len({file.sha256 for file in files}) < len(files):
        say("files of equal content are scored once")
        files = list({file.sha256: file for file in files}.values())
    if not files:
        raise BadInput(folder, "nothing to score")
    champion = find_champion(in_loop(gauntlet), loop.connection, loop.key_file)
    shared: dict[str, Any] = {"champion": champion, "connection": loop.connection, "engine": loop.engine}
    shared["database"] = read_policy(TelemetryDatabase)
    done = watched(_submitted(files, shared, champion.adapter.in_order), f"{gauntlet}-scoring")
    rows = [{"file": one.file, "state": one.state, "rows": one.rows, "alarms": one.alarms} for one in done]
    create_table_artifact(rows, key=f"{gauntlet}-scored", description=f"Files, by {champion.label}")
    fresh = [one for one in done if one.state == "scored"]
    name_run(f"score · {gauntlet} · {sum(one.rows for one in fresh)} rows", gauntlet)
    say(f"{len(fresh)} of {len(done)} files scored by {champion.label}, {sum(one.alarms for one in fresh)} alarms")
    return done


def _submitted(files: list[InputFile], shared: dict[str, Any], in_order: bool) -> PrefectFutureList[FileScored]:
    """All at once; or one after the other, where a file goes on from the one before, be that good or bad."""
    if not in_order:
        return score_one.map(files, **{name: unmapped(value) for name, value in shared.items()})
    futures: PrefectFutureList[FileScored] = PrefectFutureList([])
    for file in files:
        futures.append(score_one.submit(file, **shared, wait_for=[allow_failure(one) for one in futures[-1:]]))
    return futures
