"""The currency of a workload file: its amounts are named by it, ``budget_cny_per_month`` in one in CNY."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from kimi_planner.catalog import ALL_PRICES, Catalog
from kimi_planner.errors import SettingError, WorkloadError, shown
from kimi_planner.money import named
from kimi_planner.toml_file import TomlFile, TomlTable

if TYPE_CHECKING:
    from kimi_planner.workload.model import Workload

USD = "USD"
#: Keys of a file that hold amounts, as they are in USD.
AMOUNTS = frozenset(
    (
        *("budget_usd_per_month", "value_usd_per_success", "failure_usd", "credit_usd_per_month"),
        *("usd", "usd_by_month", "usd_by_workload", *ALL_PRICES),
    )
)


def parse_currency(value: object) -> str:
    """Return three letters that name a currency.

    Raises
    ------
    WorkloadError
        If it is something else.
    """
    if not isinstance(value, str) or not re.fullmatch("[A-Z]{3}", value):
        raise WorkloadError(f'currency is {shown(value)}. Give three letters, such as "CNY".')
    return value


def in_usd_names(toml: TomlFile) -> TomlFile:
    """Return a file whose keys are those of one in USD, whatever currency its amounts are in.

    Raises
    ------
    WorkloadError
        If the currency is none, or a key is named by another one.
    """
    top = TomlTable(toml, toml.data)
    if "currency" not in top:
        return toml
    try:
        currency = parse_currency(toml.data["currency"])
    except WorkloadError as error:
        raise top.fail("currency", str(error)) from None
    if currency == USD:
        return toml
    return toml.renamed(lambda key: _checked(key, currency, toml), lambda key: named(key, currency))


def _checked(key: str, currency: str, toml: TomlFile) -> str:
    if key in AMOUNTS:
        own = named(key, currency)
        raise WorkloadError(
            f"{key} is in USD, and the currency of the file is {currency}. Write {own}, in {currency}; "
            "nothing is converted.",
            at=toml.line_of(key),
        )
    return {named(one, currency): one for one in AMOUNTS}.get(key, key)


def written_in(values: Mapping[str, Any], currency: str) -> dict[str, Any]:
    """Return what a file in a currency states, its amounts named by it."""
    return {
        named(key, currency) if key in AMOUNTS else key: written_in(value, currency)
        if isinstance(value, Mapping)
        else value
        for key, value in values.items()
    }


def common_currency(currencies: Iterable[str]) -> str:
    """Return the one currency of several workloads.

    Raises
    ------
    SettingError
        If they have several.
    """
    found = sorted({*currencies})
    if len(found) > 1:
        raise SettingError(
            f"The workloads are in {' and '.join(found)}, which do not add up. Plan each currency by itself."
        )
    return found[0]


def in_currency_of(workloads: Iterable[Workload], catalog: Catalog) -> Catalog:
    """Return the prices of a plan in the currency of its workloads: the catalog, or its list in it.

    Raises
    ------
    CatalogError
        If the catalog has no such list.
    SettingError
        If the workloads have several currencies, or another one than prices or rates that are given.
    """
    currency = common_currency(one.currency for one in workloads)
    if catalog.currency == currency:
        return catalog
    if catalog.list_of is not None:
        raise SettingError(
            f"Catalog {catalog.version} has prices in {catalog.currency}, and the workloads are in {currency}: "
            f'state currency = "{catalog.currency}" in them, with every amount in it, or plan with the '
            f"catalog's with_list({catalog.currency!r}), which shows a plan in USD at that list too."
        )
    if catalog.exchanges or catalog.shown_lists:
        raise SettingError(
            f"The plan is in {currency}, and --also-in gives another currency beside USD. Leave it out."
        )
    return catalog.at_list(currency)
