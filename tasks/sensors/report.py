"""The reports of the sensor gauntlets: which alarms can be believed, and are the data worth training on?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gauntlet.tasks.audit import Finding
from gauntlet.tasks.models.stream_detector import FOREST_SOUND
from gauntlet.tasks.registry.key import git_commit
from gauntlet.tasks.report.build import audit_section
from gauntlet.tasks.report.former import results_table
from gauntlet.tasks.report.page import Page, Picture, Section, Table, render
from gauntlet.tasks.report.result import format_metric
from gauntlet.tasks.result import GauntletResult, InputSummary, Leakage
from gauntlet.tasks.sensors import figures
from gauntlet.tasks.sensors.evaluate import BLOCK_H, GAP_H, TAIL_H
from gauntlet.tasks.sensors.load import LEARNT, PRIMARY_METRIC, Judgement, StreamGauntlet, Streams
from gauntlet.tasks.sensors.quality import CLEAN, QualityReport, sensor_rows

PROTOCOL = (
    f"learnt from the first {LEARNT:.0%} of each sensor (NAB: its probation, 750 rows at most), limits included: the forest's "
    f"leaves {1 - FOREST_SOUND:.1%} of the sound rows above it; every later row by rows before it only, missing readings "
    f"carried forward and never filled back; by event, flags within {GAP_H:g} h are one alarm, an alarm up to {TAIL_H:g} h "
    f"behind a fault is neither hit nor false; 95 % bootstrap intervals over blocks of {BLOCK_H / 24:g} days of a sensor"
)
PANELS = 5


def result(
    gauntlet: StreamGauntlet,
    streams: Streams,
    judgement: Judgement,
    quality: QualityReport | None,
    findings: Sequence[Finding],
    seed: int,
) -> GauntletResult:
    """The result as far as the figures go; versions, champion and timings come with the registration."""
    return GauntletResult(
        gauntlet=gauntlet.name,
        source=streams.source,
        data_hash=streams.sha256,
        seed=seed,
        protocol=PROTOCOL,
        leakage=Leakage(tuple(findings), allowed=bool(findings)),
        primary_metric=PRIMARY_METRIC,
        candidates=judgement.candidates,
        baselines=judgement.baselines,
        best=judgement.best,
        champion=None,
        registered=(),
        timings_s={},
        input=InputSummary(files=1, rows=len(streams.frame), bytes=streams.bytes),
        report="",
        cells=(*judgement.cells, *(quality.cells() if quality else ())),
        verdict=verdict(streams, judgement, quality, bool(findings)),
    )


def verdict(
    streams: Streams, judgement: Judgement, quality: QualityReport | None, leaked: bool
) -> tuple[str, ...]:  # fmt: skip
    """What whoever watches the sensors wants to know, in sentences, first."""
    if leaked:
        return ("These figures are leaked: they say nothing about a sensor, and no version can become champion.",)
    sentences = _quality_sentences(quality) if quality else []
    if judgement.stated:
        sentences += _alarm_sentences(streams, judgement)
    else:
        sentences.append("Nobody labelled the faults of these sensors, so no share of hits or false alarms is stated.")
    if streams.source == "simulated":
        sentences.append("The data are simulated: this shows that the pipeline works, not how your machine will do.")
    return tuple(sentences)


def _alarm_sentences(streams: Streams, judgement: Judgement) -> list[str]:
    best = next(row for row in judgement.candidates if row.name == judgement.best)
    events = sum(len(one.events) for one in streams.watched())
    simple = judgement.baselines[1]
    rate = best.metrics["false_alarms_per_week"]
    told = [
        f"{best.name} finds {round(best.metrics['recall'] * events)} of {events} faults, at {rate:.2f} false alarms per "
        f"sensor and week; F1 by event {format_metric(best, 'f1')}.",
        f"{simple.name}, which needs no model, has F1 {format_metric(simple, 'f1')}.",
    ]
    if simple.metrics["f1"] >= best.metrics["f1"]:
        told.append(f"On these data no candidate beats {simple.name}: do not trust the models' alarms here.")
    told += [
        f"NAB's score ({cell['group']['profile']} profile) of {cell['model']}: {cell['metrics']['nab_score']:.1f}; 0 is "
        "no alarm at all, 100 perfect."
        for cell in _cells(judgement)
        if "profile" in cell["group"] and cell["model"] == best.name and cell["group"]["profile"] == "standard"
    ]
    return told


def _quality_sentences(quality: QualityReport) -> list[str]:
    worst = min(quality.beginning, key=lambda sensor: quality.beginning[sensor].score)
    what = "clean" if quality.score > CLEAN else f"below the {CLEAN:g} % of clean data"
    told = [
        f"Data quality score of the beginnings {quality.score:.1f} %: {what}; worst {worst} with "
        f"{quality.beginning[worst].score:.1f} %."
    ]
    if quality.injected:
        told.append(
            f"Faults of known share, put into clean readings, lower it by that share, to {quality.furthest:.2f} points."
        )
    return told


def _cells(judgement: Judgement) -> list[Mapping[str, Any]]:
    return list(judgement.cells)


def pictures_of(streams: Streams, judgement: Judgement, quality: QualityReport | None) -> dict[str, bytes]:
    """The pictures of the report by file name."""
    drawn = {"streams.png": figures.streams(_panels(streams, judgement))}
    kinds: dict[str, dict[str, float]] = {}
    delays: dict[str, dict[str, float]] = {}
    for cell in _cells(judgement):
        if "kind" in cell["group"]:
            kinds.setdefault(cell["group"]["kind"], {})[cell["model"]] = cell["metrics"]["recall"]
            delays.setdefault(cell["group"]["kind"], {})[cell["model"]] = cell["metrics"]["delay_h"]
    if kinds:
        drawn["recall_by_kind.png"] = figures.bars(kinds, "recall by event")
        drawn["delay_by_kind.png"] = figures.bars(delays, "median delay [h]")
    rates = {row.name: row.metrics for row in (*judgement.candidates, *judgement.baselines)}
    if judgement.stated:
        table = {one: {name: m[one] for name, m in rates.items()} for one in ("f1", "precision", "recall")}
        drawn["by_event.png"] = figures.bars(table, "by event")
    if quality and quality.injected:
        expected = np.array([one.expected for one in quality.injected])
        measured = np.array([one.after for one in quality.injected])
        drawn["quality.png"] = figures.scatter(expected, measured, [one.fault for one in quality.injected])
    return drawn


def _panels(streams: Streams, judgement: Judgement) -> list[figures.StreamPanel]:
    """The sensors with the most labelled faults."""
    most = sorted(streams.sensors, key=lambda sensor: -len(streams.events[sensor]))[:PANELS]
    panels = []
    for sensor in sorted(most):
        rows, cut = streams.of(sensor), streams.learnt[sensor]
        days = (rows["timestamp"] - rows["timestamp"].min()).to_numpy() / np.timedelta64(1, "D")
        flagged = np.concatenate([np.zeros(cut, bool), judgement.flags[judgement.best][sensor]])
        faults = tuple((float(days[first]), float(days[last])) for first, last, _ in streams.events[sensor])
        title = " ".join(str(streams.configuration.get(sensor, {}).get(name, "")) for name in ("quantity", "unit"))
        panels.append(
            figures.StreamPanel(
                f"{sensor} {title}".strip(),
                days,
                rows["value"].to_numpy(),
                faults,
                flagged,
                days[min(cut, len(days) - 1)],
            )
        )
    return panels


def write(
    gauntlet: StreamGauntlet,
    streams: Streams,
    judgement: Judgement,
    quality: QualityReport | None,
    told: GauntletResult,
    drawn: Mapping[str, bytes],
    facts: Sequence[tuple[str, str]],
) -> str:
    """The whole report as HTML."""

    def shown(*names: str) -> tuple[Picture, ...]:
        return tuple(Picture(drawn[f"{name}.png"], name.replace("_", " "), name == "streams")
                     for name in names if f"{name}.png" in drawn)  # fmt: skip

    page = Page(
        title=gauntlet.title,
        subtitle=f"{len(streams.sensors)} sensors, {len(streams.frame):,} rows of {streams.spec.title} · {PROTOCOL}",
        source=told.source,
        leaked=told.leakage.leaked,
        verdict=told.verdict,
        sections=(
            Section("Results", (), (_results(told),), shown("by_event")),
            *_kinds(judgement, shown("recall_by_kind", "delay_by_kind")),
            Section("The sensors", (), (_table(sensor_rows(streams)),), shown("streams")),
            *_quality(quality, shown("quality")),
            audit_section(told.leakage),
        ),
        facts=(
            ("data", f"{streams.path.name}, {streams.source}, sha256 {streams.sha256}"),
            ("seed", str(told.seed)),
            ("code", git_commit()),
            *facts,
        ),
    )
    return render(page)


def _results(told: GauntletResult) -> Table:
    caption = (
        "f1, precision, recall, false_alarms_per_week by event; far, mar, pr_auc, roc_auc by row. naive: never alarms."
    )
    return results_table(told, caption)


def _table(rows: Sequence[Mapping[str, str]], caption: str = "") -> Table:
    return Table(tuple(rows[0]), tuple(tuple(row.values()) for row in rows), (), caption)


def _kinds(judgement: Judgement, drawn: tuple[Picture, ...]) -> tuple[Section, ...]:
    rows = [
        {
            "by": ", ".join(f"{name} {value}" for name, value in cell["group"].items()),
            "model": cell["model"],
            **{name: f"{cell['metrics'][name]:.2f}" if np.isfinite(cell["metrics"].get(name, np.nan)) else "–"
               for name in ("recall", "delay_h", "nab_score")},
        }
        for cell in _cells(judgement)
    ]  # fmt: skip
    return (Section("By kind of fault", (), (_table(rows),), drawn),) if rows else ()


def _quality(quality: QualityReport | None, drawn: tuple[Picture, ...]) -> tuple[Section, ...]:
    if quality is None:
        return ()
    cells: list[Mapping[str, Any]] = list(quality.cells())
    injected = [
        {"fault": cell["group"]["fault"], "share": f"{cell['group']['share']:.0%}",
         **{name: f"{value:.2f}" for name, value in cell["metrics"].items()}}
        for cell in cells
    ]  # fmt: skip
    tables: tuple[Table, ...] = (
        _table(quality.rows(), "percent of the expected readings, of the beginning that was learnt from"),
    )
    if injected:
        tables += (_table(injected, "mean over sensors, percent; expected: the score before less the injected share"),)
    return (Section("Data quality", (), tables, drawn),)
