"""The data files: exact keys, positive prices, unique ids, every value sourced, nothing edited."""

import tomllib
from decimal import Decimal
from hashlib import sha256

import pytest

from kimi_planner.catalog.load import published_sha256
from kimi_planner.files import data_dir

PINNED = {
    "2026-06": "e6ce51a9a4a40297af3daa58cda9485bea9da108cdae050cd35e64a308864550",
    "2026-11-public": "3423b24c99728a36a64a5b06b0f008f451ad51450bf69898bd1f36274eb5e72f",
    "2026-11-public-2": "1175203dfc6efeb4c41dd0048a42cb19b67ed80fe5439987840d1f8403981b54",
    "2026-11-public-3": "c03239b907d1a3c58bb18a3170e8d50412c50524431d376eb9d7432ca06ee4d6",
}
PINNED_LIMITS = {"2026-11": "c1548982a853b3623709c0ad24ef1a68de42b7f55ea24a35d25411ba4ca2f688"}

FILES = sorted((data_dir() / "catalogs").glob("*.toml"))
TOP = {
    "version", "published", "currency", "source", "base_url", "tax", "sources", "conflicts", "fees",
    "list_prices", "correspondences", "models",
}  # fmt: skip
PRICES = {
    "input_usd_per_mtok", "cached_input_usd_per_mtok", "output_usd_per_mtok",
    "cache_write_5m_usd_per_mtok", "cache_write_1h_usd_per_mtok",
}  # fmt: skip
NEEDED = {"id", "sources"}
OPTIONAL = PRICES | {
    "name", "context_window_tokens", "max_output_tokens", "default_output_tokens", "use_cases",
    "capabilities", "tokenizer", "chat_template", "reasoning_depth", "speed", "batch_multiplier",
    "status", "released_on", "first_seen_on", "retired_on", "replaced_by", "prices",
    "has", "lacks", "reasoning_efforts", "output_tokens_per_second", "rendering", "behaviour",
}  # fmt: skip
PERIOD = PRICES | {"effective_from", "effective_to", "known_on", "source"}
RENDERING = {
    "effective_from", "tools", "thinking", "keeps_reasoning", "default_effort", "image_patches", "source",
}  # fmt: skip
BEHAVIOUR = {"of", "relative_to", "effort", "low", "high", "on", "source"}
TABLES = ("prices", "rendering", "behaviour")


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture
def data(path):
    return tomllib.loads(path.read_text(encoding="utf-8"))


def prices_in(model):
    return [model, *model.get("prices", [])]


def test_a_published_catalog_never_changes(path):
    """The bytes of every published version are the pinned ones."""
    assert sha256(path.read_bytes()).hexdigest() == PINNED.get(path.stem), (
        f"data/catalogs/{path.name} is not the file that was published. A published version never "
        "changes: undo the edit and publish the correction as a new version, with its own pin here."
    )


def test_every_published_catalog_is_still_there():
    """No published version is deleted or renamed, and the package knows the same pins."""
    assert {path.stem for path in FILES} == PINNED.keys()
    assert published_sha256() == PINNED


def test_the_keys_are_exact(path, data):
    """Every key is a known one, every needed key is there, and the version is the file's name."""
    assert data["version"] == path.stem
    needed = {"version", "published", "currency", "source", "sources", "models"}
    assert needed <= data.keys() <= TOP
    for source in data["sources"].values():
        assert {"title", "checked_on"} <= source.keys() <= {"title", "checked_on", "verified"}
    for model in data["models"]:
        assert NEEDED <= model.keys() <= NEEDED | OPTIONAL
        for rating in ("reasoning_depth", "speed"):
            assert model.get(rating, {}).keys() in ({"rating", "words", "reading"}, set())
        for period in model.get("prices", []):
            assert {"source"} < period.keys() <= PERIOD
        for rule in model.get("rendering", []):
            assert {"source"} < rule.keys() <= RENDERING
        for ratio in model.get("behaviour", []):
            assert BEHAVIOUR - {"low", "high", "effort"} < ratio.keys() <= BEHAVIOUR


def test_prices_are_positive_decimal_strings(data):
    """A stated price is text, and above zero; unknown ones are left out, not zero."""
    for model in data["models"]:
        for table in prices_in(model):
            for key in PRICES & table.keys():
                assert isinstance(table[key], str)
                assert Decimal(table[key]) > 0, f"{model['id']} {key}"


def test_ids_are_unique(data):
    """No two models share an id."""
    ids = [model["id"] for model in data["models"]]
    assert len(ids) == len(set(ids))


def test_every_value_has_exactly_one_source(data):
    """Each stated value of each model is listed under one source that the file describes."""
    for model in data["models"]:
        assert model["sources"].keys() <= data["sources"].keys()
        sourced = [name for names in model["sources"].values() for name in names]
        assert sorted(sourced) == sorted(model.keys() - {"sources", *TABLES}), model["id"]
        rows = [row for table in TABLES for row in model.get(table, [])]
        assert {row["source"] for row in rows} <= data["sources"].keys()


def test_counterparts_are_models_of_the_other_catalog(data):
    """A stated counterpart exists, in this file and in the published one that it names."""
    ids = [model["id"] for model in data["models"]]
    for pair in data.get("correspondences", []):
        other = tomllib.loads((data_dir() / "catalogs" / f"{pair['catalog']}.toml").read_text())
        assert pair["model"] in ids
        assert pair["other"] in [model["id"] for model in other["models"]]


def test_published_limits_never_change():
    """The bytes of every published version of the limits are the pinned ones, and none is gone."""
    files = (data_dir() / "limits").glob("*.toml")
    found = {path.stem: sha256(path.read_bytes()).hexdigest() for path in files}
    assert found == PINNED_LIMITS, (
        "A file in data/limits is not the one that was published. A published version never changes: "
        "publish the correction as a new version, with its own pin here."
    )
