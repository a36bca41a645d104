"""Reports: the same numbers in Markdown, HTML and JSON, and nothing that a name can break."""

import json
import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser

import matplotlib as mpl
import pytest

from kimi_planner import Workload, load_catalog, load_workloads, recommend
from kimi_planner.files import data_dir
from kimi_planner.report.html import html_report
from kimi_planner.report.json_form import plan_data, plan_json
from kimi_planner.report.register import source_sentences
from kimi_planner.report.sentences import totals_sentence
from kimi_planner.report.tables import meters_table, share_text, spend_table
from kimi_planner.report.text import markdown_report, plan_text

mpl.use("Agg")
AS_OF = date(2026, 11, 24)
HOSTILE = "<script>alert(1)</script>|`*[x](javascript:1)"


@pytest.fixture(scope="module")
def recommendation():
    return recommend(load_workloads(), months=3, as_of=AS_OF, n_paths=300)


@pytest.fixture(scope="module")
def hostile():
    workload = Workload(
        name=HOSTILE, requests_per_day=5, prompt_tokens=10, completion_tokens=10, source=HOSTILE
    )
    return recommend(workload, months=1, as_of=AS_OF)


class Outline(HTMLParser):
    """Collects tags and the addresses that a page refers to."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.addresses, self.text = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [value for key, value in attrs if key in ("src", "href", "xlink:href")]

    def handle_data(self, data):
        self.text.append(data)


def test_every_form_has_the_total_and_the_provenance(recommendation):
    """Terminal, Markdown and HTML say the same total and the same provenance."""
    total, provenance = totals_sentence(recommendation), recommendation.projection.provenance
    for text in (
        plan_text(recommendation),
        markdown_report(recommendation),
        "".join(Outline(html_report(recommendation)).text),
    ):
        assert total in " ".join(text.split())
        assert provenance in text


def test_total_is_the_sum_of_the_months(recommendation):
    """The mean of the whole horizon is the sum of the monthly means."""
    spend = recommendation.projection.mix(recommendation.best)
    assert float(spend.over_months().mean()[0]) == pytest.approx(float(spend.mean().sum()))


def test_json_is_plain_and_complete(recommendation):
    """The JSON form has a row for each workload, model and month, and its provenance."""
    plan = json.loads(plan_json(recommendation))
    assert plan == plan_data(recommendation)
    assert plan["format"] == 1
    assert len(plan["spend"]) == 5 * 4 * 3
    assert (plan["as_of"], plan["seed"], plan["n_paths"]) == ("2026-11-24", 0, 300)
    assert plan["catalog"]["version"] == "2026-06"
    assert plan["recommended"] == recommendation.best


def test_hostile_names_do_nothing_in_html(hostile):
    """A name with markup is shown as text."""
    page = html_report(hostile)
    outline = Outline(page)
    assert outline.tags.count("script") == 2  # the page's own
    assert HOSTILE in "".join(outline.text)


def test_hostile_names_do_nothing_in_markdown(hostile):
    """A name with markup neither breaks a table nor becomes a tag or a link."""
    text = markdown_report(hostile)
    assert "<script" not in text
    assert not re.search(r"(?<!\\)\[x\]", text)
    table = [line for line in text.splitlines() if "script" in line and line.startswith("|")]
    widths = {len(re.findall(r"(?<!\\)\|", line)) for line in table if "source" not in line}
    assert widths <= {4, 6, 8, 10, 12}  # spend also tells reasoning that is not known


def test_a_hostile_name_without_a_model_does_nothing_in_markdown():
    """The total names workloads that no model fits, also as text only."""
    workload = Workload(name=HOSTILE, requests_per_day=5, prompt_tokens=10, completion_tokens=10)
    impossible = replace(workload, name="<script>x</script>", prompt_tokens=10**6)
    text = markdown_report(recommend([workload, impossible], months=1, as_of=AS_OF))
    assert "no model qualifies for &lt;script&gt;x&lt;/script&gt;." in text
    assert "<script" not in text


def test_models_that_tie_have_one_recommended_among_them(tmp_path):
    """Of models that cost the same only the first of the ranking is recommended."""
    text = (data_dir() / "catalogs" / "2026-06.toml").read_text(encoding="utf-8")
    for price in ("input", "output"):
        text = re.sub(
            rf"^{price}_usd_per_mtok = .*$", f'{price}_usd_per_mtok = "1"', text, flags=re.M
        )
    path = tmp_path / "tied.toml"
    path.write_text(text, encoding="utf-8")
    workload = Workload(name="w", requests_per_day=5, prompt_tokens=10, completion_tokens=10)
    tied = recommend(workload, months=1, as_of=AS_OF, catalog=load_catalog(path))
    marks = {row[1]: row[-1] for row in spend_table(tied).rows}
    assert marks.pop("kimi-k2") == "recommended"  # the first by name
    assert list(marks.values()) == ["0.00"] * 3


def test_reports_say_where_the_source_contradicts_itself(recommendation):
    """Each conflict of the catalog stands in Markdown and in HTML, in the same words."""
    sentences = source_sentences(recommendation.projection.catalog)
    assert len(sentences) == 1 + len(recommendation.projection.catalog.conflicts) > 1
    page = "".join(Outline(html_report(recommendation)).text)
    text = markdown_report(recommendation).replace("\\", "")
    for sentence in sentences:
        assert sentence in page
        assert sentence in text


def test_a_contradiction_names_its_model():
    """Two values for a field are told with whose it is, or with none if it is all models'."""
    said = source_sentences(load_catalog("2026-11-public"))
    assert any(one.startswith("Two values are given for status of kimi-k2.5: depr") for one in said)
    assert any(one.startswith("Two values are given for tax: excluded (") for one in said)


def test_no_model_qualifies():
    """A plan on models that do not qualify says so in every form, with the least change, and is drawn."""
    workload = Workload(
        name="w", requests_per_day=10**6, prompt_tokens=200_000, completion_tokens=1000,
        budget_usd_per_month=1,
    )  # fmt: skip
    nothing = recommend(workload, months=1, as_of=AS_OF)
    assert nothing.without_model == ("w",)
    for text in (plan_text(nothing), markdown_report(nothing), html_report(nothing)):
        assert "no model qualifies for w" in " ".join(text.split())
        assert "the least change: kimi-k2 would if" in text
    assert html_report(nothing).count("<svg") == 3
    assert plan_data(nothing)["recommended"] == {"w": "kimi-k2"}
    assert plan_data(nothing)["decisions"][0]["basis"] == "none qualifies"


def test_a_choice_for_some_workloads_of_a_larger_plan(recommendation):
    """A report of two workloads speaks of these two, though the projection holds five."""
    some = recommend(load_workloads()[:2], projection=recommendation.projection)
    assert {row[0] for row in spend_table(some).rows} == {"support-chat", "coding-assistant"}
    assert totals_sentence(some).startswith("All workloads on their planned models")
    assert "2 workloads, 4 models" in html_report(some)


def test_spend_by_meter_adds_up_to_the_mean(recommendation):
    """Meters of a row add up to its mean, rows to the last one, and that to the plan's mean."""
    table = meters_table(recommendation)
    assert table.headers == ("workload", "model", "input", "cached input", "output", "mean")
    rows = [[float(cell.replace(",", "")) for cell in row[2:]] for row in table.rows]
    for row in rows:
        assert sum(row[:-1]) == pytest.approx(row[-1], abs=0.02)
    for column in zip(*rows, strict=True):
        assert sum(column[:-1]) == pytest.approx(column[-1], abs=0.04)
    whole = recommendation.projection.mix(recommendation.best).over_months()
    assert rows[-1][-1] == pytest.approx(whole.mean()[0] / 3, abs=0.006)


def test_spend_table_marks_each_choice(recommendation):
    """Each workload has one recommended row; the others are excluded or say how much more or less."""
    rows = spend_table(recommendation).rows
    for name in recommendation.projection.names:
        marks = [row[-1] for row in rows if row[0] == name]
        assert marks.count("recommended") == 1
        assert all(mark in ("recommended", "excluded") or mark[0] in "+-" for mark in marks)
    [open_] = [row[-1] for row in rows if row[:2] == ("image-questions", "kimi-k2")]
    assert re.fullmatch(r"-\d+\.\d\d, if it has vision", open_)


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0%"), (1e-9, "<0.1%"), (0.5, "50%"), (0.1234, "12.3%"), (0.99999, ">99.9%"), (1, "100%"), (float("nan"), "unknown")],
)  # fmt: skip
def test_shares_are_never_rounded_to_certainty(share, text):
    """Neither 0% nor 100% is said unless it is so."""
    assert share_text(share) == text


def test_rich_results_escape_names(hostile):
    """What Jupyter shows of a result has no markup from a name."""
    for shown in (hostile, hostile.projection, hostile.fit):
        assert "<script" not in shown._repr_html_()
