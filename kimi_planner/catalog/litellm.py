"""A price file of LiteLLM, such as model_prices_and_context_window.json, as a catalog."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

from kimi_planner.catalog.catalog import Catalog
from kimi_planner.catalog.cells import MAX_PRICE_PLACES
from kimi_planner.catalog.model import ModelSpec, sourced
from kimi_planner.catalog.provenance import Source
from kimi_planner.errors import CatalogError, restated, shown
from kimi_planner.files import read_text
from kimi_planner.json_text import once, parsed_json
from kimi_planner.limits import TEXT_BYTES
from kimi_planner.money import EXACT, decimal_places, exact_decimal

PROVIDER = "moonshot"
_PRICES = {
    "input_cost_per_token": "input_usd_per_mtok",
    "cache_read_input_token_cost": "cached_input_usd_per_mtok",
    "output_cost_per_token": "output_usd_per_mtok",
    "cache_creation_input_token_cost": "cache_write_5m_usd_per_mtok",
    "cache_creation_input_token_cost_above_1hr": "cache_write_1h_usd_per_mtok",
}
_CAPABILITIES = {
    "supports_vision": "vision",
    "supports_video_input": "video",
    "supports_response_schema": "json",
    "supports_reasoning": "reasoning",
    "supports_function_calling": "tools",
}


def litellm_catalog(path: Path) -> Catalog:
    """Read Moonshot's models from a price file of LiteLLM.

    The file has no version, so the catalog is named by the file and the start of its sha256. Its
    age is unknown.

    Raises
    ------
    CatalogError
        If the file is not JSON, has no model of Moonshot, or a value is not a number.
    """
    text = read_text(path, limit=TEXT_BYTES, fault=CatalogError)
    advice = "Give a price file of LiteLLM."
    data = parsed_json(
        text, path, advice, fault=CatalogError, parse_float=Decimal, object_pairs_hook=_own_once
    )
    digest = sha256(path.read_bytes()).hexdigest()
    version = f"{path.name} {digest[:12]}"
    source = Source(key="litellm", title=f"LiteLLM, price file {path.name}", checked_on=None)
    with restated(at=path, of=CatalogError):
        models = tuple(_model(key, entry, version) for key, entry in _own_entries(data).items())
    return Catalog(
        version=version,
        source=source,
        sources={source.key: source},
        models=models,
        sha256=digest,
    )


def _own_entries(data: Any) -> dict[str, Mapping[str, Any]]:
    if not isinstance(data, dict):
        raise CatalogError(
            "this is no price file of LiteLLM. It holds one object with a key for each model."
        )
    found = {key: entry for key, entry in data.items() if _is_own(entry)}
    if not found:
        raise CatalogError(
            f"no chat model with litellm_provider {PROVIDER!r}. Give a price file of LiteLLM that "
            "has Moonshot's models."
        )
    return found


def _is_own(entry: Any) -> bool:
    if not isinstance(entry, dict) or entry.get("litellm_provider") != PROVIDER:
        return False
    return bool(entry.get("mode", "chat") == "chat")


def _own_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object in which no model of ours stands twice; of others' some do in published files."""
    made = dict(pairs)
    once(pairs if _is_own(made) else [(key, value) for key, value in pairs if _is_own(value)])
    return made


def _model(key: str, entry: Mapping[str, Any], version: str) -> ModelSpec:
    def number(name: str) -> Decimal | None:
        value = entry.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | Decimal) or value < 0:
            raise CatalogError(f"{name} of {key!r} is {shown(value)}. It must be a number from 0.")
        with restated(about=f"{name} of {key!r}", of=ValueError, fault=CatalogError):
            return exact_decimal(value)

    values: dict[str, Any] = {"id": key.removeprefix(f"{PROVIDER}/")}
    for theirs, ours in _PRICES.items():
        per_token = number(theirs)
        if per_token is not None:
            price = per_token.scaleb(6, EXACT)
            if decimal_places(price) > MAX_PRICE_PLACES:
                raise CatalogError(
                    f"{theirs} of {key!r} is {per_token}. At most "
                    f"{MAX_PRICE_PLACES + 6} decimal places are supported."
                )
            values[ours] = price
    for theirs, ours in (
        ("max_input_tokens", "context_window_tokens"),
        ("max_output_tokens", "max_output_tokens"),
    ):
        tokens = number(theirs)
        if tokens is not None:
            values[ours] = int(tokens)
    for field, answer in (("capabilities", True), ("lacks", False)):
        words = [ours for theirs, ours in _CAPABILITIES.items() if entry.get(theirs) is answer]
        values[field] = frozenset(words)
    return sourced(values, "litellm", version)
