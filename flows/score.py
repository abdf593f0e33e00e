"""Score new data with the champion.

champion (verified, loaded) ─> score (each new file, side by side, exactly once) ─> predictions in S3 and SQL
"""

from __future__ import annotations

from pathlib import Path

from prefect import flow
from prefect.artifacts import create_table_artifact

from gauntlet.blocks import TelemetryDatabase
from gauntlet.datasets.errors import BadInput
from gauntlet.flows._loop import loop_run_name, name_run, open_loop, read_policy
from gauntlet.flows._workers import WORKERS
from gauntlet.tasks.gauntlets import in_loop
from gauntlet.tasks.loop.champion import adapter, champion_of
from gauntlet.tasks.loop.scoring import FileScored, score_or_refuse
from gauntlet.tasks.runtime.connection import data_root
from gauntlet.tasks.runtime.steps import Submitted, gathered, say, step

find_champion = step(champion_of, "champion", calls_server=True)
score_one = step(score_or_refuse, "score", run_name="score {file.name}", calls_server=True)


@flow(
    name="score",
    description=__doc__,
    flow_run_name=loop_run_name,
    task_runner=WORKERS,
)
def score(gauntlet: str = "ai4i", data: Path | None = None) -> list[FileScored]:
    """Score every file of a folder that was not scored before. One that is broken is refused by name, and the others go on.

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
    database = read_policy(TelemetryDatabase)
    submitted: list[Submitted[FileScored]] = []
    for file in files:
        # Where a file goes on from the one before, it waits for that, be it good or bad; otherwise all go at once.
        before = [one.future for one in submitted[-1:]] if champion.adapter.in_order else []
        submitted.append(score_one.submit_after(before, file, champion, loop.connection, loop.engine, database))
    done = gathered(submitted, f"{gauntlet}-scoring")
    broken = [(file, one.why) for file, one in zip(files, done, strict=True) if one.state == "refused"]
    if len(broken) == len(done):
        more = f" (and {len(done) - 1} other files)" if len(done) > 1 else ""
        raise BadInput(None, f"{broken[0][1].rstrip('.')}{more}")
    for file, why in broken:
        say(f"refused {why}")
        loop.tell("refused", f"{gauntlet}:{file.sha256}", f"{gauntlet}: a file is not scored. {why}")
    for one in done:
        for row in one.ahead:
            say(f"{one.file}, {row}: dated in the future, left out")
    rows = [
        {
            "file": one.file,
            "state": one.state,
            "rows": one.rows,
            "alarms": one.alarms,
            "left out": len(one.ahead),
            "why": one.why or "; ".join(one.ahead[:3]),
        }
        for one in done
    ]
    create_table_artifact(rows, key=f"{gauntlet}-scored", description=f"Files, by {champion.label}")
    fresh = [one for one in done if one.state == "scored"]
    name_run(f"score · {gauntlet} · {sum(one.rows for one in fresh)} rows", gauntlet)
    say(f"{len(fresh)} of {len(done)} files scored by {champion.label}, {sum(one.alarms for one in fresh)} alarms")
    return done
