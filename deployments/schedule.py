"""Which deployment runs what and when, as the rows of prefect.yaml. `make docs` inserts them, `make lint` checks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from textwrap import indent, wrap
from typing import Any

from gauntlet.tasks.gauntlet import Gauntlet
from gauntlet.tasks.gauntlets import GAUNTLETS, IN_LOOP

WIDTH = 120
ENTERS = "The best becomes champion the first time, challenger later."


@dataclass(frozen=True)
class Row:
    """A deployment. `cron` in UTC, "" for one that runs when it is asked to; `slug`: how often, in a word."""

    name: str
    flow: str
    description: str
    tags: tuple[str, ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    cron: str = ""
    slug: str = ""
    alone: bool = False
    more: str = ""


ON_DRIFT = """\
triggers:
  - type: event
    name: gauntlet-drift-retrain
    description: An operating change retrains; degradation and faults only alert.
    posture: Reactive
    threshold: 1
    within: 0
    for_each: ["prefect.resource.id"]
    match:
      prefect.resource.id: "gauntlet.model.*"
      gauntlet.verdict: operating_change
    expect: ["gauntlet.drift.detected"]
    parameters:
      gauntlet: "{{ event.payload.gauntlet }}"
      verdict: "{{ event.payload.verdict }}"
      reason: "{{ event.payload.evidence[0] }}"
      requested_by: "drift check {{ event.id | string }}"
"""


def _train(gauntlet: Gauntlet) -> Row:
    return Row(
        f"{gauntlet.name}-train-weekly",
        gauntlet.name,
        f"{gauntlet.purpose} {ENTERS}",
        (gauntlet.name,),
        {"source": "auto", "seed": 7},
        gauntlet.cron,
        "weekly",
        alone=True,
    )


def _score(name: str) -> Row:
    return Row(
        f"{name}-score-hourly",
        "score",
        "Scores the files that are new in the gauntlet's `incoming` folder with the champion, each once, by its content.",
        ("loop", "score"),
        {"gauntlet": name},
        "15 * * * *",
        "hourly",
    )


def _drift_check(name: str) -> Row:
    return Row(
        f"{name}-drift-check-six-hourly",
        "drift_check",
        "Compares the newest scored rows with what the champion knows as healthy, says what is to be done, and emits "
        "`gauntlet.drift.detected`. Only an operating change or a closed work order retrains; a failing machine never does.",
        ("loop", "drift"),
        {"gauntlet": name},
        "0 */6 * * *",
        "six-hourly",
    )


LOOP = (
    Row(
        "retrain-on-drift",
        "retrain",
        "Retrains on an operating change that the drift check found. Policy, cooldown and the claim decide whether it may.",
        ("loop", "retrain"),
        more=ON_DRIFT,
    ),
    Row(
        "retrain-on-request",
        "retrain",
        "Retrains because a person or a system asks for it, by hand or by the webhook `POST /hooks/retrain`.",
        ("loop", "retrain"),
    ),
    Row(
        "retrain-on-maintenance",
        "retrain",
        "Re-baselines after a work order was closed, by the webhook `POST /hooks/maintenance`.",
        ("loop", "retrain"),
        {"verdict": "maintenance"},
    ),
    Row(
        "promote-by-hand",
        "promote",
        "Compares challenger and champion on the frozen evaluation set and moves the alias, or gives it back to the "
        "previous one.",
        ("loop", "promote"),
    ),
    Row(
        "reap-five-minutely",
        "reap",
        "Frees the claims of workers that died.",
        ("loop",),
        cron="*/5 * * * *",
        slug="five-minutely",
    ),
    Row(
        "validate-registry-daily",
        "validate_registry",
        "Loads every version with an alias, asks it its own example, looks for its files in S3, and writes the S3 map.",
        ("loop",),
        cron="0 2 * * *",
        slug="daily",
    ),
    Row(
        "selftest-nightly",
        "selftest",
        "Every fault after every act of the loop, on servers, models and files of its own; fails where something is lost "
        "or there twice.",
        ("loop",),
        cron="30 0 * * *",
        slug="nightly",
    ),
    Row(
        "housekeeping-weekly",
        "housekeeping",
        "Removes flow runs, with their logs and artifacts, that ended longer ago than a stated age.",
        ("loop",),
        {"days": 30},
        "30 4 * * 0",
        "weekly",
    ),
)


def rows() -> tuple[Row, ...]:
    """Every deployment: each gauntlet's training, scoring and drift checks of those in the loop, the loop's own."""
    return (
        *(_train(gauntlet) for gauntlet in GAUNTLETS.values()),
        *(_score(name) for name in IN_LOOP),
        *(_drift_check(name) for name in IN_LOOP),
        *LOOP,
    )


def deployments_yaml() -> str:
    """The rows as YAML, below `deployments:`."""
    return "\n".join(_yaml(row) for row in rows())


def _yaml(row: Row) -> str:
    lines = [
        f"name: {row.name}",
        f"entrypoint: gauntlet.flows.{row.flow}.{row.flow}",
        "description: |",
        *(f"  {line}" for line in wrap(row.description, WIDTH, break_on_hyphens=False)),
        f"tags: [{', '.join(('gauntlet', *row.tags))}]",
    ]
    if row.parameters:
        lines.append(f"parameters: {json.dumps(dict(row.parameters))}")
    lines.append("work_pool: *local")
    if row.cron:
        lines += ["schedules:", f'  - {{cron: "{row.cron}", timezone: UTC, slug: {row.slug}}}']
    if row.alone:
        lines.append("concurrency_limit: 1")
    lines += row.more.splitlines()
    return f"  - {lines[0]}\n" + indent("\n".join(lines[1:]), "    ") + "\n"
