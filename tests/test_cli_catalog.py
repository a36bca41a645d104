"""``kimi-planner catalog``: show, diff, check, schema, new; exit codes and one line for a fault."""

import json
import sys
import tomllib
from datetime import date, timedelta
from functools import partial

import pytest

from kimi_planner.catalog import catalog_versions, load_catalog
from kimi_planner.errors import CatalogError
from kimi_planner.files import data_dir

CARD = data_dir() / "catalogs" / "2026-06.toml"
DAY = ["--as-of", "2026-11-25"]


@pytest.fixture
def run(invoke):
    """Run ``kimi-planner catalog``."""
    return partial(invoke, "catalog")


@pytest.fixture
def workloads(tmp_path):
    path = tmp_path / "workloads.toml"
    path.write_text(
        '[[workload]]\nname = "chat"\nrequests_per_day = 1000\nprompt_tokens = 1000\n'
        "completion_tokens = 100\n",
        encoding="utf-8",
    )
    return path


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("catalog_public.txt", ["show", "2026-11-public"]),
        ("catalog_diff.txt", ["diff", "2026-06", "2026-11-public", *DAY]),
        ("catalog_diff.md", ["diff", "2026-06", "2026-11-public", *DAY, "--format", "markdown"]),
    ],
)
def test_whole_outputs_are_as_reviewed(run, golden, workloads, name, arguments):
    """What people read is what was last reviewed, word for word."""
    given = ["--workloads", workloads] if "diff" in arguments else []
    code, out, _ = run(*arguments, *given)
    assert code == 0
    golden(name, out)


def test_the_disagreement_fits_one_screen(run, workloads):
    """The whole story with its effect on workloads takes no more than fifty lines."""
    code, out, _ = run("diff", "2026-06", "2026-11-public", *DAY, "--workloads", workloads)
    assert code == 0
    assert len(out.splitlines()) <= 50
    assert "2.50 -> 0.60 (-76%)" in out


def test_a_diff_as_json_has_every_change(run, workloads):
    """Pairs, changes as decimal strings, and amounts of the effect; a catalog and itself: nothing."""
    code, out, _ = run(
        "diff", "2026-06", "2026-11-public", *DAY, "--workloads", workloads, "--format", "json"
    )
    found = json.loads(out)
    assert (code, found["format"], found["old"]) == (0, 1, "2026-06")
    assert len(found["counterparts"]) == 4
    changes = {one["field"]: one for one in found["counterparts"][1]["changes"]}
    assert changes["input_usd_per_mtok"]["old"] == "2.50"
    assert changes["input_usd_per_mtok"]["relative"] == -0.76
    assert changes["cached_input_usd_per_mtok"]["old"] is None
    assert [row["pair"] for row in found["effect"]["rows"]] == ["counterpart"] * 4 + ["recommended"]
    assert run("diff", "2026-06", CARD)[1] == "2026-06 and 2026-06 are the same.\n"


def test_catalog_show_as_json_has_what_is_new(run):
    """Dated prices, lifecycle, fees and lists are in the JSON form; the card's are empty."""
    found = json.loads(run("show", "2026-11-public", "--format", "json")[1])
    k3 = next(one for one in found["models"] if one["id"] == "kimi-k3")
    assert [one["effective_from"] for one in k3["price_periods"]] == ["2026-07-16", "2026-10-07"]
    assert (k3["released_on"], k3["cache_write_1h_usd_per_mtok"]) == ("2026-07-16", "6.00")
    assert found["fees"][0]["usd_per_call"] == "0.005"
    assert found["list_prices"][0]["currency"] == "CNY"
    assert found["sources"]["batch"]["verified"] is False
    card = json.loads(run("show", "--format", "json")[1])
    assert (card["fees"], card["models"][0]["price_periods"]) == ([], [])


def test_prices_are_shown_as_of_a_day(run):
    """Before the first price of a model it is not stated; before publication there is code 3."""
    out = json.loads(run("show", "2026-11-public", "--as-of", "2026-11-01", "--format", "json")[1])
    k3 = next(one for one in out["models"] if one["id"] == "kimi-k3")
    assert k3["priced_on"] == "2026-11-01"
    code, _, err = run("show", "2026-11-public", "--as-of", "2026-10-31")
    assert code == 3
    assert "it starts in 2026-11" in err


def test_check_passes_what_is_fresh(run):
    """Every shipped version keeps its rules, its published hash, and says its age."""
    for version in catalog_versions():
        sources = load_catalog(version).sources.values()
        days = [source.checked_on for source in sources if source.checked_on]
        after, age = max(days) + timedelta(days=1), (max(days) - min(days)).days + 1
        code, out, err = run("check", version, "--as-of", after, "--max-age-days", age)
        assert (code, err) == (0, "")
        assert out.count("passed ") == 3
        assert "as it was published" in out


def test_check_tells_stale_from_unknown(run):
    """An old check is code 1 with the remedy, an age that nobody states is code 3."""
    late = ["--as-of", "2027-01-24"]
    code, out, _ = run("check", *late, "--max-age-days", 60)
    assert code == 1
    assert "stale    age: card was checked 61 days ago, on 2026-11-24, more than 60 days" in out
    assert run("check", *late, "--max-age-days", 61)[0] == 0
    assert run("check", *late)[0] == 0
    pytest.importorskip("genai_prices", reason="genai-prices is not installed")
    assert run("check", "genai-prices", *DAY)[0] == 0
    code, out, _ = run("check", "genai-prices", *DAY, "--max-age-days", 60)
    assert code == 3
    assert "unknown  age: nobody says when genai-prices was checked" in out


def test_a_check_in_the_future_is_bad_input(run):
    """A source that was checked after the day of the audit is named with file and line."""
    code, _, err = run("check", "--as-of", "2026-11-23")
    assert code == 2
    assert f"{CARD} line 13: checked_on is 2026-11-24, after 2026-11-23. Correct the date" in err
    assert err.count("\n") == 1


def test_check_against_genai_prices_says_how_much(run, workloads):
    """The disagreement is printed with what it does to the workloads in USD a month."""
    found = pytest.importorskip("genai_prices", reason="genai-prices is not installed")
    if found.__version__ != "0.2.3":
        pytest.skip("another version of genai-prices, with other prices, is installed")
    code, out, _ = run("check", "--against", "genai-prices", *DAY, "--workloads", workloads)
    assert code == 0
    assert "1.20 -> 0.57 (-52%)" in out
    assert "kimi-k2-5           kimi-k2.5" in out
    assert "Effect on the workloads, USD a month on average:" in out


def test_check_against_what_cannot_be_compared_cannot_tell(run, tmp_path, monkeypatch):
    """A source that is not installed, or has none of the models, is code 3, not a pass."""
    path = tmp_path / "prices.json"
    path.write_text('{"x": {"litellm_provider": "moonshot"}}', encoding="utf-8")
    code, out, _ = run("check", *DAY, "--against", path)
    assert code == 3
    assert "it has none of the models" in out
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    monkeypatch.setitem(sys.modules, "genai_prices.data", None)
    code, out, _ = run("check", *DAY, "--against", "genai-prices")
    assert code == 3
    assert "what the extra [prices] adds with: pip install " in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["diff", "2026-06", "2026-07"], "Unknown catalog '2026-07'"),
        (["check", "--max-age-days", "-1", *DAY], "max_age_days is -1"),
        (["check", "--workloads", "w.toml"], "--workloads needs --against"),
        (["new", "a/b"], "Use letters, digits"),
        (["new", "2027-01", "--from", "genai-prices"], "is no file in the form of this package"),
    ],
)
def test_bad_input_is_one_line_and_code_2(run, arguments, said):
    """The value is named with what is allowed."""
    if "genai-prices" in arguments:
        pytest.importorskip("genai_prices", reason="genai-prices is not installed")
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


def test_a_plan_shows_its_total_in_another_currency(invoke, workloads):
    """The rate and its day are the user's; half a rate is refused in one line."""
    arguments = ["plan", workloads, *DAY, "--months", "1", "--paths", "100"]
    _, out, _ = invoke(*arguments, "--also-in", "EUR=0.92@2026-11-24")
    assert "48.36 USD" in out
    assert "All workloads on their planned models: 44.49 EUR" in out
    assert "At 0.92 EUR per USD on 2026-11-24" in out
    assert "Catalog 2026-06 (sha256" in out
    for faulty in ("EUR", "EUR=0.92", "EUR=0.92@today", "EUR=x@2026-11-24", "USD=1@2026-11-24"):
        code, out, err = invoke(*arguments, "--also-in", faulty)
        assert (code, out, err.count("\n")) == (2, "", 1)


def test_a_plan_in_batches_is_priced_as_such(invoke, workloads):
    """Models with a batch price are planned at it; a catalog without any is code 3, not a price."""
    arguments = ["plan", workloads, *DAY, "--months", "1", "--paths", "100", "--batch"]
    _, out, _ = invoke(*arguments, "--catalog", "2026-11-public")
    assert "To book: 16.74 USD (mean) in 2026-12" in out  # 31 days of 0.90 USD, times 0.60
    assert "Catalog 2026-11-public + in batches (sha256" in out
    code, _, err = invoke(*arguments)
    assert code == 3
    assert "Catalog 2026-06 states no batch price" in err


def test_a_new_version_starts_from_another(run, tmp_path):
    """Name and month are its own, all else is the origin's; what exists is not overwritten."""
    path = tmp_path / "2026-12.toml"
    code, out, _ = run("new", "2026-11-b", "--as-of", "2026-11-30", "--out", path)
    assert code == 0
    assert f"kimi-planner catalog check {path}" in out
    draft, card = load_catalog(path), load_catalog()
    assert (draft.version, draft.published) == ("2026-11-b", "2026-11")
    assert draft.sources == card.sources
    assert [one.output_usd_per_mtok for one in draft] == [one.output_usd_per_mtok for one in card]
    path.write_text(path.read_text(encoding="utf-8") + "# checked\n", encoding="utf-8")
    code, _, err = run("new", "2026-11-b", "--out", path)
    assert code == 2
    assert "is there already, with other content" in err


def test_a_new_version_is_not_loaded_before_it_was_checked(run, tmp_path):
    """A month after the last check of a source is refused until somebody compares the values."""
    path = tmp_path / "2027-02.toml"
    run("new", "2027-02", "--from", CARD, "--as-of", "2027-02-03", "--out", path)
    with pytest.raises(
        CatalogError, match=r"published is 2027-02, after the last check of a source"
    ):
        load_catalog(path)
    text = path.read_text(encoding="utf-8").replace("2026-11-24", "2027-02-03")
    path.write_text(text, encoding="utf-8")
    load_catalog(path).check_as_of(date(2027, 2, 1))


def plain_data(value):
    """Return TOML data as JSON has it: dates as text."""
    if isinstance(value, dict):
        return {key: plain_data(one) for key, one in value.items()}
    if isinstance(value, list):
        return [plain_data(one) for one in value]
    return value.isoformat() if isinstance(value, date) else value


def test_the_schema_accepts_what_is_shipped_and_refuses_what_is_not(run):
    """The printed JSON Schema is one, takes every shipped file, and refuses single faults."""
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    schema = json.loads(run("schema")[1])
    checker = jsonschema.Draft202012Validator
    checker.check_schema(schema)
    validator = checker(schema, format_checker=checker.FORMAT_CHECKER)
    shipped = [
        plain_data(tomllib.loads(path.read_text(encoding="utf-8")))
        for path in CARD.parent.glob("*.toml")
    ]
    for data in shipped:
        assert list(validator.iter_errors(data)) == []
    card = next(data for data in shipped if data["version"] == "2026-06")
    model = card["models"][0]
    for edited in (
        {**card, "currency": "EUR"},
        {**card, "extra": 1},
        {key: value for key, value in card.items() if key != "published"},
        {**card, "models": []},
        {**card, "models": [{**model, "input_usd_per_mtok": 2.5}]},
        {**card, "models": [{**model, "input_usd_per_mtok": "-2.50"}]},
        {**card, "models": [{**model, "capabilities": ["sight"]}]},
        {**card, "models": [{key: one for key, one in model.items() if key != "sources"}]},
    ):
        assert list(validator.iter_errors(edited)), edited.keys()
