"""The report of the rig gauntlet: does the detector notice, how often does it cry wolf, and which sensors spoke?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from gauntlet.datasets import skab
from gauntlet.datasets.skab import BEGINNING, SKAB
from gauntlet.tasks.audit import Finding
from gauntlet.tasks.multivariate.load import PRIMARY_METRIC, Beginnings, Detection, Judgement
from gauntlet.tasks.multivariate.setting import BUDGET, MOST_DRIFT
from gauntlet.tasks.registry.key import git_commit
from gauntlet.tasks.report.build import audit_section
from gauntlet.tasks.report.former import results_table
from gauntlet.tasks.report.page import Page, Picture, Section, Table, render
from gauntlet.tasks.report.result import format_metric
from gauntlet.tasks.report.timeline import contribution_bars, level_bars, score_timeline
from gauntlet.tasks.result import GauntletResult, InputSummary, Leakage, Quarantined

PROTOCOL = (
    f"SKAB's own: the first {BEGINNING} rows of each run train, the rest is test; F1, FAR and MAR pooled over all runs; "
    f"sensors, window and margin learnt from beginnings alone, one setting for all runs; 95 % intervals over runs"
)


def pictures_of(rig: SKAB, detections: Sequence[Detection], judgement: Judgement) -> dict[str, bytes]:
    """The pictures of the report by file name: runs seen best, in the middle and worst, and the sensors that spoke."""
    best = next(one for one in detections if one.name == judgement.best)
    f1 = np.array([answer.metrics["f1"] for answer in best.answers])
    order = np.argsort(-f1, kind="stable")
    drawn = {}
    for word, place in (("best", order[0]), ("middle", order[len(order) // 2]), ("worst", order[-1])):
        run = rig.runs[place]
        score = best.detectors[place].decision_function(run.values)
        flanks = np.flatnonzero(np.diff(np.r_[0, run.anomaly.astype(int), 0]))
        spans = [(run.seconds[a], run.seconds[b - 1]) for a, b in zip(flanks[::2], flanks[1::2], strict=True)]
        title = f"{run.name}, seen {word}: F1 {f1[place]:.2f}; the first {BEGINNING} rows train"
        drawn[f"timeline_{word}.png"] = score_timeline(run.seconds, score, 1.0, spans, title)
    drawn["sensors.png"] = contribution_bars(spoke(rig, best), f"{best.name}: which sensors spoke in alarms")
    rows = {row.name: (row.metrics["f1"], *row.intervals["f1"]) for row in judgement.candidates}
    drawn["f1.png"] = level_bars(rows, {row.name: row.metrics["f1"] for row in judgement.baselines}, "F1")
    return drawn


def spoke(rig: SKAB, one: Detection) -> dict[str, float]:
    """Mean share of each sensor in the rows that were flagged, over all runs."""
    parts = [
        detector.contributions(run.values)[BEGINNING:][answer.flagged]
        for run, detector, answer in zip(rig.runs, one.detectors, one.answers, strict=True)
    ]
    flagged = np.concatenate(parts)
    shares = flagged.mean(0) if len(flagged) else np.zeros(len(one.setting.sensors))
    return dict(zip(one.setting.sensors, map(float, shares), strict=True))


def _verdict(rig: SKAB, judgement: Judgement, leaked: bool) -> tuple[str, ...]:
    best = next(row for row in judgement.candidates if row.name == judgement.best)
    free = next(row for row in judgement.baselines if row.name == "all_positive")
    if leaked:
        return ("These figures are leaked: see the audit. They say nothing about a machine.",)
    return (
        f"{best.name}: F1 {format_metric(best, 'f1')}, false alarms in {best.metrics['far']:.1%} of the healthy rows, "
        f"{best.metrics['mar']:.1%} of the anomalous rows missed. Calling every row an anomaly has F1 "
        f"{free.metrics['f1']:.3f}"
        + (f"; the best of the published leaderboard has {max(skab.LEADERBOARD.values()):.2f}." if rig.source == "real" else "."),
        f"{len(rig.runs)} of the set's 34 labelled runs were read, so that the leaderboard's figures are over more runs."
        if len(rig.runs) < 34 and rig.source == "real" else f"{len(rig.runs)} runs were read.",
        f"Changepoints: Numenta score {judgement.nab[best.name]['standard']:.1f} of 100 (standard profile).",
        *(("The data are simulated: this shows that the pipeline works, not how your machine will do.",)
          if rig.source == "simulated" else ()),
    )  # fmt: skip


def result(rig: SKAB, judgement: Judgement, findings: Sequence[Finding], seed: int) -> GauntletResult:
    """The result as far as the figures go; versions, champion and timings come with the registration."""
    nab = tuple(
        {"group": {"profile": profile, "question": "changepoint"}, "model": name, "metrics": {"nab": score}}
        for name, scores in judgement.nab.items()
        for profile, score in scores.items()
    )
    return GauntletResult(
        gauntlet=skab.SPEC.name,
        source=rig.source,
        data_hash=rig.sha256,
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
        input=InputSummary(
            files=len(rig.runs), rows=rig.rows, bytes=rig.bytes,
            quarantined=tuple(Quarantined(file, reason) for file, reason in rig.quarantined),
        ),
        report="",
        cells=judgement.cells + nab,
        verdict=_verdict(rig, judgement, bool(findings)),
    )  # fmt: skip


def write(
    rig: SKAB,
    beginnings: Beginnings,
    detections: Sequence[Detection],
    judgement: Judgement,
    told: GauntletResult,
    drawn: Mapping[str, bytes],
    facts: Sequence[tuple[str, str]],
) -> str:
    """The whole report as HTML."""

    def shown(*names: str) -> tuple[Picture, ...]:
        return tuple(
            Picture(drawn[f"{name}.png"], name.replace("_", " "), wide=name.startswith("timeline")) for name in names
        )

    page = Page(
        title="SKAB: does it notice the anomaly?",
        subtitle=f"{len(rig.runs)} runs, {rig.rows:,} rows · {PROTOCOL}",
        source=rig.source,
        leaked=told.leakage.leaked,
        verdict=told.verdict,
        sections=(
            Section("Results", (), (results_table(told),), shown("f1")),
            Section("Changepoints", (_NAB,), (_nab_table(judgement),)),
            Section("Runs over time", (), (), shown("timeline_best", "timeline_middle", "timeline_worst")),
            Section("Which sensors spoke", (), (), shown("sensors")),
            Section("What was chosen, and on what", _choices(beginnings), (_settings(detections), _drift(beginnings))),
            audit_section(told.leakage),
        ),
        facts=(
            ("data", f"{rig.source}, sha256 {rig.sha256}"),
            ("licence", skab.SPEC.licence),
            ("seed", str(told.seed)),
            ("code", git_commit()),
            *facts,
        ),
    )
    return render(page)


_NAB = (
    "An alarm's beginning and end are predicted changepoints. Scored as SKAB's own evaluation does it: a window of 30 s "
    "after each true changepoint; 0 is silence, 100 is perfect, a swarm of false alarms is negative."
)


def _nab_table(judgement: Judgement) -> Table:
    rows = tuple((name, *(f"{score:.1f}" for score in scores.values())) for name, scores in judgement.nab.items())
    return Table(("model", "standard", "low false alarms", "low misses"), rows)


def _choices(beginnings: Beginnings) -> tuple[str, ...]:
    left_out = [name for name in beginnings.drift.index if name not in beginnings.steady]
    said = f"Left out: {', '.join(left_out)}." if left_out else "None was left out."
    return (
        f"A sensor that drifts by more than {MOST_DRIFT} standard deviations between the halves of a healthy beginning "
        f"says nothing about an anomaly. {said}",
        f"Window and margin: detectors fitted on the first half of each beginning may flag {BUDGET:.0%} of the second "
        "halves' rows; among the windows that keep this, the one that sees the smallest step in a sensor.",
        "In the code no label and no row after the beginnings takes part; the procedure itself was settled while its scores "
        "on these files were in view, so a fresh set of runs may fall below them. Four detectors are shown and the best by F1 is named "
        "champion; their figures lie within each other's intervals.",
    )


def _settings(detections: Sequence[Detection]) -> Table:
    return Table(
        ("candidate", "window [rows]", "margin", "smallest step seen [sd]"),
        tuple(
            (one.name, str(one.setting.window), f"{one.setting.margin:.2f}", f"{one.setting.smallest_step:.2f}")
            for one in detections
        ),
    )


def _drift(beginnings: Beginnings) -> Table:
    return Table(
        ("sensor", "drift over a beginning [sd]"),
        tuple((str(name), f"{value:.2f}") for name, value in beginnings.drift.items()),
    )
