"""The story of runs: does the detector notice, how often does it cry wolf, and which sensors moved it?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gauntlet.datasets.skab import BEGINNING, LEADERBOARD
from gauntlet.tasks.contract import Story
from gauntlet.tasks.multivariate.evaluate import RunJudgement
from gauntlet.tasks.multivariate.featurize import Runs
from gauntlet.tasks.multivariate.setting import BUDGET, MOST_DRIFT
from gauntlet.tasks.multivariate.train import TrainedDetector
from gauntlet.tasks.report.page import Picture, Section, Table
from gauntlet.tasks.report.result import format_metric, results_table
from gauntlet.tasks.report.timeline import contribution_bars, level_bars, score_timeline

LABELLED = 34  # runs of the whole set
CHANGEPOINTS = (
    "An alarm's beginning and end are predicted changepoints. Scored as SKAB's own evaluation does it: a window of 30 s "
    "after each true changepoint; 0 is silence, 100 is perfect, a swarm of false alarms is negative."
)


def story(prepared: Runs, trained: Sequence[TrainedDetector], judgement: RunJudgement) -> Story:
    """Verdict, sections and pictures."""
    pictures = pictures_of(prepared, trained, judgement)

    def shown(*names: str) -> tuple[Picture, ...]:
        return tuple(
            Picture(pictures[f"{name}.png"], name.replace("_", " "), wide=name.startswith("timeline")) for name in names
        )

    results = results_table(judgement, prepared.gauntlet.primary_metric)
    sections = (
        Section("Results", (), (results,), shown("f1")),
        Section("Changepoints", (CHANGEPOINTS,), (_nab_table(judgement),)),
        Section("Runs over time", (), (), shown("timeline_best", "timeline_middle", "timeline_worst")),
        Section("Which sensors moved the score", (), (), shown("sensors")),
        Section("What was chosen, and on what", _choices(prepared), (_settings(trained), _drift(prepared))),
    )
    return Story(verdict(prepared, judgement), sections, pictures)


def pictures_of(prepared: Runs, trained: Sequence[TrainedDetector], judgement: RunJudgement) -> dict[str, bytes]:
    """The pictures of the report by file name: runs seen best, in the middle and worst, and the sensors in alarms."""
    best = next(fit for fit in trained if fit.candidate.name == judgement.best)
    f1 = np.array([answer.metrics["f1"] for answer in best.answers])
    order = np.argsort(-f1, kind="stable")
    pictures = {}
    for word, place in (("best", order[0]), ("middle", order[len(order) // 2]), ("worst", order[-1])):
        run, detector = prepared.rig.runs[place], best.detectors[place]
        score = detector.decision_function(run.values)
        flanks = np.flatnonzero(np.diff(np.r_[0, run.anomaly.astype(int), 0]))
        spans = [(run.seconds[a], run.seconds[b - 1]) for a, b in zip(flanks[::2], flanks[1::2], strict=True)]
        title = f"{run.name}, seen {word}: F1 {f1[place]:.2f}; the first {BEGINNING} rows train"
        pictures[f"timeline_{word}.png"] = score_timeline(run.seconds, score, detector.threshold_, spans, title)
    title = f"{best.candidate.name}: which sensors moved the score in alarms"
    pictures["sensors.png"] = contribution_bars(mean_shares(prepared, best), title)
    rows = {row.name: (row.metrics["f1"], *row.intervals["f1"]) for row in judgement.candidates}
    levels = {name: row.metrics["f1"] for name, row in judgement.baselines.items()}
    pictures["f1.png"] = level_bars(rows, levels, "F1")
    return pictures


def mean_shares(prepared: Runs, trained: TrainedDetector) -> dict[str, float]:
    """Mean share of each sensor in the rows that were flagged, over all runs."""
    parts = [
        detector.shares(run.values)[BEGINNING:][answer.flagged]
        for run, detector, answer in zip(prepared.rig.runs, trained.detectors, trained.answers, strict=True)
    ]
    flagged = np.concatenate(parts)
    shares = flagged.mean(0) if len(flagged) else np.zeros(len(trained.setting.sensors))
    return dict(zip(trained.setting.sensors, map(float, shares), strict=True))


def verdict(prepared: Runs, judgement: RunJudgement) -> tuple[str, ...]:
    """What whoever watches the rig wants to know, in sentences, first."""
    best, free = judgement.rows[judgement.best], judgement.baselines["all_positive"]
    runs, real = len(prepared.rig.runs), prepared.summary.source == "real"
    beside = f"; the best of the published leaderboard has {max(LEADERBOARD.values()):.2f}." if real else "."
    read = (
        f"{runs} of the set's {LABELLED} labelled runs were read, so that the leaderboard's figures are over more runs."
        if runs < LABELLED and real
        else f"{runs} runs were read."
    )
    return (
        f"{best.name}: F1 {format_metric(best, 'f1')}, false alarms in {best.metrics['far']:.1%} of the healthy rows, "
        f"{best.metrics['mar']:.1%} of the anomalous rows missed. Calling every row an anomaly has F1 "
        f"{free.metrics['f1']:.3f}{beside}",
        read,
        f"Changepoints: Numenta score {judgement.nab[best.name]['standard']:.1f} of 100 (standard profile).",
    )


def _nab_table(judgement: RunJudgement) -> Table:
    rows = tuple((name, *(f"{score:.1f}" for score in scores.values())) for name, scores in judgement.nab.items())
    return Table(("model", "standard", "low false alarms", "low misses"), rows)


def _choices(prepared: Runs) -> tuple[str, ...]:
    left_out = [name for name in prepared.drift.index if name not in prepared.steady]
    sensors = f"Left out: {', '.join(left_out)}." if left_out else "None was left out."
    return (
        f"A sensor that drifts by more than {MOST_DRIFT} standard deviations between the halves of a healthy beginning "
        f"says nothing about an anomaly. {sensors}",
        f"Window and margin: detectors fitted on the first half of each beginning may flag {BUDGET:.0%} of the second "
        "halves' rows; among the windows that keep this, the one that sees the smallest step in a sensor.",
        "In the code no label and no row after the beginnings takes part; the procedure itself was settled while its "
        "scores on these files were in view, so a fresh set of runs may fall below them. Four detectors are shown and "
        "the best by F1 is named champion; their figures lie within each other's intervals.",
    )


def _settings(trained: Sequence[TrainedDetector]) -> Table:
    return Table(
        ("candidate", "window [rows]", "margin", "smallest step seen [sd]"),
        tuple(
            (
                fit.candidate.name,
                str(fit.setting.window),
                f"{fit.setting.margin:.2f}",
                f"{fit.setting.smallest_step:.2f}",
            )
            for fit in trained
        ),
    )


def _drift(prepared: Runs) -> Table:
    return Table(
        ("sensor", "drift over a beginning [sd]"),
        tuple((str(name), f"{value:.2f}") for name, value in prepared.drift.items()),
    )
