"""What holds after every fault, and, strictly, after the next trigger: each broken one is a sentence."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

from sqlalchemy import create_engine, inspect, select, text

from gauntlet.deployments.selftest.matrix import GAUNTLET
from gauntlet.deployments.selftest.plant import Plant
from gauntlet.tasks.registry.aliases import CHAMPION, Holder, aliases_of

# Turns that only keep others out meanwhile: what was scored is said by manifests, what was registered by the registry.
PLACES = ("scoring", "register")


def broken_always(plant: Plant) -> list[str]:
    """While the next trigger is still to come: readers find one champion, nothing is there twice."""
    return [*_one_champion(plant), *_no_key_twice(plant), *_counted_once(plant)]


def broken_at_rest(plant: Plant, files: int) -> list[str]:
    """After the next trigger. `files`: how many were offered to be scored since the plant was built, each once."""
    return [
        *broken_always(plant),
        *_aliases_at_rest(plant),
        *_nothing_open(plant),
        *_scored(plant, files),
        *_nothing_left(plant),
    ]


def _one_champion(plant: Plant) -> Iterator[str]:
    """`champion_of` finds exactly one, whatever the aliases say in the middle of a move."""
    from gauntlet.tasks.registry.aliases import holder

    if holder(plant.names, CHAMPION) is None:
        yield "there is no champion"


def _no_key_twice(plant: Plant) -> Iterator[str]:
    """The same work is registered once."""
    from mlflow import MlflowClient

    from gauntlet.tasks.registry.own_keys import WORK_KEY

    for name in plant.names:
        keys = Counter(one.tags.get(WORK_KEY, "") for one in MlflowClient().search_model_versions(f"name='{name}'"))
        for key, count in keys.items():
            if key and count > 1:
                yield f"{name} has {count} versions of one work"


def _counted_once(plant: Plant) -> Iterator[str]:
    """No request moved the aliases twice, and each outcome answers one intent."""
    from gauntlet.tasks.promotion import log

    log.open_log(plant.engine)
    rows = log.history(plant.engine, GAUNTLET, limit=10_000)
    done = Counter(row.line.request for row in rows if row.event == "done" and row.line.request)
    yield from (f"request {request} moved the aliases {count} times" for request, count in done.items() if count > 1)
    answers = Counter(row.intent for row in rows if row.event in ("done", "failed"))
    yield from (f"intent {intent} has {count} outcomes" for intent, count in answers.items() if count > 1)


def _aliases_at_rest(plant: Plant) -> Iterator[str]:
    """Each alias is held once, no version holds two, and each loads and verifies."""
    from gauntlet.datasets.errors import GauntletError
    from gauntlet.tasks.promotion.smoke import examine
    from gauntlet.tasks.registry.keys import signing_key

    held = [(alias, Holder(name, version)) for name in plant.names for alias, version in aliases_of(name).items()]
    for what, counts in (("alias", Counter(alias for alias, _ in held)), ("version", Counter(one for _, one in held))):
        yield from (f"{what} {one} occurs {count} times: {held}" for one, count in counts.items() if count > 1)
    key = signing_key(plant.cfg.key_file).public_key()
    for alias, version in held:
        try:
            examine(version, key)
        except GauntletError as error:
            yield f"{alias} does not load: {error}"


def _nothing_open(plant: Plant) -> Iterator[str]:
    """No intent, no holder, no turn."""
    from gauntlet.tasks import claims
    from gauntlet.tasks.claims.tables import ONCE
    from gauntlet.tasks.promotion import log

    if left := log.unfinished(plant.engine, GAUNTLET):
        yield f"{len(left)} intents of the promotion log are open"
    yield from (f"{claim.subject} is held by {claim.holder}" for claim in claims.holders(plant.engine))
    unfinished = ONCE.c.done.is_(None) & ONCE.c.scope.not_in(PLACES)
    with plant.engine.connect() as connection:
        undone = connection.execute(select(ONCE.c.scope, ONCE.c.key).where(unfinished)).all()
    yield from (f"nobody finished {scope} {key[:12]}" for scope, key in undone)


def _scored(plant: Plant, files: int) -> Iterator[str]:
    """Rows in SQL, manifests in S3, turns in the claims database and files say the same."""
    from gauntlet.tasks.claims.tables import ONCE
    from gauntlet.tasks.loop.portions import manifests
    from gauntlet.tasks.runtime.tracking import servers

    with servers(plant.connection):
        kept = list(manifests(plant.connection, GAUNTLET))
    in_s3 = {one.sha256: one.rows for one in kept}
    with plant.engine.connect() as connection:
        scope = ONCE.c.scope == f"score:{GAUNTLET}"
        turns = connection.execute(select(ONCE.c.key, ONCE.c.outcome).where(scope, ONCE.c.done.is_not(None))).all()
    claimed = {key: json.loads(outcome)["rows"] for key, outcome in turns}
    in_sql = _rows_in_sql(plant)
    if len(kept) != files:
        yield f"{files} files were offered, {len(kept)} manifests are in S3"
    yield from (
        f"S3 and {what} differ: {in_s3} and {other}"
        for what, other in (("claims", claimed), ("SQL", in_sql))
        if other != in_s3
    )


def _rows_in_sql(plant: Plant) -> dict[str, int]:
    engine = create_engine(plant.telemetry)
    try:
        with engine.connect() as connection:
            if not inspect(connection).has_table("gauntlet_predictions"):
                return {}
            query = 'SELECT file_sha256, count(*), count(DISTINCT "row") FROM gauntlet_predictions GROUP BY file_sha256'
            return {sha: rows if rows == places else -rows for sha, rows, places in connection.execute(text(query))}
    finally:
        engine.dispose()


def _nothing_left(plant: Plant) -> Iterator[str]:
    """No part of an upload, no half-written file."""
    client = plant.connection.s3()
    uploads = client.list_multipart_uploads(Bucket=plant.connection.bucket).get("Uploads", [])
    yield from (f"an upload of {one['Key']} was left half-way" for one in uploads)
    yield from (f"{path} was left half-written" for path in plant.cfg.state.rglob("*.part"))
