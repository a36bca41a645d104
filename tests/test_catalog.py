"""The catalog: the card's numbers, models by exact id, and files that break a rule."""

from datetime import date
from decimal import Decimal

import pytest

from kimi_planner.billing.tariff import Tariff
from kimi_planner.catalog import catalog_versions, load_catalog
from kimi_planner.catalog.aliases import catalog_id
from kimi_planner.errors import CatalogError, PriceNotFoundError, UnknownModelError
from kimi_planner.files import data_dir
from kimi_planner.money import to_units
from kimi_planner.report.catalog_text import catalog_text
from kimi_planner.report.json_form import catalog_data

CARD = data_dir() / "catalogs" / "2026-06.toml"
TEXT = CARD.read_text(encoding="utf-8")

# The card "Last Updated: June 2026", row by row.
ROWS = [
    ("kimi-k2-5", "Kimi K2.5 Flagship", "2.50", "7.50",
     ("general chat", "coding", "translation", "complex instructions")),
    ("kimi-k2-5-thinking", "Kimi K2.5 Thinking", "3.50", "10.50",
     ("math problems", "logical deduction", "advanced coding reasoning")),
    ("kimi-k2", "Kimi K2 Standard", "1.20", "3.60",
     ("cost-sensitive tasks", "draft generation", "high throughput")),
    ("kimi-k2-instruct", "Kimi K2 Instruct", "1.50", "4.50",
     ("structured data extraction", "JSON output validation")),
]  # fmt: skip


@pytest.fixture
def card():
    return load_catalog()


@pytest.mark.parametrize(("model_id", "name", "input_price", "output_price", "uses"), ROWS)
def test_a_model_is_as_the_card_states_it(card, model_id, name, input_price, output_price, uses):
    """Name, window, prices and uses are the card's; the cached price it omits is unknown."""
    model = card.model(model_id)
    assert model.name == name
    assert model.context_window_tokens == model.window == 128_000
    assert str(model.input_usd_per_mtok) == input_price
    assert str(model.output_usd_per_mtok) == output_price
    assert model.use_cases == uses
    assert model.cached_input_usd_per_mtok is None
    assert model.not_stated == (
        "max_output_tokens",
        "default_output_tokens",
        "cached_input_usd_per_mtok",
        "cache_write_5m_usd_per_mtok",
        "cache_write_1h_usd_per_mtok",
        "batch_multiplier",
    )


def test_the_card_has_these_models_and_no_others(card):
    """Four models, in the card's order, of the default version."""
    assert card.ids == tuple(row[0] for row in ROWS)
    assert (len(card), [model.id for model in card]) == (4, [row[0] for row in ROWS])
    assert (card.version, card.published, card.currency) == ("2026-06", "2026-06", "USD")
    assert card.source.title == 'Kimi API price and capability card, "Last Updated: June 2026"'
    assert card.source.checked_on == date(2026, 11, 24)


def test_only_the_flagship_reads_images_and_only_one_model_reasons(card):
    """Capabilities are those the card states."""
    assert [model.id for model in card if "vision" in model.capabilities] == ["kimi-k2-5"]
    assert [model.id for model in card if model.reasons] == ["kimi-k2-5-thinking"]
    assert all("streaming" in model.capabilities for model in card)


def test_ratings_are_an_order_with_words_to_rest_on(card):
    """The thinking model reasons deepest and is slowest, the standard model is fastest."""
    depth = {model.id: model.reasoning_depth.rating for model in card}
    speed = {model.id: model.speed.rating for model in card}
    assert depth["kimi-k2-5-thinking"] > depth["kimi-k2-5"] > depth["kimi-k2"]
    assert speed["kimi-k2"] > speed["kimi-k2-5"] > speed["kimi-k2-5-thinking"]
    assert all(model.speed.words and model.reasoning_depth.reading for model in card)


def test_the_cards_contradiction_is_kept_beside_the_choice(card):
    """The base URL of the code example is chosen, the one of the FAQ noted."""
    assert card.base_url == "https://api.moonshot.cn/v1"
    (conflict,) = card.conflicts
    assert (conflict.field, conflict.chosen) == ("base_url", card.base_url)
    assert conflict.other == "platform.moonshot.cn"


@pytest.mark.parametrize(
    ("model_id", "input_units", "output_units", "places"),
    [("kimi-k2-5", 25, 75, 7), ("kimi-k2-5-thinking", 35, 105, 7), ("kimi-k2", 12, 36, 7)],
)
def test_rates_are_whole_numbers_of_one_unit(card, model_id, input_units, output_units, places):
    """A price of 2.50 USD per 1,000,000 tokens is 25 units of 1e-7 USD per token."""
    rates = Tariff.of(card.model(model_id))
    keys = ("input", "cached", "output")
    units = [to_units(rates.price(key), places) for key in keys]
    assert units == [input_units, input_units, output_units]
    assert rates.places(keys) == places


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        ("kimi-k2.5", " Did you mean 'kimi-k2-5'?"),
        ("kimi-k2.5-thinking", " Did you mean 'kimi-k2-5-thinking'?"),
        ("KIMI-K2", " Did you mean 'kimi-k2'?"),
        ("kimi-k2-5-0905", " Did you mean 'kimi-k2-5'?"),
        ("opus", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_an_unknown_model_names_the_known_ones(card, asked, hint):
    """Ids are never matched by prefix or spelling; the error lists all and offers the nearest."""
    with pytest.raises(UnknownModelError) as caught:
        card.model(asked)
    known = "kimi-k2-5, kimi-k2-5-thinking, kimi-k2, kimi-k2-instruct"
    assert str(caught.value) == f"Unknown model {asked!r}. Catalog 2026-06 has {known}.{hint}"


def test_models_are_selected_in_the_wanted_order_once(card):
    """One id, several, or all; doubled ids count once and unknown ones are refused."""
    assert [model.id for model in card.select("kimi-k2")] == ["kimi-k2"]
    chosen = card.select(["kimi-k2", "kimi-k2-5", "kimi-k2"])
    assert [model.id for model in chosen] == ["kimi-k2", "kimi-k2-5"]
    assert card.select() == card.models
    with pytest.raises(UnknownModelError, match="'kimi-k9'"):
        card.select(["kimi-k2", "kimi-k9"])


def test_the_frame_has_exact_prices_and_missing_values(card):
    """One row per model, prices as decimals, an unknown price missing and not zero."""
    frame = card.frame().set_index("model")
    assert frame.loc["kimi-k2-5-thinking", "output_usd_per_mtok"] == Decimal("10.50")
    assert frame["context_window_tokens"].tolist() == [128_000] * 4
    assert frame["cached_input_usd_per_mtok"].isna().all()


@pytest.mark.parametrize("day", [date(2026, 6, 1), date(2026, 11, 24)])
def test_prices_hold_from_the_month_of_publication(card, day):
    """A day in the month of publication or later has a price."""
    card.check_as_of(day)


def test_there_is_no_price_before_publication(card):
    """A day before the card's month is refused, and the message says when prices start."""
    with pytest.raises(PriceNotFoundError, match="no price for 2026-05-31; it starts in 2026-06"):
        card.check_as_of(date(2026, 5, 31))


def test_versions_are_listed_and_unknown_ones_named():
    """The shipped versions are known by name; another name is refused with the nearest."""
    assert "2026-06" in catalog_versions()
    with pytest.raises(CatalogError, match=r"Unknown catalog '2026-07'.*Did you mean '2026-06'\?"):
        load_catalog("2026-07")
    with pytest.raises(CatalogError, match="Unknown catalog '2026'"):
        load_catalog(2026)


def test_a_catalog_is_loaded_by_its_path(tmp_path):
    """A file of the same form is a catalog, whatever its name."""
    path = tmp_path / "own.toml"
    path.write_text(TEXT.replace('"1.20"', '"1.25"'), encoding="utf-8")
    for given in (path, str(path)):
        assert load_catalog(given).model("kimi-k2").input_usd_per_mtok == Decimal("1.25")


def line_of(text):
    assert text in TEXT
    return TEXT[: TEXT.index(text)].count("\n") + 1


INPUT = 'input_usd_per_mtok = "2.50"'
LAST = TEXT.count("\n") + 1
NO_LIST = f"conflicts = 5\n{TEXT.split('[[conflicts]]')[0]}{TEXT[TEXT.index('[[models]]') :]}"
EDITS = {
    "no version": ('version = "2026-06"\n', "", None, "version is missing"),
    "no title": ('title = "Kimi API', '#', line_of("[sources.card]"), "title is missing"),
    "no id": ('id = "kimi-k2-5"\n', "", line_of("[[models]]"), "id is missing"),
    "source of a value that is not there": (INPUT + "\n", "", line_of("[models.sources]") - 1, "'input_usd_per_mtok', which the model does not state"),
    "duplicate id": ('id = "kimi-k2"\n', 'id = "kimi-k2-5"\n', line_of('id = "kimi-k2"\n'), "duplicate id 'kimi-k2-5'"),
    "negative price": ('"2.50"', '"-2.50"', line_of(INPUT), "'-2.50'. A price is a decimal number"),
    "price as float": ('"2.50"', "2.50", line_of(INPUT), 'is 2.50. Write prices as decimal strings, such as "2.50"'),
    "price as integer": ('"2.50"', "2", line_of(INPUT), "is 2. Write prices as decimal strings"),
    "price that is NaN": ('"2.50"', '"nan"', line_of(INPUT), "'nan'. A price is a decimal number"),
    "price too fine": ('"2.50"', '"2.5000000001"', line_of(INPUT), "At most 9 decimal places"),
    "unknown key": (INPUT, 'input_usd_per_mtoks = "2.50"', line_of(INPUT), "Did you mean 'input_usd_per_mtok'?"),
    "unknown top key": ("currency", "currencies", line_of("currency"), "Did you mean 'currency'?"),
    "unknown table": ("[[conflicts]]", "[[conflict]]", line_of("[[conflicts]]"), "Did you mean 'conflicts'?"),
    "other currency": ('"USD"', '"EUR"', line_of("currency"), "currency is 'EUR'. Prices must be in USD"),
    "month as date": ('published = "2026-06"', "published = 2026-06-01", line_of("published ="), "published is 2026-06-01; it must be text"),
    "no such month": ('published = "2026-06"', 'published = "2026-13"', line_of("published ="), "Write year and month: 2026-06"),
    "unknown main source": ('source = "card"', 'source = "crad"', line_of("source ="), "no table [sources.crad]"),
    "date as text": ("checked_on = 2026-11-24", 'checked_on = "2026-11-24"', line_of("checked_on ="), "Write a date: 2026-11-24"),
    "window in words": ("128_000", '"128K"', line_of("context_window"), "'128K' is not a whole number of tokens"),
    "window of nothing": ("128_000", "0", line_of("context_window"), "0 is not a whole number of tokens"),
    "unknown capability": ('"vision"', '"sight"', line_of("capabilities ="), "unknown capability 'sight'. Known: json,"),
    "unknown template": ('"kimi-k2.5"', '"k9"', line_of("chat_template"), "unknown template 'k9'. Known: kimi-k2, kimi-k2.5"),
    "unsourced value": ('"context_window_tokens", ', "", line_of("context_window"), "no source is named for context_window_tokens"),
    "two sources": ('["tokenizer"]', '["tokenizer", "name"]', line_of("[models.sources]"), "'name' has two sources, 'card' and 'vocabulary'"),
    "unknown source": ("vocabulary = [", "vocab = [", line_of("[models.sources]"), "unknown source 'vocab'. Did you mean 'vocabulary'? Known: card,"),
    "rating too high": ("rating = 2", "rating = 10", line_of("[models.reasoning_depth]"), "ordinal from 1 to 9"),
    "rating without words": ("words = ", "word = ", line_of("[models.reasoning_depth]"), "exactly the keys rating, words, reading"),
    "no models": ("models", "model", line_of("[[models]]"), "Did you mean 'models'?"),
    "key given twice": (INPUT, f"{INPUT}\n{INPUT}", line_of(INPUT) + 1, "not TOML"),
}  # fmt: skip


def refused(path):
    with pytest.raises(CatalogError) as caught:
        load_catalog(path)
    assert type(caught.value) is CatalogError
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(("old", "new", "line", "said"), EDITS.values(), ids=EDITS.keys())
def test_a_catalog_that_breaks_a_rule_is_refused_with_its_line(tmp_path, old, new, line, said):
    """One fault anywhere is one error that names file, line, value and what is allowed."""
    path = tmp_path / "bad.toml"
    assert old in TEXT
    edited = TEXT.replace(old, new) if old == "models" else TEXT.replace(old, new, 1)
    path.write_text(edited, encoding="utf-8")
    words = refused(path)
    assert words.startswith(f"{path} line {line}: " if line else f"{path}: ")
    assert said in words


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", ": the file is empty"),
        (b"# prices\n", ": version is missing"),
        (b"version: '2026-06'\nmodels:\n  - id: kimi-k2\n", " line 1: not TOML"),
        (TEXT.encode() + b"# \xff\n", f" line {LAST}: not UTF-8 (byte 0xff)"),
        (TEXT.encode() + b"x = " + b"[" * 9000, f" line {LAST}: nested more than 60 deep"),
        (NO_LIST.encode(), " line 1: conflicts must be written [[conflicts]]"),
    ],
    ids=["empty", "comment", "YAML", "bytes", "deep", "no list"],
)  # fmt: skip
def test_a_file_that_is_no_catalog_is_refused(tmp_path, content, said):
    """Empty, foreign and damaged files are one error each."""
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    assert refused(path).startswith(f"{path}{said}")


def test_a_file_that_is_not_there_is_named(tmp_path):
    """The missing path is named."""
    assert refused(tmp_path / "no.toml").startswith(f"{tmp_path / 'no.toml'}: no such file")


def test_what_a_catalog_does_not_state_is_unknown(tmp_path):
    """Without a price or a window, asking for it is an error that names model and remedy."""
    path = tmp_path / "bare.toml"
    head = TEXT.split("[[models]]")[0]
    path.write_text(f'{head}[[models]]\nid = "x"\n[models.sources]\ncard = ["id"]\n', "utf-8")
    model = load_catalog(path).model("x")
    with pytest.raises(PriceNotFoundError, match=r"no input price for 'x'.*input_usd_per_mtok"):
        Tariff.of(model)
    with pytest.raises(CatalogError, match=r"no context window for 'x'.*context_window_tokens"):
        _ = model.window


PUBLIC_NAMES = {
    "moonshot/kimi-k2.5": "kimi-k2.5",
    "moonshotai/Kimi-K2.5": "kimi-k2.5",
    "kimi-k2-5": "kimi-k2.5",
    "accounts/fireworks/models/kimi-k2p5": "kimi-k2.5",
    "moonshotai/kimi-k2.5-0127": "kimi-k2.5",
    "kimi-k2.5@20260127": "kimi-k2.5",
    "kimi-k2.5@latest": "kimi-k2.5",
    "moonshotai/kimi-k2.6:free": "kimi-k2.6",
    "kimi-k2-0905": "kimi-k2-0905-preview",
    "us.moonshotai.kimi-k2-thinking": "kimi-k2-thinking",
    "bedrock/us-west-2/moonshot.kimi-k2-thinking-v1:0": "kimi-k2-thinking",
    "vertex_ai/moonshotai/kimi-k2-thinking-maas": "kimi-k2-thinking",
    # Other models, names that move, other days, providers that nobody knows.
    "openrouter/moonshotai/kimi-k2": None,
    "moonshotai/Kimi-K2-Instruct": None,
    "kimi-k2-turbo": None,
    "kimi-latest": None,
    "kimi-k2.5-0128": None,
    "kimi-k2.5@20250127": None,
    "kimi-k2.5-thinking": None,
    "our-gateway/kimi-k2.5": None,
    "gpt-4o": None,
    "": None,
}


@pytest.mark.parametrize("name", PUBLIC_NAMES)
def test_names_in_logs_are_the_same_model_or_none(name):
    """Spelling, provider and tag are no difference; what may be another model is not guessed."""
    assert catalog_id(name, load_catalog("2026-11-public-2")) == PUBLIC_NAMES[name]


def test_every_id_is_its_own_name():
    """In every shipped catalog a model is found by its id, in any case and behind its provider."""
    for version in catalog_versions():
        catalog = load_catalog(version)
        for model_id in catalog.ids:
            for name in (model_id, model_id.upper(), f"moonshotai/{model_id}"):
                assert catalog_id(name, catalog) == model_id


def test_a_catalog_may_state_aliases(tmp_path):
    """They are read, shown and used; an alias that is the name of another model is refused."""
    line, sourced = 'name = "Kimi K2.5 Flagship"\n', 'card = ["id", "name", '
    path = tmp_path / "own.toml"
    for alias in ("flagship", "kimi-k2"):
        text = TEXT.replace(line, f'{line}aliases = ["{alias}"]\n', 1)
        path.write_text(text.replace(sourced, f'{sourced}"aliases", ', 1), encoding="utf-8")
        if alias == "kimi-k2":
            with pytest.raises(
                CatalogError, match=r"own\.toml line 34: alias 'kimi-k2' of 'kimi-k2-5'"
            ):
                load_catalog(path)
            continue
        catalog = load_catalog(path)
        assert catalog.model("kimi-k2-5").aliases == ("flagship",)
        assert catalog_id("moonshot/Flagship", catalog) == "kimi-k2-5"
        assert "kimi-k2-5: also called flagship." in catalog_text(catalog)
        assert catalog_data(catalog)["models"][0]["aliases"] == ["flagship"]
