"""Catalogs from other places: the package genai-prices and price files of LiteLLM."""

import json
import subprocess
import sys
from datetime import date
from decimal import Decimal
from types import ModuleType, SimpleNamespace

import pytest

from kimi_planner import Workload, load_catalog, recommend
from kimi_planner.errors import CatalogError, MissingExtraError

LITELLM = {
    "sample_spec": {"input_cost_per_token": 0.0},
    "gpt-x": {"litellm_provider": "openai", "input_cost_per_token": 1e-6},
    "moonshot/kimi-k2.5": {
        "litellm_provider": "moonshot",
        "mode": "chat",
        "input_cost_per_token": 6e-07,
        "cache_read_input_token_cost": 1e-07,
        "output_cost_per_token": 3e-06,
        "max_input_tokens": 262144,
        "max_output_tokens": 262144,
        "supports_vision": True,
        "supports_function_calling": True,
        "supports_reasoning": False,
    },
    "moonshot/kimi-latest": {"litellm_provider": "moonshot", "output_cost_per_token": 5e-06},
    "moonshot/kimi-embed": {"litellm_provider": "moonshot", "mode": "embedding"},
}


def file_of(tmp_path, data):
    path = tmp_path / "model_prices.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
    return path


def test_a_litellm_file_becomes_a_catalog(tmp_path):
    """Prices per token become exact prices per million; what it does not have is unknown."""
    path = file_of(tmp_path, LITELLM)
    for given in (path, str(path)):
        catalog = load_catalog(given)
        assert catalog.ids == ("kimi-k2.5", "kimi-latest")
    model = catalog.model("kimi-k2.5")
    assert str(model.input_usd_per_mtok) == "0.6"
    assert (model.cached_input_usd_per_mtok, model.output_usd_per_mtok) == (Decimal("0.1"), 3)
    assert model.context_window_tokens == model.max_output_tokens == 262_144
    assert model.capabilities == {"vision", "tools"}
    assert (model.lacks, model.can("reasoning"), model.can("json")) == ({"reasoning"}, False, None)
    bare = catalog.model("kimi-latest")
    assert (bare.input_usd_per_mtok, bare.context_window_tokens) == (None, None)
    assert catalog.version.startswith("model_prices.json ")
    assert catalog.source.checked_on is None
    assert {one.other for one in catalog.correspondences} == {"kimi-k2-5", "kimi-k2-5-thinking"}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ('{"a": 1,\n "b"', " line 2: not JSON"),
        ("[1]", "this is no price file of LiteLLM"),
        ({"gpt-x": LITELLM["gpt-x"]}, "no chat model with litellm_provider 'moonshot'"),
        ({"m": {"litellm_provider": "moonshot", "input_cost_per_token": -1e-6}}, "It must be a number from 0"),
        ({"m": {"litellm_provider": "moonshot", "input_cost_per_token": "0.1"}}, "input_cost_per_token of 'm' is '0.1'"),
        ({"m": {"litellm_provider": "moonshot", "input_cost_per_token": 1e-20}}, "At most 15 decimal places"),
        ('{"m": {"litellm_provider": "moonshot", "input_cost_per_token": NaN}}', "input_cost_per_token of 'm' is"),
        ("[" * 200_000, "not JSON that can be read"),
        ("", "no"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_price_file_is_refused(tmp_path, data, said):
    """One line names the file, the value and what is expected."""
    path = file_of(tmp_path, data)
    with pytest.raises(CatalogError) as caught:
        load_catalog(path)
    assert said in str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_genai_prices_becomes_a_catalog():
    """The package's version is the catalog's, its prices are exact, its age is unknown."""
    genai_prices = pytest.importorskip("genai_prices", reason="genai-prices is not installed")
    from genai_prices.data import providers

    catalog = load_catalog("genai-prices")
    assert catalog.version == f"genai-prices {genai_prices.__version__}"
    assert (catalog.published, catalog.source.checked_on) == ("", None)
    (own,) = [one for one in providers if one.id == "moonshotai"]
    assert catalog.ids == tuple(info.id for info in own.models)
    for info, model in zip(own.models, catalog, strict=True):
        assert model.context_window_tokens == info.context_window
        assert model.input_usd_per_mtok == info.prices.input_mtok
        assert model.output_usd_per_mtok == info.prices.output_mtok
        assert model.cached_input_usd_per_mtok == info.prices.cache_read_mtok


def test_a_plan_names_the_version_and_that_name_loads_it_again():
    """What a plan says of its catalog is enough to load it, and another version is refused."""
    pytest.importorskip("genai_prices", reason="genai-prices is not installed")
    catalog = load_catalog("genai-prices")
    assert load_catalog(catalog.version) == catalog
    with pytest.raises(CatalogError, match=r"Catalog genai-prices 0\.0\.0 is asked for, but"):
        load_catalog("genai-prices 0.0.0")
    workload = Workload(name="w", requests_per_day=10, prompt_tokens=100, completion_tokens=10)
    plan = recommend(workload, months=1, as_of=date(2026, 11, 25), catalog="genai-prices")
    assert catalog.version in plan.projection.provenance
    assert plan.best["w"] in [spec.id for spec in catalog if spec.status != "deprecated"]


@pytest.fixture
def package(monkeypatch):
    """Stand in for genai-prices with models of our own making."""

    def install(*models):
        data = ModuleType("genai_prices.data")
        data.providers = [SimpleNamespace(id="moonshotai", models=list(models))]
        monkeypatch.setitem(sys.modules, "genai_prices", ModuleType("genai_prices"))
        monkeypatch.setitem(sys.modules, "genai_prices.data", data)
        monkeypatch.setattr("kimi_planner.catalog.genai.version", lambda _: "9.9")
        return load_catalog("genai-prices")

    return install


def info_of(prices):
    return SimpleNamespace(id="m", name="M", context_window=None, deprecated=None, prices=prices)


def price_of(amount):
    return SimpleNamespace(input_mtok=amount, output_mtok=Decimal(5))


def test_dated_prices_of_genai_prices_stay_dated(package):
    """A price with a first day is a period; a price that depends on the size of a call is unknown."""
    dated = [
        SimpleNamespace(constraint=None, prices=price_of(Decimal(2))),
        SimpleNamespace(
            constraint=SimpleNamespace(start_date=date(2026, 9, 1)), prices=price_of(Decimal(1))
        ),
    ]
    model = package(info_of(dated)).model("m")
    assert model.on(date(2026, 8, 31)).input_usd_per_mtok == 2
    assert model.on(date(2026, 9, 1)).input_usd_per_mtok == 1
    tiered = package(info_of(price_of(SimpleNamespace(base=Decimal(1), tiers=[]))))
    assert tiered.model("m").input_usd_per_mtok is None


def test_a_form_of_genai_prices_that_is_not_known_is_refused(package):
    """Prices by the hour, or another shape, are an error and no wrong price."""
    hourly = [
        SimpleNamespace(constraint=SimpleNamespace(start_time=1), prices=price_of(Decimal(1)))
    ]
    with pytest.raises(CatalogError, match=r"genai-prices 9\.9 is not in the form that is known"):
        package(info_of(hourly))
    with pytest.raises(CatalogError, match="not in the form"):
        package(SimpleNamespace(id="m"))


def test_without_the_package_the_extra_is_named(monkeypatch):
    """A missing package is an error that says how to install it."""
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    monkeypatch.setitem(sys.modules, "genai_prices.data", None)
    with pytest.raises(MissingExtraError, match=r"extra \[prices\] adds with: pip install"):
        load_catalog("genai-prices")


def test_the_package_is_imported_only_when_asked_for():
    """Loading shipped catalogs, and planning with them, leaves genai-prices and the network alone."""
    code = (
        "import socket, sys\n"
        "def refused(*a, **k): raise AssertionError('network')\n"
        "socket.socket.connect = socket.create_connection = refused\n"
        "import kimi_planner as kp\n"
        "for name in kp.catalog.catalog_versions(): kp.load_catalog(name)\n"
        "kp.catalog.diff_catalogs('2026-06', '2026-11-public')\n"
        "print([n for n in ('genai_prices', 'pandas', 'numpy', 'httpx') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
