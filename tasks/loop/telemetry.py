"""Predictions as rows of a SQL table, where a database is configured."""

from __future__ import annotations

import pandas as pd
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from gauntlet.datasets.address import one_line
from gauntlet.datasets.errors import ServiceDown
from gauntlet.tasks.claims import Check, always
from gauntlet.tasks.loop.contract import Manifest, Scored


def write_predictions(url: str, table: str, manifest: Manifest, scored: Scored, check: Check = always) -> int:
    """How many rows were written: those of this file take the place of those of an earlier, cut attempt.

    Raises:
        StaleClaim: `check`, which is called when nobody else can write them any more, says that another has the turn.
        ServiceDown: the database does not answer or does not take the rows; nothing was changed.
    """
    frame = pd.DataFrame(
        {
            "gauntlet": manifest.gauntlet,
            "file": manifest.file,
            "file_sha256": manifest.sha256,
            "row": range(manifest.rows),
            "score": scored.score,
            "alarm": scored.alarm,
            "model": manifest.model,
            "version": manifest.version,
            "scored_at": pd.Timestamp(manifest.scored_at).tz_convert(None),
        }
    )
    engine = create_engine(url, hide_parameters=True)
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                key = text("SELECT pg_advisory_xact_lock(hashtext(:file))")
                connection.execute(key, {"file": f"{manifest.gauntlet} {manifest.sha256}"})
            if inspect(connection).has_table(table):
                quoted = connection.dialect.identifier_preparer.quote(table)
                gone = text(f"DELETE FROM {quoted} WHERE file_sha256 = :sha AND gauntlet = :gauntlet")  # noqa: S608
                connection.execute(gone, {"sha": manifest.sha256, "gauntlet": manifest.gauntlet})
            check()
            frame.to_sql(table, connection, if_exists="append", index=False, chunksize=500)
    except SQLAlchemyError as error:
        why = one_line(getattr(error, "orig", None) or error)
        raise ServiceDown(
            "the telemetry database", engine.url.render_as_string(), why, "start it and try again"
        ) from None
    finally:
        engine.dispose()
    return len(frame)
