"""Catalog files that were damaged: one clear line, never a wrong price, and nothing is rewritten."""

import shutil
from datetime import date
from decimal import Decimal
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kimi_planner import Workload, project, recommend
from kimi_planner.billing.tariff import Tariff
from kimi_planner.catalog import Catalog, catalog_versions, load_catalog
from kimi_planner.catalog import load as loading
from kimi_planner.errors import CatalogError
from kimi_planner.files import data_dir
from kimi_planner.report.json_form import plan_json

FOLDER = data_dir() / "catalogs"
CARD = FOLDER / "2026-06.toml"
BYTES = {path.stem: path.read_bytes() for path in FOLDER.glob("*.toml")}


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """Stand in for the package's data with a copy that a test may damage."""
    folder = tmp_path / "data" / "catalogs"
    shutil.copytree(FOLDER, folder)
    monkeypatch.setattr(loading, "data_dir", lambda: tmp_path / "data")
    loading._shipped.cache_clear()
    yield folder
    loading._shipped.cache_clear()


def refused(path):
    with pytest.raises(CatalogError) as caught:
        load_catalog(path)
    words = str(caught.value)
    assert "\n" not in words
    assert len(words) < 1000
    return words


@pytest.mark.parametrize("version", BYTES)
def test_any_flipped_byte_of_a_shipped_version_is_found(shipped, version):
    """Wherever one bit of a published file is flipped, it is refused with the remedy."""
    path = shipped / f"{version}.toml"
    for place in range(0, len(BYTES[version]), 97):
        damaged = bytearray(BYTES[version])
        damaged[place] ^= 1 << place % 8
        path.write_bytes(damaged)
        words = refused(version)
        assert words.startswith(f"{path}: its bytes are not the published ones (sha256 ")
        assert "Install the package anew" in words


def test_a_version_without_a_published_hash_is_not_shipped(shipped):
    """A file that somebody put beside the published ones is refused until it is pinned."""
    text = CARD.read_text(encoding="utf-8").replace('"2026-06"', '"2026-09"', 1)
    (shipped / "2026-09.toml").write_text(text, encoding="utf-8")
    assert "published none" in refused("2026-09")
    with (shipped / "SHA256SUMS").open("a", encoding="utf-8") as sums:
        sums.write(f"{sha256(text.encode()).hexdigest()}  2026-09.toml\n")
    assert load_catalog("2026-09").version == "2026-09"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no such file"),
        ("", "the published ones"),
        ("abc\n", " line 1: 'abc' is not as sha256sum"),
    ],
)
def test_a_damaged_list_of_hashes_is_refused(shipped, content, said):
    """Without the list, or with one that cannot be read, no shipped version is trusted."""
    sums = shipped / "SHA256SUMS"
    if content is None:
        sums.unlink()
    else:
        sums.write_text(content, encoding="utf-8")
    assert said in refused("2026-06")


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damage_ends_in_one_line_or_in_a_catalog(tmp_path_factory, data):
    """Bytes flipped, cut or doubled anywhere in an own file never end in another exception."""
    path = tmp_path_factory.mktemp("own") / "own.toml"
    damaged = bytearray(BYTES[data.draw(st.sampled_from(sorted(BYTES)))])
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(damaged) - 1))
        kind = data.draw(st.sampled_from(["flip", "cut", "double", "drop"]))
        if kind == "flip":
            damaged[place] ^= 1 << data.draw(st.integers(0, 7))
        elif kind == "cut":
            del damaged[max(1, place) :]
        elif kind == "double":
            damaged[place:place] = damaged[place : place + 40]
        else:
            del damaged[place : place + 40]
            damaged = damaged or bytearray(b"#")
    path.write_bytes(damaged)
    words = ""
    try:
        assert isinstance(load_catalog(path), Catalog)
    except CatalogError as error:
        words = str(error)
    assert "\n" not in words
    assert not words or words.startswith(str(path))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.just(Decimal(0)) | st.decimals("0.001", 999_999_999, places=9), min_size=3, max_size=3
    ),
)
def test_a_price_is_never_changed_by_loading(tmp_path_factory, prices):
    """What is written is what is read, to the last digit, and in the bill of a million tokens."""
    path = tmp_path_factory.mktemp("own") / "own.toml"
    text = CARD.read_text(encoding="utf-8")
    texts = [format(price, "f") for price in prices]
    text = text.replace('"1.20"', f'"{texts[0]}"').replace('"3.60"', f'"{texts[1]}"')
    text = text.replace('"1.50"', f'"{texts[2]}"')
    path.write_text(text, encoding="utf-8")
    catalog = load_catalog(path)
    assert str(catalog.model("kimi-k2").input_usd_per_mtok) == str(Decimal(texts[0]))
    assert catalog.model("kimi-k2").output_usd_per_mtok == prices[1]
    assert catalog.model("kimi-k2-instruct").input_usd_per_mtok == prices[2]
    assert Tariff.of(catalog.model("kimi-k2")).usd_per_mtok("input") == prices[0]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[" * 100_000_000, "100,000,000 bytes"),
        (b"a = " + b"[" * 9_000_000, "nested more than 60 deep"),
        (b"a = {b=" * 1_000_000, "line 1: "),
    ],
    ids=["100 MB", "arrays", "inline tables"],
)
def test_nesting_without_end_is_refused_before_it_is_parsed(tmp_path, content, said):
    """A hundred megabytes of brackets are one line that says what is too much."""
    path = tmp_path / "deep.toml"
    path.write_bytes(content)
    assert said in refused(path)


FUTURE = 'published = "2026-06"'
FAULTS = {
    "published in the last month there is": (FUTURE, 'published = "9999-12"', "published is 9999-12, after the last check of a source"),
    "price per token": ('"1.20"', '"0.0000012"', "input_usd_per_mtok is 0.0000012 USD per 1M tokens, less than anything that is sold. A price per token is written times 1,000,000, 1.2"),
    "window in thousands": ("context_window_tokens = 128_000", "context_window_tokens = 128", "context_window_tokens is 128, too few to be meant. Write tokens in full: 128000."),
    "id in other letters": ('id = "kimi-k2-instruct"', 'id = "Kimi-K2\\u200b"', "which looks like 'kimi-k2'"),
    "published after every check": (FUTURE, 'published = "2026-12"', "published is 2026-12, after the last check of a source, 2026-11-24"),
    "price of a thousand digits": ('"2.50"', f'"2.{"1" * 100_000}"', "At most 9 decimal places"),
    "price of a thousand zeros": ('"2.50"', f'"{"1" * 100_000}"', "A price is a decimal number"),
    "price in other digits": ('"2.50"', '"٢.٥٠"', "A price is a decimal number"),
    "exponent": ('"2.50"', '"25e-1"', "A price is a decimal number"),
    "verified in words": ("checked_on = 2026-11-24", 'checked_on = 2026-11-24\nverified = "yes"', "verified is 'yes'. Write true or false"),
    "no day of a check": ("checked_on = 2026-11-24\n", "", "checked_on is missing. Write a date"),
    "time of a check": ("checked_on = 2026-11-24", "checked_on = 2026-11-24T10:00:00Z", "Write a date"),
    "tax": ('currency = "USD"', 'currency = "USD"\ntax = "some"', "unknown tax 'some'. Known: excluded, included"),
    "status": ('tokenizer = "kimi-k2"', 'tokenizer = "kimi-k2"\nstatus = "gone"', "unknown status 'gone'. Known: offered, deprecated, retired"),
    "batch that costs more": ('tokenizer = "kimi-k2"', 'tokenizer = "kimi-k2"\nbatch_multiplier = "1.5"', "It lies above 0, at most 1"),
    "models as a table": ("[[models]]", "[models]", "no [[models]]"),
    "model as a number": ("[[conflicts]]", "[[fees]]\nname = 5\n[[conflicts]]", "name is 5; it must be text"),
    "fee without a source": ("[[conflicts]]", '[[fees]]\nname = "f"\nusd_per_call = "1"\nnote = "n"\nsource = "s"\n[[conflicts]]', "unknown source 's'"),
    "fee as float": ("[[conflicts]]", '[[fees]]\nname = "f"\nusd_per_call = 0.005\n[[conflicts]]', "usd_per_call is 0.005. Write prices as decimal strings"),
    "list in dollars": ("[[conflicts]]", '[[list_prices]]\nmodel = "kimi-k2"\ncurrency = "USD"\nsource = "card"\n[[conflicts]]', "Write another one than USD"),
    "list of nobody": ("[[conflicts]]", '[[list_prices]]\nmodel = "k9"\ncurrency = "CNY"\nsource = "card"\n[[conflicts]]', "no model has the id 'k9'"),
    "counterpart of nobody": ("[[conflicts]]", '[[correspondences]]\nmodel = "k9"\n[[conflicts]]', "no model has the id 'k9'"),
    "conflict of nobody": ("[[conflicts]]", '[[conflicts]]\nmodel = "k9"', "no model has the id 'k9'"),
    "fees as a table": ("[[conflicts]]", "[fees]\na = 1\n[[conflicts]]", "fees must be written [[fees]]"),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "said"), FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_in_what_is_new_is_one_line_too(tmp_path, old, new, said):
    """Dates, amounts, and the tables beside models: file, line where there is one, and remedy."""
    text = CARD.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "bad.toml"
    edited = text.replace(old, new) if old == "[[models]]" else text.replace(old, new, 1)
    if old == "[[models]]":
        edited = edited.split("[models]")[0] + "[models]\nid = 5\n"
    path.write_text(edited, encoding="utf-8")
    words = refused(path)
    assert words.startswith((f"{path} line ", f"{path}: no [[models]]"))
    assert said in words


def test_a_past_plan_is_the_same_after_new_versions_were_added(shipped):
    """With the catalog and the day of back then, every byte comes out again."""
    workload = Workload(
        name="w",
        requests_per_day={"p10": 900, "p50": 1000, "p90": 1300},
        prompt_tokens={"p50": 1000, "p90": 3000},
        completion_tokens=100,
    )

    def plan():
        loading._shipped.cache_clear()
        return plan_json(recommend(workload, months=3, as_of=date(2026, 11, 24), n_paths=200))

    for path in shipped.glob("*.toml"):
        if path.name != CARD.name:
            path.unlink()
    assert catalog_versions() == ("2026-06",)
    before = plan()
    for version in ("2025-01", "2026-11-public", "2027-01", "zz"):
        text = CARD.read_text(encoding="utf-8").replace('"2026-06"', f'"{version}"', 1)
        text = text.replace('"1.20"', '"9.99"')
        (shipped / f"{version}.toml").write_text(text, encoding="utf-8")
        with (shipped / "SHA256SUMS").open("a", encoding="utf-8") as sums:
            sums.write(f"{sha256(text.encode()).hexdigest()}  {version}.toml\n")
    assert len(catalog_versions()) == 5
    assert load_catalog("zz").model("kimi-k2").input_usd_per_mtok == Decimal("9.99")
    assert plan() == before


def test_an_unknown_price_never_becomes_zero():
    """A projection on a model without a price is refused, and no scenario makes a price of nothing."""
    public = load_catalog("2026-11-public")
    for found in (public, public.with_discount("0.5"), public.in_batch()):
        for model in found:
            assert model.cached_input_usd_per_mtok != 0
            if public.model(model.id).cache_write_1h_usd_per_mtok is None:
                assert model.cache_write_1h_usd_per_mtok is None
    workload = Workload(name="w", requests_per_day=1, prompt_tokens=1, completion_tokens=1)
    unknown = public.with_price("kimi-k3", output_usd_per_mtok=None)
    with pytest.raises(LookupError, match="no output price for 'kimi-k3'"):
        project(workload, models="kimi-k3", as_of=date(2026, 11, 25), catalog=unknown)
