"""The form of a catalog file as a JSON Schema, for editors that complete and check TOML."""

from __future__ import annotations

from typing import Any

from kimi_planner.catalog.cells import MAX_PRICE_PLACES
from kimi_planner.catalog.model import ALL_PRICES, CAPABILITIES, STATUSES, WINDOWS
from kimi_planner.catalog.provenance import MEASURED
from kimi_planner.catalog.read import KEYS, LIST_PRICES, TAXES
from kimi_planner.catalog.read_model import (
    BEHAVIOUR_KEYS,
    MAX_WINDOW_TOKENS,
    MODEL_KEYS,
    PERIOD_KEYS,
    RENDERING_KEYS,
)
from kimi_planner.catalog.rendering import CHAT_TEMPLATES, MAX_PATCHES, RENDERING_WORDS

_TEXT = {"type": "string", "pattern": r"\S"}
_DATE = {"type": "string", "format": "date", "description": "A date: 2026-11-24, without quotes."}
_PRICE = {
    "type": "string",
    "pattern": rf"^[0-9]{{1,9}}(\.[0-9]{{1,{MAX_PRICE_PLACES}}}0*)?$",
    "description": 'USD per 1,000,000 tokens, a decimal string: "2.50".',
}
_TOKENS = {"type": "integer", "minimum": 1, "maximum": MAX_WINDOW_TOKENS}
_RATING = {
    "type": "object",
    "properties": {
        "rating": {"type": "integer", "minimum": 1, "maximum": 9},
        "words": _TEXT,
        "reading": _TEXT,
    },
    "required": ["rating", "words", "reading"],
    "additionalProperties": False,
}
_CAPABILITIES = {"type": "array", "items": {"enum": sorted(CAPABILITIES)}}
_RATIO = {**_PRICE, "description": "A ratio, a decimal string."}
#: The form of each key, wherever it stands; any other key is text.
_FORMS: dict[str, dict[str, Any]] = {
    "version": {**_TEXT, "description": "Name of the version, the same as the file's."},
    "published": {"type": "string", "pattern": r"^\d{4}-(0[1-9]|1[0-2])$"},
    "currency": {"type": "string"},
    "tax": {"enum": list(TAXES)},
    "verified": {"type": "boolean"},
    "batch_multiplier": {**_PRICE, "description": "What every price is multiplied by in a batch."},
    "usd_per_call": {**_PRICE, "description": 'USD per call, a decimal string: "0.005".'},
    **{key: {"type": "array", "items": _TEXT} for key in ("aliases", "use_cases")},
    **dict.fromkeys(("capabilities", "has", "lacks"), _CAPABILITIES),
    "reasoning_efforts": {
        "type": "array",
        "items": {"enum": list(RENDERING_WORDS["default_effort"])},
    },
    "output_tokens_per_second": {**_PRICE, "description": "Tokens, a decimal string."},
    "of": {"enum": list(MEASURED)},
    "effort": {"enum": list(RENDERING_WORDS["default_effort"])},
    **dict.fromkeys(("low", "high"), _RATIO),
    "chat_template": {"enum": list(CHAT_TEMPLATES)},
    "status": {"enum": list(STATUSES)},
    **{key: {"enum": list(words)} for key, words in RENDERING_WORDS.items()},
    "image_patches": {"type": "integer", "minimum": 1, "maximum": MAX_PATCHES},
    "reasoning_depth": _RATING,
    "speed": _RATING,
    **dict.fromkeys((*ALL_PRICES, *LIST_PRICES), _PRICE),
    **dict.fromkeys(WINDOWS, _TOKENS),
    **dict.fromkeys(
        ("checked_on", "released_on", "first_seen_on", "retired_on", "effective_from"), _DATE
    ),
    **dict.fromkeys(("effective_to", "known_on"), _DATE),
}


def catalog_schema() -> dict[str, Any]:
    """Return the JSON Schema, draft 2020-12."""
    lists = {
        "conflicts": _table(KEYS["conflicts"], optional=("model",)),
        "fees": _table(KEYS["fees"]),
        "list_prices": _table(KEYS["list_prices"], optional=LIST_PRICES),
        "correspondences": _table(KEYS["correspondences"]),
    }
    names = {"type": "array", "items": {"enum": [key for key in MODEL_KEYS if key != "sources"]}}
    model = _table(MODEL_KEYS, optional=[key for key in MODEL_KEYS if key not in ("id", "sources")])
    model["properties"] |= {
        "prices": _sourced(PERIOD_KEYS),
        "rendering": _sourced(RENDERING_KEYS),
        "behaviour": {
            "type": "array",
            "minItems": 1,
            "items": _table(BEHAVIOUR_KEYS, optional=("low", "high", "effort")),
        },
        "sources": {"type": "object", "additionalProperties": names},
    }
    top = _table(KEYS[""], optional=("base_url", "tax", *lists))
    top["properties"] |= {
        "currency": {"const": "USD"},
        "sources": {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": _table(KEYS["sources"], optional=("verified",)),
        },
        "models": {"type": "array", "minItems": 1, "items": model},
        **{key: {"type": "array", "items": one} for key, one in lists.items()},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A catalog of kimi-planner: prices and capabilities of models",
        **top,
    }


def _sourced(keys: Any) -> dict[str, Any]:
    """Return the form of a list of tables in which all but the source may be missing."""
    optional = [key for key in keys if key != "source"]
    return {"type": "array", "minItems": 1, "items": _table(keys, optional)}


def _table(keys: Any, optional: Any = ()) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {key: _FORMS.get(key, _TEXT) for key in keys},
        "required": [key for key in keys if key not in optional],
        "additionalProperties": False,
    }
