"""The report stands on its own, escapes what it shows, and says first what the figures are worth."""

import dataclasses
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gauntlet.datasets import ai4i
from gauntlet.datasets.simulate.ai4i import draw
from gauntlet.tasks.audit import CAUSES, Finding
from gauntlet.tasks.contract import Story
from gauntlet.tasks.gauntlet import Request
from gauntlet.tasks.metrics.classification import bootstrap_weights, constant_answer, judged, recall_by_mode, table_row
from gauntlet.tasks.metrics.cross_validation import OutOfFold
from gauntlet.tasks.metrics.prices import Prices
from gauntlet.tasks.report.build import SIMULATED, audit_section, page_of, result_of
from gauntlet.tasks.report.page import Page, Picture, Section, Table, markdown_table, render
from gauntlet.tasks.report.result import format_metric, ordered_rows, results_rows, verdict_markdown
from gauntlet.tasks.result import GauntletResult, InputSummary, Leakage, Registered, Row
from gauntlet.tasks.tabular.evaluate import Classified
from gauntlet.tasks.tabular.explanation import Explanation, shap_values
from gauntlet.tasks.tabular.featurize import ProcessRows, featurize
from gauntlet.tasks.tabular.gauntlets import AI4I
from gauntlet.tasks.tabular.load import ProcessTable, split
from gauntlet.tasks.tabular.report import sections, verdict
from gauntlet.tasks.tabular.train import pipeline

METRICS = ("accuracy", "precision", "recall", "f1", "mcc", "pr_auc", "roc_auc", "brier", "cost")
EVIL = "<script>alert('x')</script>&\"<img src=http://evil.example/x.png>"
VOID = {"meta", "img", "br", "hr", "link", "input"}


class Outline(HTMLParser):
    """Tags with their attributes in order, the texts of each, and whether all tags are closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self._open: list[str] = []
        self.feed(page.replace("<wbr>", ""))  # a place where a heading may go over two lines
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip() and self._open[-1] != "style":
            self.texts.append((self._open[-1], " ".join(data.split())))

    def of(self, tag: str) -> list[str]:
        return [text for where, text in self.texts if where == tag]


def made_rows(source: str = "simulated", prices: Prices = Prices(500.0, 25.0)) -> ProcessRows:  # noqa: B008 - frozen
    frame = draw(7, 600)
    parameters = {"columns": "features", "price_of_miss": prices.miss, "price_of_false_alarm": prices.false_alarm}
    table = ProcessTable(
        gauntlet=AI4I,
        request=Request(None, "auto", 7, Path("/data"), Path("/cache"), parameters=parameters),
        spec=ai4i.SPEC,
        X=frame[list(ai4i.SPEC.features)],
        y=frame[ai4i.SPEC.target].to_numpy(),
        modes={mode: frame[mode].to_numpy() for mode in ("TWF", "HDF", "PWF", "OSF")},
        source=source,  # type: ignore[arg-type]
        path=Path("/data") / EVIL.replace("/", "∕"),
        columns=tuple(frame.columns),
        sha256="ab" * 32,
        bytes=1,
        published=False,
    )
    return featurize(table, split(table, 7))


def made_judgement(prepared: ProcessRows) -> Classified:
    table, prices = prepared.table, prepared.prices
    rng = np.random.default_rng(0)
    probability = np.clip(rng.random((2, len(table.y))) * 0.6 + 0.4 * table.y, 0, 1)
    answers = {
        "good": judged(table.y, OutOfFold(probability, probability > 0.6, probability > 0.5)),
        "poor": judged(table.y, OutOfFold(1 - probability, probability < 0.3, probability < 0.4)),
    }
    weights = bootstrap_weights(len(table.y), 0, 20)
    silence = constant_answer(table.y, np.zeros_like(table.y))
    return Classified(
        candidates=tuple(table_row(name, one, weights, prices) for name, one in answers.items()),
        baselines={"majority": table_row("majority", silence, weights, prices)},
        naive="majority",
        best="good",
        chosen_on="the stated out-of-fold figures",
        answers=answers,
        oracle=silence,
        modes={**recall_by_mode(table.modes, answers["good"].flagged), "HDF": (0, float("nan"))},
        explanation=Explanation(pd.Series(dtype=float), pd.DataFrame(), None),
        blocked=table_row("good", answers["good"], weights, prices),
    )


def page(source: str = "simulated", findings: tuple[Finding, ...] = ()) -> tuple[str, GauntletResult, Classified]:
    prepared = made_rows(source)
    judgement = made_judgement(prepared)
    pictures = {"roc.png": b"\x89PNG one", "confusion.png": b"\x89PNG two"}
    story = Story(verdict(prepared, judgement), sections(prepared, judgement, pictures), pictures)
    result = result_of(AI4I, prepared.summary, judgement, story, findings, 7)
    return page_of(AI4I, prepared.summary, story, result, [("note", EVIL)]), result, judgement


def test_nothing_is_fetched_and_nothing_runs() -> None:
    """No script, no link, no import, no address: every picture is inside the page."""
    html, _, _ = page()
    outline = Outline(html)
    names = [tag for tag, _ in outline.tags]
    assert not {"script", "link", "iframe", "object", "embed", "base", "form"} & set(names)
    sources = [attrs["src"] or "" for tag, attrs in outline.tags if tag == "img"]
    assert len(sources) == 2
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert not [name for _, attrs in outline.tags for name in attrs if name.startswith("on") or name == "href"]
    style = html[html.index("<style>") : html.index("</style>")]
    assert "@import" not in style
    assert "url(" not in style
    assert all(attrs.get("alt") for tag, attrs in outline.tags if tag == "img")


def test_words_are_read_from_the_left_and_figures_compared_at_the_right() -> None:
    """A column is of words when one of its cells begins with a letter; a dash or a quoted word does not decide for figures."""
    rows = (("a", "0.90 [0.88, 0.92]", "–", "outer (1.00)", "“no failure”"), ("b", "−1,000", "#61", "–", "12 h"))
    table = Table(("model", "f1", "published", "element", "claim"), rows)
    assert table.wordy == {0, 3, 4}
    html = render(Page("t", "s", "real", (), (Section("x", (), (table,)),)))
    cells = [attrs.get("class") for tag, attrs in Outline(html).tags if tag in ("th", "td")]
    assert cells == ["words", None, None, "words", "words"] * 3


def test_a_caption_is_no_wider_than_the_page() -> None:
    """It stands outside of what scrolls: under a wide table its end would be out of sight."""
    html = render(Page("t", "s", "real", (), (Section("x", (), (Table(("a_b",), (("1",),), caption="said"),)),)))
    assert "a_<wbr>b" in html
    assert Outline(html).of("figcaption") == ["said"]
    assert html.index("</table></div>") < html.index("<figcaption>") < html.index("</figure>")


def test_text_is_escaped_everywhere() -> None:
    """Title, subtitle, source, verdict, sentences, headings, cells, captions, descriptions and facts."""
    everything = Page(
        title=EVIL,
        subtitle=EVIL,
        source=EVIL,
        verdict=(EVIL,),
        leaked=True,
        facts=((EVIL, EVIL),),
        sections=(Section(EVIL, (EVIL,), (Table((EVIL,), ((EVIL,),), (0,), EVIL),), (Picture(b"\x89PNG", EVIL),)),),
    )
    html = render(everything)
    assert "<script" not in html
    assert "<img src=http" not in html
    assert html.count("&lt;script&gt;") == 14  # the title and the source are there twice
    assert not [tag for tag, _ in Outline(html).tags if tag == "script"]


def test_findings_and_facts_of_a_run_are_escaped() -> None:
    """Column names, file names and facts come from outside."""
    html, _, _ = page(findings=(Finding("post_event", EVIL, EVIL),))
    assert "<script" not in html
    assert html.count("&lt;script&gt;") >= 4
    Outline(html)


@pytest.mark.parametrize("source", ["real", "simulated"])
def test_the_source_is_the_first_thing_said(source: str) -> None:
    """A badge before the title, in a style of its own."""
    html, _, _ = page(source)
    outline = Outline(html)
    badges = [attrs for tag, attrs in outline.tags if "badge" in (attrs.get("class") or "")]
    assert [badge["class"] for badge in badges] == [f"badge {source}"]
    assert outline.of("span") == [f"{source} data"]
    assert html.index('class="badge') < html.index("<h1>")
    assert f".{source} {{" in html


def test_a_leaked_result_bears_the_badge_and_says_so_first() -> None:
    """The badge, the marked verdict, the finding in the table; only then."""
    leaked, result, _ = page(findings=(Finding("post_event", "HDF", "filled in after the event"),))
    assert Outline(leaked).of("span") == ["simulated data", "leaked: not a result"]
    assert 'class="verdict is-leaked"' in leaked
    assert result.verdict[0].startswith("These figures are leaked")
    assert {"post_event", "HDF", "filled in after the event"} <= set(Outline(leaked).of("td"))
    assert "1 finding;" in leaked
    assert "leaked: not a result" not in page()[0]


def test_the_verdict_stands_before_every_section() -> None:
    """Title, verdict, then the results table first."""
    html, result, _ = page()
    first = html.index("<section>")
    outline = Outline(html)
    assert html.index('class="verdict"') < first
    assert tuple(outline.of("p")[1 : 1 + len(result.verdict)]) == result.verdict
    assert outline.of("h2")[0] == "Results"


def test_every_metric_and_every_row_is_in_the_table() -> None:
    """All figures of the document are in the report, the best candidate first and marked."""
    html, result, judgement = page()
    outline = Outline(html)
    assert set(METRICS) <= set(outline.of("th"))
    cells = re.findall(r"<td[^>]*>(.*?)</td>", html.replace("<wbr>", ""))
    for row in (*judgement.candidates, *judgement.baselines.values()):
        assert row.name in cells
        for metric in METRICS:
            value, _, interval = format_metric(row, metric).partition(" ")
            assert (f"{value}<small>{interval}</small>" if interval else value) in cells
    assert [row["model"] for row in results_rows(result)] == ["good", "poor", "majority"]
    assert re.findall(r'<tr class="strong"><td class="words">(\w+)</td>', html) == ["good"]


@pytest.mark.parametrize("text", ["Torque [Nm]", "Torque [Nm], Rotational speed [rpm]", "[1] x [2] y", "a [b"])
def test_brackets_in_a_cell_are_no_interval(text: str) -> None:
    """Columns have units in brackets: no part of a text is lost or set apart."""
    html = render(Page("t", "s", "real", (), (Section("x", (), (Table(("a",), ((text,),)),)),)))
    assert Outline(html).of("td") == [text]


def test_a_mode_without_rows_has_no_recall() -> None:
    """A dash, not "nan"."""
    html, _, _ = page()
    assert re.search(r"HDF: heat dissipation</td><td>0</td><td>–<", html)
    assert "nan" not in " ".join(Outline(html).of("td"))


def test_a_clean_audit_says_what_was_looked_for() -> None:
    """Silence about leaks is a statement with a scope."""
    (sentence,) = audit_section(Leakage()).sentences
    assert all(cause in sentence for cause in CAUSES)


def test_the_verdict_counts_right() -> None:
    """Recall, false alarms and saving, recomputed from the answers; of simulated data the page says so at the end."""
    prepared = made_rows()
    judgement = made_judgement(prepared)
    flagged, y = judgement.answers["good"].flagged_by_cost, prepared.table.y
    caught = 100 * np.mean([flagged[repeat][y == 1].mean() for repeat in range(2)])
    false = np.mean([(flagged[repeat] & (y == 0)).mean() for repeat in range(2)]) * 1_000
    misses = np.mean([(~flagged[repeat] & (y == 1)).mean() for repeat in range(2)]) * 1_000
    cost, idle = misses * 500 + false * 25, min(y.mean() * 500_000, (1 - y.mean()) * 25_000)
    sentences = page()[1].verdict
    assert sentences[:-1] == verdict(prepared, judgement)
    assert sentences[0] == (
        f"Of 100 failures the model announces {caught:.0f}, at the price of {false:.1f} false alarms per 1,000 processes."
    )
    more = "less" if cost <= idle else "more"
    assert f"{abs(1 - cost / idle):.0%} {more} than the best that needs no model ({idle:,.0f})" in sentences[1]
    assert sentences[-1] == SIMULATED
    assert sentences[-1].startswith("The data are simulated")
    assert not any("simulated" in sentence for sentence in page("real")[1].verdict)


def test_the_verdict_warns_where_blocks_of_neighbours_are_judged_worse() -> None:
    """Only when the two intervals lie apart: a little less on other folds is chance."""
    prepared = made_rows("real")
    judgement = made_judgement(prepared)
    assert not any("blocks" in sentence for sentence in verdict(prepared, judgement))
    low, _ = judgement.candidates[0].intervals["pr_auc"]
    for high, warned in ((low + 0.01, False), (low - 0.01, True)):
        blocked = Row("good", {"pr_auc": low - 0.02}, {"pr_auc": (low - 0.03, high)})
        sentences = verdict(prepared, replace(judgement, blocked=blocked))
        warnings = [text for text in sentences if text.startswith("On blocks of neighbouring rows it falls to PR-AUC")]
        assert bool(warnings) is warned


@pytest.mark.parametrize("prices", [Prices(0, 25), Prices(500, 0), Prices(0, 0)])
def test_free_misses_or_alarms_are_no_division_by_zero(prices: Prices) -> None:
    """A price of 0 is allowed; then doing nothing costs nothing, and the verdict says that."""
    prepared = made_rows(prices=prices)
    assert "costs nothing" in verdict(prepared, made_judgement(prepared))[1]


def test_a_lower_cost_is_better_and_a_higher_score_too() -> None:
    """Rows are ordered by the primary metric in its own direction, baselines last."""
    rows = (Row("a", {"f1": 0.2, "cost": 9.0}), Row("b", {"f1": 0.7, "cost": 20.0}))
    _, result, _ = page()
    for metric, order in (("f1", ["b", "a"]), ("cost", ["a", "b"])):
        ordered = ordered_rows(rows, result.baselines, metric)
        assert [row.name for row in ordered] == [*order, "majority"]


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (Row("x", {"f1": 0.91666, "cost": 1.0}, {"f1": (0.88, 0.9444)}), "0.917 [0.880, 0.944]"),
        (Row("x", {"f1": 0.5}, {"f1": (0.5, 0.5)}), "0.500"),
        (Row("x", {"f1": 0.5}), "0.500"),
        (Row("x", {}), "–"),
    ],
)
def test_a_metric_as_text(row: Row, text: str) -> None:
    """Three digits, the interval where it says something, a dash where there is no figure."""
    assert format_metric(row, "f1") == text


def test_a_cost_has_no_digits_behind_the_point() -> None:
    """And a comma at the thousands."""
    assert (
        format_metric(Row("x", {"cost": 12_345.6}, {"cost": (9_000.4, 20_000.0)}), "cost") == "12,346 [9,000, 20,000]"
    )


def test_the_markdown_verdict_holds_the_same() -> None:
    """Source and leak in the heading, the verdict, the table, the versions, the link; a bar does not end a cell."""
    _, result, _ = page(findings=(Finding("post_event", "HDF", "filled in"),))
    result = dataclasses.replace(result, registered=(Registered("good|er", 3, ("champion",), "s3://x"),))
    text = verdict_markdown(result, "http://localhost:5000/#/x")
    assert text.startswith("# ai4i · simulated data · **leaked, not a result**")
    assert text.index(result.verdict[0]) < text.index("| model |")
    assert all(metric in text for metric in METRICS)
    assert "| good\\|er | 3 | champion |" in text
    assert "http://localhost:5000/#/x" in text
    assert "leaked" not in verdict_markdown(page()[1], "x")


def test_a_markdown_table_keeps_its_shape() -> None:
    """As many cells per line as there are headings, whatever is in them."""
    lines = markdown_table(["a", "b"], [["x|y", "two\nlines"], ["", "–"]]).splitlines()
    assert lines == ["| a | b |", "| --- | --- |", "| x\\|y | two lines |", "|  | – |"]


def test_a_picture_is_inside_the_page_whole() -> None:
    """Base64 of its very bytes."""
    import base64

    uri = Picture(bytes(range(256)), "x").uri
    assert base64.b64decode(uri.removeprefix("data:image/png;base64,")) == bytes(range(256))


@pytest.mark.parametrize("rows", [250, 900])
def test_a_small_table_of_the_users_own_is_explained_too(rows: int) -> None:
    """SHAP of 600 rows where there are as many, of all of them where there are fewer; it adds up to the model's score."""
    frame = draw(7, 3_000)
    failures, others = np.flatnonzero(frame["Machine failure"] == 1)[:30], np.flatnonzero(frame["Machine failure"] == 0)
    chosen = np.sort(np.r_[failures, others[: rows - len(failures)]])
    X, y = frame[list(ai4i.SPEC.features)].iloc[chosen], frame["Machine failure"].to_numpy()[chosen]
    lightgbm = next(one for one in AI4I.candidates if one.kind == "lightgbm")
    fitted = pipeline(lightgbm, Prices(500.0, 25.0), 7).fit(X, y)
    features, values = shap_values(fitted, X, y, 7)
    assert len(features) == len(set(features.index)) == min(rows, 600)
    assert values is not None
    assert values.shape == features.shape
    raw = fitted[-1].estimator_.booster_.predict(features, raw_score=True)
    np.testing.assert_allclose(np.ptp(raw - values.sum(1)), 0, atol=1e-9)  # they differ by the base value alone


def test_the_result_document_of_a_run_is_complete() -> None:
    """What `result_of` tells before registration: figures, input, protocol, no champion yet."""
    _, result, judgement = page()
    assert (result.gauntlet, result.best, result.champion, result.registered) == ("ai4i", "good", None, ())
    assert result.candidates == judgement.candidates
    assert (result.primary_metric, result.chosen_on) == ("pr_auc", "the stated out-of-fold figures")
    assert result.baselines == tuple(judgement.baselines.values())
    assert result.input == InputSummary(files=1, rows=600, bytes=1)
