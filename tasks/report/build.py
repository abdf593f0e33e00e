"""The result and the report of a gauntlet, made of what its steps handed on; the same for every kind of data."""

from __future__ import annotations

from collections.abc import Sequence

from gauntlet.tasks.audit import CAUSES, Finding
from gauntlet.tasks.contract import Judgement, Story, Summary
from gauntlet.tasks.gauntlet import Gauntlet
from gauntlet.tasks.registry.key import git_commit
from gauntlet.tasks.report.page import Page, Section, Table, render
from gauntlet.tasks.result import GauntletResult, Leakage

LEAKED = (
    "These figures are leaked: the audit found what makes them worthless. They say nothing about a machine, and no "
    "version from this run can become champion.",
)
SIMULATED = "The data are simulated: this shows that the pipeline works, not how your machine will do."


def result_of(
    gauntlet: Gauntlet, summary: Summary, judgement: Judgement, story: Story, findings: Sequence[Finding], seed: int
) -> GauntletResult:
    """The result as far as the figures go; versions, champion and timings come with the registration."""
    return GauntletResult(
        gauntlet=gauntlet.name,
        source=summary.source,
        data_hash=summary.data_hash,
        seed=seed,
        protocol=summary.protocol,
        leakage=Leakage(tuple(findings), allowed=bool(findings)),
        primary_metric=judgement.primary_metric or gauntlet.primary_metric,
        candidates=judgement.candidates,
        baselines=tuple(judgement.baselines.values()),
        best=judgement.best,
        chosen_on=judgement.chosen_on,
        champion=None,
        registered=(),
        timings_s={},
        input=summary.input,
        report="",
        machines=judgement.machines,
        cells=judgement.cells,
        verdict=verdict(story, summary, bool(findings)),
    )


def verdict(story: Story, summary: Summary, leaked: bool) -> tuple[str, ...]:
    """The story's sentences, and what the data make of them."""
    if leaked:
        return LEAKED
    return (*story.verdict, SIMULATED) if summary.source == "simulated" else story.verdict


def page_of(
    gauntlet: Gauntlet, summary: Summary, story: Story, result: GauntletResult, facts: Sequence[tuple[str, str]]
) -> str:
    """The whole report as HTML. `facts`: where to find the run again."""
    page = Page(
        title=gauntlet.question,
        subtitle=f"{summary.size} · {summary.protocol}",
        source=summary.source,
        leaked=result.leakage.leaked,
        verdict=result.verdict,
        sections=(*story.sections, audit_section(result.leakage)),
        facts=(
            ("data", f"{summary.place}, {summary.source}, sha256 {summary.data_hash}"),
            ("licence", summary.dataset.licence),
            *summary.facts,
            *story.facts,
            ("seed", str(result.seed)),
            ("code", git_commit()),
            *facts,
        ),
    )
    return render(page)


def audit_section(leakage: Leakage) -> Section:
    """What the audit looked for and what it found."""
    findings = leakage.findings
    if not findings:
        return Section("Audit", (f"No finding. {len(CAUSES)} causes were looked for: {', '.join(sorted(CAUSES))}.",))
    rows = tuple((finding.kind, finding.column, finding.detail) for finding in findings)
    return Section(
        "Audit",
        (f"{len(findings)} finding{'s' if len(findings) > 1 else ''}; the caller allowed the run to go on.",),
        (Table(("kind", "column", "detail"), rows),),
    )
