"""The names by which logs call the models of a catalog: with a provider before, a tag behind."""

from __future__ import annotations

import re

from kimi_planner.catalog.catalog import Catalog
from kimi_planner.catalog.model import ModelSpec

#: What may stand before a slash: providers, gateways, and what lies between them and a model.
_ROUTES = frozenset(
    [
        "@cf",
        "accounts",
        "azure",
        "azure_ai",
        "baseten",
        "bedrock",
        "chutes",
        "converse",
        "deepinfra",
        "fireworks",
        "fireworks_ai",
        "groq",
        "hf",
        "huggingface",
        "hyperbolic",
        "invoke",
        "litellm_proxy",
        "models",
        "moonshot",
        "moonshotai",
        "nebius",
        "novita",
        "nscale",
        "openai",
        "openrouter",
        "parasail",
        "projects",
        "publishers",
        "sambanova",
        "siliconflow",
        "together",
        "together_ai",
        "vercel_ai_gateway",
        "vertex_ai",
        "volcengine",
        "workers-ai",
    ]
)
_REGION = r"(?:us|us-gov|eu|apac|ap|au|jp|ca|sa|global|[a-z]{2}(?:-[a-z]+)+-\d)"
_FRONT = re.compile(rf"(?:hf:)?(?:{_REGION}\.)?(?:moonshot(?:ai)?\.)?")
#: Who serves it and how soon, which of its revisions: the model stays the same.
_END = re.compile(
    r"(?::(?:free|nitro|floor|online|exacto|extended|cloud)|@(?:default|latest)|-v\d+:\d+|-maas)$"
)
_POINT = re.compile(r"[._ ]|(?<=\d)p(?=\d)")
_DATED = re.compile(r"(.+)-((?:20\d\d-?)?[01]\d-?[0-3]\d)")


def catalog_id(name: str, catalog: Catalog) -> str | None:
    """Return the id of the model that a log's name says, ``None`` if the catalog does not have it.

    Parameters
    ----------
    name : str
        As it stands in a log.
    catalog : Catalog
        Its ids, and the ``aliases`` that it states.

    Notes
    -----
    Case, known providers and regions before a name, known tags behind it, and whether numbers have a
    point, are no difference. ``-preview`` is none behind a date, which says which model it is; and a
    date is none that is the day on which the catalog says that the model appeared. Any other name is
    another model, or a name that moves, and so is one that fits two.

    Examples
    --------
    >>> from kimi_planner.catalog import load_catalog
    >>> public = load_catalog("2026-11-public-2")
    >>> catalog_id("openrouter/moonshotai/Kimi-K2.5:free", public)
    'kimi-k2.5'
    >>> catalog_id("moonshotai/kimi-k2.5-0127", public), catalog_id("kimi-k2-0905", public)
    ('kimi-k2.5', 'kimi-k2-0905-preview')
    >>> print(catalog_id("kimi-k2", public), catalog_id("kimi-latest", public))
    None None
    """
    same = {model.id for model in catalog if name in (model.id, *model.aliases)}
    *fronts, last = name.strip().lower().split("/")
    if not same and all(front in _ROUTES or re.fullmatch(_REGION, front) for front in fronts):
        while (shorter := _END.sub("", last)) != last:
            last = shorter
        last = _spelling(_FRONT.sub("", last, count=1).replace("@", "-"))
        same = {model.id for model in catalog if last in _spellings(model)}
        if not same and (dated := _DATED.fullmatch(last)):
            stem, day = dated[1], dated[2].replace("-", "")
            same = {one.id for one in catalog if stem in _spellings(one) and day in _days(one)}
    return same.pop() if len(same) == 1 else None


def _days(model: ModelSpec) -> set[str]:
    """Return the days on which a model appeared, with and without the year."""
    days = [day for day in (model.released_on, model.first_seen_on) if day is not None]
    return {f"{day:{form}}" for day in days for form in ("%m%d", "%Y%m%d")}


def _spelling(name: str) -> str:
    return _POINT.sub("-", name.lower())


def _spellings(model: ModelSpec) -> set[str]:
    names = {_spelling(name) for name in (model.id, *model.aliases)}
    return names | {re.sub(r"(-\d{4})-preview$", r"\1", name) for name in names}
