"""What a catalog states beside prices: three-valued capabilities, efforts, speed, token behaviour."""

import json
from decimal import Decimal

import pytest

from kimi_planner.catalog import Behaviour, diff_catalogs, load_catalog
from kimi_planner.errors import CatalogError
from kimi_planner.files import data_dir
from kimi_planner.report.catalog_text import catalog_text
from kimi_planner.report.catalogs import diff_text
from kimi_planner.report.json_form import catalog_data
from kimi_planner.report.register import catalog_table

CARD = (data_dir() / "catalogs" / "2026-06.toml").read_text(encoding="utf-8")
TEXT = (
    CARD.replace(
        'capabilities = ["text", "streaming", "vision"]\n',
        'has = ["text", "streaming", "vision"]\n'
        'lacks = ["video", "reasoning"]\n'
        'reasoning_efforts = ["low", "max"]\n'
        'output_tokens_per_second = "61.5"\n',
        1,
    )
    .replace('"capabilities"', '"has", "lacks"', 1)
    .replace('["tokenizer"]', '["tokenizer", "reasoning_efforts", "output_tokens_per_second"]', 1)
    .replace(
        "[models.sources]",
        """[[models.behaviour]]
of = "output tokens"
relative_to = "kimi-k2"
low = "0.9"
high = "2.08"
on = "100 tasks"
source = "card"

[models.sources]""",
        1,
    )
)


def loaded(tmp_path, text=TEXT):
    path = tmp_path / "own.toml"
    path.write_text(text, encoding="utf-8")
    return load_catalog(path)


def test_a_capability_is_there_or_lacking_or_not_stated(tmp_path):
    """Three answers, and what is in neither list is none of the first two."""
    model = loaded(tmp_path).model("kimi-k2-5")
    assert (model.can("vision"), model.can("video"), model.can("json")) == (True, False, None)
    assert model.capabilities == {"text", "streaming", "vision"}
    assert model.lacks == {"video", "reasoning"}
    assert model.sources["capabilities"] == model.sources["lacks"] == "card"


def test_the_older_name_of_the_list_means_the_same(tmp_path):
    """``capabilities``, as published files have it, is ``has``."""
    old, new = load_catalog("2026-06"), loaded(tmp_path)
    for spec in old:
        assert spec.capabilities == new.model(spec.id).capabilities
        assert spec.lacks == frozenset()
        assert spec.can("video") is None


def test_speed_efforts_and_behaviour_are_kept(tmp_path):
    """Numbers are exact decimals, and each comes with its source."""
    model = loaded(tmp_path).model("kimi-k2-5")
    assert model.reasoning_efforts == ("low", "max")
    assert model.output_tokens_per_second == Decimal("61.5")
    assert model.behaviour == (
        Behaviour(
            of="output tokens",
            relative_to="kimi-k2",
            low=Decimal("0.9"),
            high=Decimal("2.08"),
            on="100 tasks",
            source="card",
        ),
    )


EDITS = {
    "both names": ('has = [', 'capabilities = []\nhas = [', "has stands beside capabilities, its older name"),
    "has and lacks it": ('["video", ', '["vision", ', "the model has 'vision' and lacks it"),
    "lacks what is none": ('["video", ', '["smell", ', "unknown capability 'smell'. Known: json,"),
    "unknown effort": ('["low", "max"]', '["low", "most"]', "unknown effort 'most'. Known: low, high, max"),
    "speed as number": ('"61.5"', "61.5", "Write speeds as decimal strings"),
    "no speed": ('"61.5"', '"0"', "output_tokens_per_second is 0. Leave it out"),
    "unknown measure": ('"output tokens"', '"output"', "unknown measure 'output'. Did you mean 'output tokens'? Known: output tokens, reasoning tokens, cost"),
    "compared with itself": ('relative_to = "kimi-k2"', 'relative_to = "kimi-k2-5"', "unknown model 'kimi-k2-5'"),
    "unknown counterpart": ('relative_to = "kimi-k2"', 'relative_to = "kimi"', "unknown model 'kimi'"),
    "no ratio": ('low = "0.9"\nhigh = "2.08"\n', "", "low and high are missing"),
    "bounds the wrong way round": ('"0.9"', '"2.09"', 'low is "2.09", above high, "2.08"'),
    "ratio of nothing": ('"0.9"', '"0"', "low is 0. Leave it out"),
    "measured on nothing": ('on = "100 tasks"\n', "", "on is missing"),
    "behaviour without source": ('on = "100 tasks"\nsource = "card"\n', 'on = "x"\n', "source is missing"),
    "unsourced lack": ('"has", "lacks"', '"has"', "no source is named for lacks"),
    "behaviour that is no list": ("[[models.behaviour]]", "[models.behaviour]", "behaviour must be written [[models.behaviour]]"),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "said"), EDITS.values(), ids=EDITS.keys())
def test_a_statement_that_is_none_is_refused_with_its_line(tmp_path, old, new, said):
    """One fault is one line that names the file, the line, the value and what is allowed."""
    assert old in TEXT
    with pytest.raises(CatalogError) as caught:
        loaded(tmp_path, TEXT.replace(old, new, 1))
    words = str(caught.value)
    assert said in words
    assert " line " in words
    assert "\n" not in words


def test_the_three_answers_are_shown(tmp_path):
    """Table, frame, text, diff and JSON form tell what is there, what is lacking and what is open."""
    catalog = loaded(tmp_path)
    told = "streaming, text, vision; lacks reasoning, video; not stated: json, tools"
    assert catalog_table(catalog).rows[0][-1] == told
    text = catalog_text(catalog)
    assert told in text
    assert "reasons with effort low, max" in text
    assert "answered with 61.5 tokens a second when measured" in text
    ratio = "output tokens 0.9 to 2.08 times that of kimi-k2 (100 tasks)"
    assert f"kimi-k2-5: {ratio}. Source card." in text
    model = json.loads(json.dumps(catalog_data(catalog)))["models"][0]
    assert model["lacks"] == ["reasoning", "video"]
    assert model["output_tokens_per_second"] == "61.5"
    assert model["behaviour"][0]["low"] == "0.9"
    assert list(catalog.frame()["lacks"])[:2] == ["reasoning, video", ""]
    diff = diff_catalogs("2026-06", catalog)
    assert "states the lack of reasoning, video" in diff_text(diff)
    assert {one.field for one in diff.capabilities} == {"lacks"}


def test_a_model_of_which_nothing_is_stated_says_so():
    """Where no list is given, all is not stated, in two words."""
    assert load_catalog("2026-11-public").model("kimi-k2.7-code-highspeed").capability_words == (
        "not stated"
    )
