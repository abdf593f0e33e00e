"""What is known of each bearing beyond its alarm: the failing element, remaining life; the result per bearing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from gauntlet.tasks.alarms.rule import Verdict
from gauntlet.tasks.vibration.assemble import PreparedLives
from gauntlet.tasks.vibration.diagnosis.evidence import RunEvidence, examine
from gauntlet.tasks.vibration.evaluate import AlarmJudgement
from gauntlet.tasks.vibration.featurize.table import FeatureTable
from gauntlet.tasks.vibration.lives import Life
from gauntlet.tasks.vibration.remaining_life.evaluate import RemainingLife, cells_of, remaining_life, rows_of


@dataclass(frozen=True, eq=False, kw_only=True)
class MachineJudgement(AlarmJudgement):
    """`evidence`: what raw signals say at the end, by run. `remaining`: None where too few failed to leave one out."""

    evidence: tuple[RunEvidence, ...]
    remaining: RemainingLife | None


def diagnose(table: FeatureTable, prepared: PreparedLives, judgement: AlarmJudgement) -> RunEvidence:
    """The evidence of one run, of the bearings that the best candidate alarms for."""
    return examine(table, prepared.lives, judgement.verdicts, prepared.gauntlet)


def estimate(prepared: PreparedLives, judgement: AlarmJudgement) -> RemainingLife | None:
    """How long each bearing lasts after its alarm, by what the others taught; None where this set is not asked."""
    if not prepared.gauntlet.remaining_life or not prepared.lives:
        return None
    return remaining_life(prepared.lives, judgement.verdicts)


def judge_machines(
    prepared: PreparedLives, judgement: AlarmJudgement, evidence: Sequence[RunEvidence], remaining: RemainingLife | None
) -> MachineJudgement:
    """The judgement with all that is known of each bearing."""
    models, naive = rows_of(prepared.gauntlet.name, remaining) if remaining is not None else ((), ())
    known = {field.name: getattr(judgement, field.name) for field in fields(AlarmJudgement)}
    return MachineJudgement(
        **{
            **known,
            "candidates": (*judgement.candidates, *models),
            "baselines": {**judgement.baselines, **{row.name: row for row in naive}},
            "machines": machines_of(prepared, judgement.verdicts, evidence, remaining),
            "cells": cells_of(remaining) if remaining is not None else None,
        },
        evidence=tuple(evidence),
        remaining=remaining,
    )


def machines_of(
    prepared: PreparedLives,
    verdicts: Mapping[str, Verdict],
    evidence: Sequence[RunEvidence],
    remaining: RemainingLife | None,
) -> tuple[dict[str, Any], ...]:
    """Every bearing: onset, failure, lead time, false alarms, element, remaining life when the alarm was raised.

    A bearing of a run with too few snapshots for an alarm has only its diagnosis, and `basis` "none".
    """
    known = {(life.run, life.unit): life for life in prepared.lives}
    diagnosed = {(one.run.name, unit): found for one in evidence for unit, found in one.diagnoses.items()}
    names = dict.fromkeys([*((run.name, unit) for run in prepared.data.runs for unit in run.units), *known])
    told = []
    for run, unit in sorted(names, key=lambda name: name[0]):
        life, found = known.get((run, unit)), diagnosed.get((run, unit))
        entry: dict[str, Any] = {"run": run, "unit": unit, "basis": life.basis if life else "none"}
        said = verdicts[life.machine] if life else None
        entry |= _alarm(life, said)
        entry["diagnosis"] = None
        if found is not None:
            quiet = said is not None and (said.onset is None or said.crosstalk_of is not None)
            # Lines in a bearing without an alarm of its own reach it through the shaft, or are as old as the bearing.
            element = None if quiet else found.element
            entry["diagnosis"] = {"element": element, "confidence": found.confidence, "evidence": list(found.evidence)}
        if remaining is not None and life is not None and life.machine in remaining.at_alarm:
            at = remaining.at_alarm[life.machine]
            entry["rul"] = {
                "estimate_h": at.estimate_s / 3600,
                "low_h": at.low_s / 3600,
                "high_h": at.high_s / 3600,
            }
        told.append(entry)
    return tuple(told)


def _alarm(life: Life | None, said: Verdict | None) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "onset": None,
        "failure": None,
        "lead_time_h": None,
        "false_alarms": 0,
        "false_alarms_per_week": None,
        "published_onset": life.truth.onset if life and life.truth else None,
    }
    if life is None or said is None:
        return entry
    last = len(life.rows) - 1
    if life.ended:
        entry["failure"] = {"index": int(life.index[last]), "time": life.time(last)} if life.truth else None
    entry |= {"false_alarms": said.false_alarms, "false_alarms_per_week": said.false_alarms_per_week}
    if said.onset is not None and said.raised is not None:
        entry["onset"] = {"index": int(life.index[said.onset]), "time": life.time(said.onset)}
        entry["lead_time_h"] = float(life.seconds[last] - life.seconds[said.raised]) / 3600
        if said.crosstalk_of:
            entry["crosstalk_of"] = said.crosstalk_of
    return entry
