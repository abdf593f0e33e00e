"""The report of the vibration gauntlets: which bearing, which element, since when, and how much to believe it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from gauntlet.tasks.alarms.rule import WEEK_S
from gauntlet.tasks.contract import Story
from gauntlet.tasks.metrics.lives import Outcome
from gauntlet.tasks.report.page import Picture, Section, Table
from gauntlet.tasks.report.result import results_table
from gauntlet.tasks.result import Quarantined
from gauntlet.tasks.vibration.assemble import PreparedLives
from gauntlet.tasks.vibration.diagnosis.evidence import RunEvidence, place
from gauntlet.tasks.vibration.evaluate import CALENDAR_SHARE, outcomes
from gauntlet.tasks.vibration.lives import Life
from gauntlet.tasks.vibration.machines import MachineJudgement
from gauntlet.tasks.vibration.pictures import pictures_of
from gauntlet.tasks.vibration.remaining_life.evaluate import RemainingLife, cells_of
from gauntlet.tasks.vibration.train import TrainedHealth

CAPTION = (
    "By bearing lives. rms_5_sigma: level past mean + 5 standard deviations of the healthy beginning, six in a row. "
    f"calendar: replaced at {CALENDAR_SHARE:.0%} of the other bearings' mean life. lead_time_h and onset_error: medians "
    "over the announced failures."
)


def story(prepared: PreparedLives, trained: Sequence[TrainedHealth], judgement: MachineJudgement) -> Story:
    """Verdict, sections and pictures."""
    pictures = pictures_of(prepared.lives, trained, judgement)
    return Story(verdict(prepared, judgement), sections(prepared, judgement, pictures), pictures)


def verdict(prepared: PreparedLives, judgement: MachineJudgement) -> tuple[str, ...]:
    """What a planner wants to know, in sentences, first."""
    machines, lives = judgement.machines or (), prepared.lives
    sentences = [
        _alarm_sentence(machine)
        for machine in machines
        if machine["onset"] is not None and not machine.get("crosstalk_of")
    ]
    sentences += [_line_sentence(machine) for machine in machines if _named_only(machine)]
    if not sentences:
        sentences = ["No bearing raises an alarm and none shows the lines of a fault."]
    shown = sentences[:6] + ([f"And {len(sentences) - 6} more, in the table below."] if len(sentences) > 6 else [])
    return (*shown, *_worth(lives, judgement), *_basis(lives))


def _alarm_sentence(machine: Mapping[str, Any]) -> str:
    since = _moment(machine["onset"])
    element = machine["diagnosis"]["element"] if machine["diagnosis"] else None
    what = f"{element} race" if element in ("inner", "outer") else element
    named = (
        f"{what}, confidence {machine['diagnosis']['confidence']:.2f}"
        if element not in (None, "unknown")
        else "element unknown"
    )
    lead = f", {_span(machine['lead_time_h'])} before the end" if machine["failure"] else ""
    return f"{_place(machine)}: {named}, since {since}{lead}."


def _named_only(machine: Mapping[str, Any]) -> bool:
    """Fault lines in a run that is too short for an alarm."""
    found = machine["diagnosis"]
    return (
        machine["onset"] is None and machine["basis"] == "none" and found and found["element"] not in (None, "unknown")
    )


def _line_sentence(machine: Mapping[str, Any]) -> str:
    found = machine["diagnosis"]
    return f"{_place(machine)}: lines of the {found['element']} fault at the end, confidence {found['confidence']:.2f}."


def _moment(onset: Mapping[str, Any]) -> str:
    """The weekday and minute, or the number of the snapshot where the publisher gives no times."""
    if not onset["time"]:
        return f"snapshot {onset['index']}"
    return f"{datetime.fromisoformat(onset['time']):%a %Y-%m-%d %H:%M}"


def _span(hours: float) -> str:
    return f"{hours:.1f} h" if hours >= 1 else f"{60 * hours:.0f} min"


def _place(machine: Mapping[str, Any]) -> str:
    return place(machine["run"], machine["unit"])


def _worth(lives: Sequence[Life], judgement: MachineJudgement) -> tuple[str, ...]:
    if not lives:
        return ("No run is long enough to learn a healthy beginning from: nothing was trained.",)
    if not judgement.stated:
        return ("How these machines ended is not known, so no share of hits or false alarms is stated.",)
    best = next(row for row in judgement.candidates if row.name == judgement.best)
    fails = sum(life.fails for life in lives)
    hits = round(best.metrics["recall"] * fails)
    lead = f", {_span(best.metrics['lead_time_h'])} ahead in the median" if "lead_time_h" in best.metrics else ""
    watched = outcomes(lives, judgement.answers[judgement.best])
    return (f"{best.name} announces {hits} of {fails} failures{lead}, {_false_alarms(watched)}.",)


def _false_alarms(watched: Sequence[Outcome]) -> str:
    """A rate where a week at least was watched: none in two hours would look like none for ever."""
    count, seconds = sum(stream.false for stream in watched), sum(stream.watched_s for stream in watched)
    if seconds >= WEEK_S:
        return f"at {count * WEEK_S / seconds:.2f} false alarms per bearing and week"
    return f"with {count or 'no'} false alarm{'s' * (count > 1)} in only {_span(seconds / 3600)} of healthy running"


def _basis(lives: Sequence[Life]) -> tuple[str, ...]:
    leveled = sorted({life.run for life in lives if life.basis == "levels"})
    said = []
    if leveled:
        said.append(
            f"Of {', '.join(leveled)} only some raw snapshots are here, so that alarms rest on the complete per-file "
            "level tables; elements are read from the raw snapshots."
        )
    return tuple(said)


def sections(
    prepared: PreparedLives, judgement: MachineJudgement, pictures: Mapping[str, bytes]
) -> tuple[Section, ...]:
    """The sections of the report in order."""

    def shown(start: str) -> tuple[Picture, ...]:
        return tuple(
            Picture(content, name.removesuffix(".png").replace("_", " "), wide=start == "health")
            for name, content in pictures.items()
            if name.startswith(start)
        )

    results = (results_table(judgement, prepared.gauntlet.primary_metric, CAPTION),) if judgement.best else ()
    return (
        Section("Bearings", (), (_machine_table(judgement),)),
        *(Section("Results", (), (table,)) for table in results),
        Section("Health over the life", (), (), shown("health")),
        Section("Spectra over the life", (), (), shown("waterfall")),
        Section("Diagnosis", _diagnosis_sentences(judgement.evidence), (), shown("envelope")),
        *_remaining_section(judgement.remaining),
        *_quarantine_section(prepared.summary.input.quarantined),
    )


def _machine_table(judgement: MachineJudgement) -> Table:
    rows = []
    for one in judgement.machines or ():
        found = one["diagnosis"] or {"element": "no raw file", "confidence": None}
        sure = f" ({found['confidence']:.2f})" if found["confidence"] is not None and found["element"] else ""
        remaining = one.get("rul")
        rows.append(
            (
                _place(one),
                "–" if one["onset"] is None else _moment(one["onset"]),
                "–" if one["published_onset"] is None else f"#{one['published_onset']}",
                "–" if one["lead_time_h"] is None else _span(one["lead_time_h"]),
                f"{one['false_alarms']}" if one["basis"] != "none" else "–",
                f"{found['element'] or 'none'}{sure}",
                one.get("crosstalk_of") or "–",
                f"{remaining['estimate_h']:.1f} [{remaining['low_h']:.1f}, {remaining['high_h']:.1f}]"
                if remaining
                else "–",
            )
        )
    headings = (
        "bearing",
        "alarm since",
        "published",
        "lead time",
        "false alarms",
        "element (confidence)",
        "cross-talk of",
        "remaining life at the alarm [h]",
    )
    # A column that says nothing of any bearing takes room from those that do.
    kept = [place for place in range(len(headings)) if any(row[place] != "–" for row in rows)]
    return Table(tuple(headings[i] for i in kept), tuple(tuple(row[i] for i in kept) for row in rows))


def _diagnosis_sentences(evidence: Sequence[RunEvidence]) -> tuple[str, ...]:
    return tuple(
        f"{place(one.run.name, unit)}: {found.element or 'no sign of a fault'}; {'; '.join(found.evidence)}."
        for one in evidence
        for unit, found in one.diagnoses.items()
        if found.element is not None
    )


def _remaining_section(remaining: RemainingLife | None) -> tuple[Section, ...]:
    if remaining is None:
        return ()
    rows = tuple(
        (cell["group"]["asked"], cell["model"], f"{cell['metrics']['phm_score']:.3f}") for cell in cells_of(remaining)
    )
    whole = remaining.whole
    naive = {
        "the mean life of the others": whole.mean_life,
        "their lives scaled by ISO 281": whole.rated_life,
        "the line through the level": whole.extrapolated,
    }
    name, score = max(naive.items(), key=lambda one: one[1])
    sentences = (
        "Leave one bearing out; the score of the PHM 2012 challenge, 1 is perfect. The 80 % interval holds the truth in "
        f"{whole.coverage_80:.0%} of the cases.",
        *(
            (
                f"All life long a plainer way does better ({name}, {score:.2f} against {whole.model:.2f}): "
                "do not plan by the model.",
            )
            if score > whole.model
            else ()
        ),
    )
    return (Section("Remaining useful life", sentences, (Table(("asked", "way", "PHM score"), rows),)),)


def _quarantine_section(quarantined: Sequence[Quarantined]) -> tuple[Section, ...]:
    if not quarantined:
        return ()
    rows = tuple((file.file, file.reason) for file in quarantined[:200])
    return (Section("Files set aside", (f"{len(quarantined)} files.",), (Table(("file", "reason"), rows),)),)
