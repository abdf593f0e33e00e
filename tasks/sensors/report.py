"""The story of sensor streams: which alarms can be believed, and are the data worth training on?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gauntlet.tasks.contract import Story
from gauntlet.tasks.report.page import Picture, Section, Table
from gauntlet.tasks.report.result import format_metric, results_table
from gauntlet.tasks.sensors import figures
from gauntlet.tasks.sensors.evaluate import StreamJudgement
from gauntlet.tasks.sensors.featurize import Readings
from gauntlet.tasks.sensors.load import Streams
from gauntlet.tasks.sensors.quality import CLEAN, QualityReport, sensor_rows
from gauntlet.tasks.sensors.train import TrainedStreamDetector

RESULTS_CAPTION = (
    "f1, precision, recall, false_alarms_per_week by event; far, mar, pr_auc, roc_auc by row. naive: never alarms."
)
PANELS = 5


def story(prepared: Readings, _trained: Sequence[TrainedStreamDetector], judgement: StreamJudgement) -> Story:
    """Verdict, sections and pictures."""
    streams, quality = prepared.streams, prepared.quality
    pictures = pictures_of(streams, judgement, quality)

    def shown(*names: str) -> tuple[Picture, ...]:
        return tuple(
            Picture(pictures[f"{name}.png"], name.replace("_", " "), name == "streams")
            for name in names
            if f"{name}.png" in pictures
        )

    results = results_table(judgement, prepared.gauntlet.primary_metric, RESULTS_CAPTION)
    sections = (
        Section("Results", (), (results,), shown("by_event")),
        *_kinds(judgement, shown("recall_by_kind", "delay_by_kind")),
        Section("The sensors", (), (_table(sensor_rows(streams)),), shown("streams")),
        *_quality(quality, shown("quality")),
    )
    return Story(verdict(prepared, judgement), sections, pictures)


def verdict(prepared: Readings, judgement: StreamJudgement) -> tuple[str, ...]:
    """What whoever watches the sensors wants to know, in sentences, first."""
    sentences = _quality_sentences(prepared.quality) if prepared.quality else []
    if judgement.stated:
        sentences += _alarm_sentences(prepared, judgement)
    else:
        sentences.append("Nobody labelled the faults of these sensors, so no share of hits or false alarms is stated.")
    return tuple(sentences)


def _alarm_sentences(prepared: Readings, judgement: StreamJudgement) -> list[str]:
    best, simple = judgement.rows[judgement.best], judgement.baselines[prepared.gauntlet.simple]
    events = sum(len(stream.events) for stream in prepared.streams.watched())
    rate = best.metrics["false_alarms_per_week"]
    sentences = [
        f"{best.name} finds {round(best.metrics['recall'] * events)} of {events} faults, at {rate:.2f} false alarms per "
        f"sensor and week; F1 by event {format_metric(best, 'f1')}.",
        f"{simple.name}, which needs no model, has F1 {format_metric(simple, 'f1')}.",
    ]
    if simple.metrics["f1"] >= best.metrics["f1"]:
        sentences.append(f"On these data no candidate beats {simple.name}: do not trust the models' alarms here.")
    sentences += [
        f"NAB's score ({cell['group']['profile']} profile) of {cell['model']}: {cell['metrics']['nab_score']:.1f}; 0 is "
        "no alarm at all, 100 perfect."
        for cell in _cells(judgement)
        if "profile" in cell["group"] and cell["model"] == best.name and cell["group"]["profile"] == "standard"
    ]
    return sentences


def _quality_sentences(quality: QualityReport) -> list[str]:
    worst = min(quality.beginning, key=lambda sensor: quality.beginning[sensor].score)
    what = "clean" if quality.score > CLEAN else f"below the {CLEAN:g} % of clean data"
    sentences = [
        f"Data quality score of the beginnings {quality.score:.1f} %: {what}; worst {worst} with "
        f"{quality.beginning[worst].score:.1f} %."
    ]
    if quality.injected:
        sentences.append(
            f"Faults of known share, put into clean readings, lower it by that share, to {quality.furthest:.2f} points."
        )
    return sentences


def _cells(judgement: StreamJudgement) -> list[Mapping[str, Any]]:
    return [cell for cell in judgement.cells or () if cell["model"] != "data_quality"]


def pictures_of(streams: Streams, judgement: StreamJudgement, quality: QualityReport | None) -> dict[str, bytes]:
    """The pictures of the report by file name."""
    pictures = {"streams.png": figures.streams(_panels(streams, judgement))}
    kinds: dict[str, dict[str, float]] = {}
    delays: dict[str, dict[str, float]] = {}
    for cell in _cells(judgement):
        if "kind" in cell["group"]:
            kinds.setdefault(cell["group"]["kind"], {})[cell["model"]] = cell["metrics"]["recall"]
            delays.setdefault(cell["group"]["kind"], {})[cell["model"]] = cell["metrics"]["delay_h"]
    if kinds:
        pictures["recall_by_kind.png"] = figures.bars(kinds, "recall by event")
        pictures["delay_by_kind.png"] = figures.bars(delays, "median delay [h]")
    rates = {name: row.metrics for name, row in judgement.rows.items()}
    if judgement.stated:
        table = {one: {name: m[one] for name, m in rates.items()} for one in ("f1", "precision", "recall")}
        pictures["by_event.png"] = figures.bars(table, "by event")
    if quality and quality.injected:
        expected = np.array([fault.expected for fault in quality.injected])
        measured = np.array([fault.after for fault in quality.injected])
        pictures["quality.png"] = figures.scatter(expected, measured, [fault.fault for fault in quality.injected])
    return pictures


def _panels(streams: Streams, judgement: StreamJudgement) -> list[figures.StreamPanel]:
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


def _table(rows: Sequence[Mapping[str, str]], caption: str = "") -> Table:
    return Table(tuple(rows[0]), tuple(tuple(row.values()) for row in rows), (), caption)


def _kinds(judgement: StreamJudgement, pictures: tuple[Picture, ...]) -> tuple[Section, ...]:
    rows = [
        {
            "by": ", ".join(f"{name} {value}" for name, value in cell["group"].items()),
            "model": cell["model"],
            **{
                name: f"{cell['metrics'][name]:.2f}" if np.isfinite(cell["metrics"].get(name, np.nan)) else "–"
                for name in ("recall", "delay_h", "nab_score")
            },
        }
        for cell in _cells(judgement)
    ]
    return (Section("By kind of fault", (), (_table(rows),), pictures),) if rows else ()


def _quality(quality: QualityReport | None, pictures: tuple[Picture, ...]) -> tuple[Section, ...]:
    if quality is None:
        return ()
    cells: list[Mapping[str, Any]] = list(quality.cells())
    injected = [
        {
            "fault": cell["group"]["fault"],
            "share": f"{cell['group']['share']:.0%}",
            **{name: f"{value:.2f}" for name, value in cell["metrics"].items()},
        }
        for cell in cells
    ]
    tables: tuple[Table, ...] = (
        _table(quality.rows(), "percent of the expected readings, of the beginning that was learnt from"),
    )
    if injected:
        tables += (_table(injected, "mean over sensors, percent; expected: the score before less the injected share"),)
    return (Section("Data quality", (), tables, pictures),)
