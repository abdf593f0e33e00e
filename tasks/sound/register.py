"""What the sound gauntlet puts beside its models: names of features, configuration of the microphone, audit, reference."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

import numpy as np

from gauntlet.datasets import mimii
from gauntlet.tasks.audit import Finding
from gauntlet.tasks.models.sound_listener import SUPERVISED
from gauntlet.tasks.registry.files import parquet
from gauntlet.tasks.registry.former import Entry
from gauntlet.tasks.registry.key import work_key
from gauntlet.tasks.registry.submission import version_tags
from gauntlet.tasks.report.result import format_metric
from gauntlet.tasks.result import Row
from gauntlet.tasks.sound import figures as pictures
from gauntlet.tasks.sound.featurize.clip import FFT, HOP, MELS, RATE
from gauntlet.tasks.sound.featurize.table import SoundTable
from gauntlet.tasks.sound.load import Judgement, Trained
from gauntlet.tasks.sound.report import protocol
from gauntlet.tasks.sound.split import Split

SHARED = ("auc.png", "roc.png", "margins.png", "attribution.png", "spectrogram_abnormal.png")


def _files(
    trained: Trained, table: SoundTable, parts: Split, findings: Sequence[Finding], report: str
) -> dict[str, bytes]:
    supervised = trained.candidate == SUPERVISED
    learnt = np.arange(len(table.rows)) if supervised else np.concatenate([one.train for one in parts.parts])
    frame = table.frame().iloc[learnt].assign(abnormal=table.abnormal[learnt].astype(int))
    audit = {"findings": [asdict(one) for one in findings], "allowed": bool(findings)}
    sound = f"rate: {RATE}\nchannel: {table.channel}\nfft: {FFT}\nhop: {HOP}\nmel bands: {MELS}\n"
    given = "features: as given in the tables\n"
    cells = "\n".join(f"cell: {one.cell}" for one in parts.parts)
    return {
        "feature_names.txt": "\n".join(table.features).encode(),
        "sensor_config.txt": (
            f"dataset: {mimii.SPEC.name}\nsource: {table.source}\nsensor: microphone\n"
            f"{given if table.layout == 'tables' else sound}{cells}\n"
        ).encode(),
        "audit.json": json.dumps(audit, indent=1).encode(),
        "reference.parquet": parquet(frame),
        "report.html": report.encode(),
    }


def _description(one: Trained, row: Row, table: SoundTable, leaked: bool) -> str:
    figures = ", ".join(f"{metric} {format_metric(row, metric)}" for metric in ("auc", "pauc", "far", "mar", "f1"))
    warning = "LEAKED, NOT A RESULT. " if leaked else ""
    knows = (
        "Random forest that was told abnormal clips of the same machines; the usual benchmark, judged out of fold"
        if one.candidate == SUPERVISED
        else "Says from the features of a clip whether its machine sounds abnormal, knowing only normal sound"
    )
    return (
        f"{warning}{knows}. Data: {mimii.SPEC.title}, {table.source}, {table.found}. Protocol: {protocol(table)}. "
        f"Mean over cells: {figures}. Needs the gauntlet package to be loaded."
    )


def entries(
    table: SoundTable,
    parts: Split,
    trained: Sequence[Trained],
    judgement: Judgement,
    findings: Sequence[Finding],
    seed: int,
    false_alarm_rate: float,
    report: str,
    drawn: Mapping[str, bytes],
) -> list[Entry]:
    """The candidates as they go into the registry."""
    rows = {row.name: row for row in judgement.candidates}
    # Clips of every cell, so that the fresh process that confirms a version asks all of its detectors.
    test = np.concatenate([one.test for one in parts.parts])
    example = table.frame().iloc[test[:: max(1, len(test) // 200)]].reset_index(drop=True)
    shared = {name: drawn[name] for name in SHARED if name in drawn}
    parameters = {
        "seed": seed, "source": table.source, "channel": table.channel, "false_alarm_rate": false_alarm_rate,
    }  # fmt: skip
    return [
        Entry(
            name=one.candidate.name,
            key=work_key(table.data_hash, {**parameters, "candidate": one.candidate.name}),
            pipeline=one.pipeline,
            rows=example,
            metrics=rows[one.candidate.name].metrics,
            parameters={
                "kind": one.candidate.kind,
                "cells": len(parts.parts),
                "features": len(table.features),
                **({"false_alarm_rate": false_alarm_rate} if one.candidate != SUPERVISED else {}),
                "channel": str(table.channel),
                "seed": seed,
            },
            tags=version_tags(
                phase="detection",
                task="failure-classification" if one.candidate == SUPERVISED else "anomaly-detection",
                dataset=mimii.SPEC.name,
                sensor_type=mimii.SPEC.sensor_type,
                source=table.source,
                data_hash=table.data_hash,
                seed=seed,
                leaked=bool(findings),
            ),
            description=_description(one, rows[one.candidate.name], table, bool(findings)),
            files=_files(one, table, parts, findings, report),
            pictures={
                **shared,
                f"roc_{one.candidate.kind}.png": pictures.roc_curves(
                    one.candidate.name, judgement.answers[one.candidate.name]
                ),
            },
        )
        for one in trained
        if one.candidate.name in rows
    ]
