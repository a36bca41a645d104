"""Rules of rendering with a day: read like prices, kept on the model, shown with their sources."""

import json
from dataclasses import replace
from datetime import date

import pytest

from kimi_planner.catalog import Rendering, diff_catalogs, load_catalog
from kimi_planner.catalog.rendering import CHAT_TEMPLATES
from kimi_planner.errors import CatalogError
from kimi_planner.files import data_dir
from kimi_planner.report.catalog_text import catalog_text
from kimi_planner.report.catalogs import diff_text
from kimi_planner.report.json_form import catalog_data

TEXT = (data_dir() / "catalogs" / "2026-06.toml").read_text(encoding="utf-8")
LAST = "[models.sources]"
RULES = """
[[models.rendering]]
tools = "json"
source = "templates"

[[models.rendering]]
effective_from = 2026-04-25
thinking = "always"
default_effort = "high"
image_patches = 9
source = "card"

"""
#: The first model of the card has the two rules.
RULED = TEXT.replace(LAST, RULES + LAST, 1)


@pytest.fixture
def ruled(tmp_path):
    path = tmp_path / "ruled.toml"
    path.write_text(RULED, encoding="utf-8")
    return load_catalog(path)


def test_a_rule_completes_that_of_its_template(ruled):
    """What a row leaves out is what the family of the template does."""
    first, second = ruled.model("kimi-k2-5").renderings
    family = Rendering.of("kimi-k2.5", reasons=False)
    assert first == replace(family, tools="json", source="templates")
    assert second == replace(
        family,
        effective_from=date(2026, 4, 25),
        thinking="always",
        default_effort="high",
        image_patches=9,
        source="card",
    )


@pytest.mark.parametrize(
    ("day", "number"),
    [(None, 1), (date(2026, 4, 25), 1), (date(2026, 4, 24), 0), (date(2001, 1, 1), 0)],
)
def test_the_rule_of_a_day_counts(ruled, day, number):
    """A rule holds from its day on; without a day the latest one does."""
    spec = ruled.model("kimi-k2-5")
    assert spec.rendering(day) == spec.renderings[number]


def test_a_day_before_the_first_rule_has_the_first(ruled):
    """The first rule holds on earlier days too, also where it names a day."""
    spec = ruled.model("kimi-k2-5")
    later = replace(spec, renderings=spec.renderings[1:])
    assert later.rendering(date(2001, 1, 1)) == spec.renderings[1]


def test_without_rules_the_template_tells(ruled):
    """A model with a template alone is written as its family is; without one it is refused."""
    spec = ruled.model("kimi-k2-5-thinking")
    for template in CHAT_TEMPLATES:
        known = replace(spec, chat_template=template)
        assert known.rendering() == Rendering.of(template, reasons=True)
    with pytest.raises(CatalogError, match="names no chat template for 'kimi-k2-5-thinking'"):
        replace(spec, chat_template=None).rendering()


EDITS = {
    "unknown form of tools": ('tools = "json"', 'tools = "xml"', "unknown tools 'xml'. Known: json, typescript"),
    "unknown source": ('source = "templates"\n\n', 'source = "book"\n\n', "unknown source 'book'. Known: card,"),
    "no source": ('source = "templates"\n\n', "\n", "source is missing"),
    "unknown thinking": ('"always"', '"often"', "unknown thinking 'often'. Known: none, off, on, always"),
    "unknown effort": ('"high"', '"most"', "unknown default effort 'most'. Known: low, high, max"),
    "patches in words": ("image_patches = 9", 'image_patches = "9"', "'9' is not a whole number of patches"),
    "unknown key": ("image_patches = 9", "image_patch = 9", "Did you mean 'image_patches'?"),
    "day as text": ("2026-04-25", '"2026-04-25"', "Write a date: 2026-11-24"),
    "no day": ("effective_from = 2026-04-25\n", "", "Only the first rule may leave it out"),
    "days in disorder": ('tools = "json"', "effective_from = 2026-04-25", "not after 2026-04-25, where the rule before starts. Write rules in order"),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "said"), EDITS.values(), ids=EDITS.keys())
def test_a_rule_that_is_none_is_refused_with_its_line(tmp_path, old, new, said):
    """One fault is one line that names the file, the line, the value and what is allowed."""
    path = tmp_path / "bad.toml"
    before, rules, after = RULED.partition(RULES)
    assert old in rules
    path.write_text(before + rules.replace(old, new, 1) + after, encoding="utf-8")
    first = before.count("\n") + 1
    with pytest.raises(CatalogError) as caught:
        load_catalog(path)
    words = str(caught.value)
    assert said in words
    assert "\n" not in words
    assert int(words.split(" line ")[1].split(":", maxsplit=1)[0]) in range(
        first, first + rules.count("\n")
    )


def test_a_rule_needs_a_template(tmp_path):
    """Rules without a chat template say what to add."""
    path = tmp_path / "bad.toml"
    text = RULED.replace('chat_template = "kimi-k2.5"\n', "", 1)
    path.write_text(text.replace('templates = ["chat_template"]\n', "", 1), encoding="utf-8")
    with pytest.raises(CatalogError, match="has no chat_template"):
        load_catalog(path)


def test_rules_are_shown_with_days_and_sources(ruled):
    """The text, the JSON form and a diff tell each rule, its day and where it comes from."""
    shown = [line for line in catalog_text(ruled).splitlines() if "requests as written" in line]
    assert len(shown) == 2
    assert "from 2026-04-25: kimi-k2.5, tools as typescript, thinking always" in shown[1]
    assert shown[1].endswith("Source card.")
    json_form = catalog_data(ruled)["models"][0]["renderings"]
    assert json.loads(json.dumps(json_form))[1]["effective_from"] == "2026-04-25"
    diff = diff_catalogs("2026-06", ruled)
    assert "renderings not stated -> from the start: kimi-k2.5, tools as json" in diff_text(diff)
    assert diff.apply(load_catalog("2026-06")) == ruled
    assert diff.reversed().apply(ruled) == load_catalog("2026-06")
