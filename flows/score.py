"""Score new data with the champion.

champion (verified, loaded) ─> score (file by file, each row exactly once) ─> predictions in S3 and SQL
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from prefect import flow
from prefect.artifacts import create_table_artifact

from gauntlet.blocks import TelemetryDatabase
from gauntlet.datasets.errors import BadInput
from gauntlet.flows._loop import Loop, loop_run_name, name_run, open_loop, read_policy
from gauntlet.flows._workers import WORKERS
from gauntlet.tasks.claims import database_time
from gauntlet.tasks.gauntlets import in_loop
from gauntlet.tasks.loop.champion import adapter, champion_of
from gauntlet.tasks.loop.input_files import wait_until_quiet
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
    """Score every row of a folder's files that was not scored before. A file that is broken is refused by name, one that is
    being written waits for the next run, and the others go on.

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
    began = database_time(loop.engine)
    wait_until_quiet(files, loop.cfg.quiet_s)
    champion = find_champion(in_loop(gauntlet), loop.connection, loop.key_file)
    database = read_policy(TelemetryDatabase)
    submitted: list[Submitted[FileScored]] = []
    # One after another, be the one before good or bad: a row is new to the first file that brings it.
    for file in files:
        before = [one.future for one in submitted[-1:]]
        submitted.append(score_one.submit_after(before, file, champion, loop.connection, loop.engine, database, began))
    done = gathered(submitted, f"{gauntlet}-scoring")
    _tell(loop, gauntlet, done)
    rows = [
        {
            "file": one.file,
            "state": one.state,
            "rows": one.rows,
            "known before": one.known,
            "alarms": one.alarms,
            "late": one.late,
            "waiting": one.waiting,
            "left out": len(one.ahead) + len(one.conflicts),
            "why": one.why or "; ".join([*one.ahead[:3], *one.conflicts[:3]]),
        }
        for one in done
    ]
    create_table_artifact(rows, key=f"{gauntlet}-scored", description=f"Files, by {champion.label}")
    fresh = [one for one in done if one.state == "scored"]
    name_run(f"score · {gauntlet} · {sum(one.rows for one in fresh)} rows", gauntlet)
    say(f"{len(fresh)} of {len(done)} files scored by {champion.label}, {sum(one.alarms for one in fresh)} alarms")
    return done


def _tell(loop: Loop, gauntlet: str, done: Sequence[FileScored]) -> None:
    """What was refused and what was corrected, once each; what waits or was left out, in the run's log.

    Raises:
        BadInput: every file was refused.
    """
    broken = [one for one in done if one.state == "refused"]
    if len(broken) == len(done):
        more = f" (and {len(done) - 1} other files)" if len(done) > 1 else ""
        raise BadInput(None, f"{broken[0].why.rstrip('.')}{more}")
    for one in broken:
        say(f"refused {one.why}")
        loop.tell("refused", f"{gauntlet}:{one.sha256}", f"{gauntlet}: a file is not scored. {one.why}")
    for one in done:
        for line in one.lines:
            say(line)
        for line in one.corrected:  # once each, also where the run that found it died before it told
            text = f"{gauntlet}: late rows correct what was said. {line}."
            loop.tell("corrected", hashlib.sha256(text.encode()).hexdigest(), text)
