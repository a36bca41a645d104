"""What the vendor billed, held against a log at the prices of the catalog, so that an error shows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import pandas as pd

from kimi_planner.arguments import public
from kimi_planner.billing.dated import Prices
from kimi_planner.billing.meters import METERS, Usage, fee_key, title_of
from kimi_planner.catalog import Catalog, load_catalog
from kimi_planner.csv_file import CsvTable
from kimi_planner.errors import UsageError, Where, shown, unknown
from kimi_planner.files import read_text
from kimi_planner.limits import TEXT_BYTES
from kimi_planner.money import cents, exact_decimal, rounded, total, usd_text
from kimi_planner.notes import Note, note
from kimi_planner.rich import Page, Shown
from kimi_planner.usage.totals.result import UsageTotals
from kimi_planner.usage.totals.spend import keys_to_price, named, priced_cell, totals_to_price

_PERIODS = {"day": r"20\d\d-\d\d-\d\d", "month": r"20\d\d-\d\d"}
_GROUPED = re.compile(r"-?[1-9]\d{0,2}(,\d{3})+(\.\d+)?")  # 12,50 is no number here
_EITHER = re.compile(r"-?[1-9]\d{0,2},\d{3}")  # 1,250 where a comma may be that of decimals
_OTHERS = ("tax", "credit")
_COLUMNS = ("model", "meter", "quantity", "amount_usd")

#: Period, model and meter.
Key = tuple[str, str, str]


@dataclass(frozen=True, kw_only=True)
class InvoiceLine:
    """One meter of a model in a period: as it was billed, and as the log has it.

    Attributes
    ----------
    period, model, meter
        Day or month as the invoice has it; ids of the catalog.
    billed, logged
        Tokens, or calls of a fee.
    billed_usd, expected_usd
        What the invoice says, and the log at the prices of the catalog.
    quantity_usd, price_usd
        What of the difference is another quantity, at the price of the catalog, and what is another
        price. They add up to it.
    """

    period: str
    model: str
    meter: str
    billed: Decimal
    logged: Decimal
    billed_usd: Decimal
    expected_usd: Decimal
    quantity_usd: Decimal
    price_usd: Decimal

    @property
    def difference_usd(self) -> Decimal:
        """Billed less expected."""
        return total([self.billed_usd, self.expected_usd.copy_negate()])


@dataclass(frozen=True, kw_only=True, repr=False)
class InvoiceCheck(Shown):
    """An invoice beside a log.

    Attributes
    ----------
    lines
        Every meter that either of them has, in periods that the log covers.
    others
        From ``tax`` and ``credit`` to what the invoice has of them, USD; a log knows of neither.
    notes
        What is left out, or cannot be told.
    source
        Invoice and log.
    """

    lines: tuple[InvoiceLine, ...]
    others: Mapping[str, Decimal]
    notes: tuple[Note, ...]
    source: str

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per line, exact decimals: `InvoiceLine` and ``difference_usd``."""
        names = [*InvoiceLine.__dataclass_fields__, "difference_usd"]
        rows = [{name: getattr(line, name) for name in names} for line in self.lines]
        return pd.DataFrame(rows, columns=names, dtype=object)

    @property
    def billed_usd(self) -> Decimal:
        """All that was billed for these periods."""
        return total(line.billed_usd for line in self.lines)

    @property
    def expected_usd(self) -> Decimal:
        """What the log costs at the prices of the catalog."""
        return total(line.expected_usd for line in self.lines)

    @property
    def difference_usd(self) -> Decimal:
        """Billed less expected."""
        return total([self.billed_usd, self.expected_usd.copy_negate()])

    def page(self) -> Page:
        """Return what was billed and expected by period, model and meter, and in all."""
        names = ("billed_usd", "expected_usd", "quantity_usd", "price_usd", "difference_usd")
        sums = {name: total(self.frame[name]) for name in names}
        billed, expected, quantity, price, difference = map(usd_text, sums.values())
        beside = "".join(f"; {name} {usd_text(amount)}" for name, amount in self.others.items())
        return Page(
            title=f"USD: {billed} billed, {expected} expected at the prices of the catalog; difference "
            f"{difference}, {quantity} of it quantity and {price} price{beside}",
            frame=pd.concat(
                [self.frame, pd.DataFrame([{"period": "all", **sums}])], ignore_index=True
            ),
            columns=("period", "model", "meter", *names),
            notes=self.notes,
            provenance=self.source,
        )


@public
def check_invoice(
    invoice: str | Path,
    log: UsageTotals | pd.DataFrame | str | Path,
    *,
    model: str | None = None,
    catalog: Catalog | str | Path | None = None,
    alias: Mapping[str, str] | None = None,
) -> InvoiceCheck:
    r"""Hold what the vendor billed against a log at the prices of the catalog, line by line.

    Parameters
    ----------
    invoice : str or Path
        A CSV file with the columns ``day`` or ``month``, ``model``, ``meter`` (``input``,
        ``cached input``, ``output``, … or the name of a fee), ``quantity`` in tokens or calls, and
        ``amount_usd``, before tax. Tax and credits are lines whose meter is ``tax`` or ``credit``,
        without model and quantity.
    log : UsageTotals, DataFrame or path
        What :func:`total_usage` takes, or what it returned by model and the periods of the invoice.
    model : str, optional
        Take every row of the log as this model.
    catalog : Catalog, str or Path, optional
        Whose prices; the default catalog if not given.
    alias : mapping of str to str, optional
        From a name of a model to the id of the catalog that it means.

    Returns
    -------
    InvoiceCheck
        A row for each meter, with the difference and what of it is quantity and what is price.
        Periods outside of the log are left out and named.

    Raises
    ------
    FileError, UsageError
        If the invoice cannot be read; the message names the line, the value and the remedy.
    UnknownModelError, PriceNotFoundError
        If the catalog does not have ``model``.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> log = pd.DataFrame({"timestamp": ["2026-12-01T10:00Z"], "model": ["kimi-k2"],
    ...     "prompt_tokens": [2_000_000], "completion_tokens": [100_000]})
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "bill.csv"
    ...     _ = path.write_text("day,model,meter,quantity,amount_usd\n"
    ...         "2026-12-01,kimi-k2,input,2000000,2.40\n2026-12-01,kimi-k2,output,100000,0.72\n")
    ...     check = check_invoice(path, log, catalog="2026-06")
    >>> check.frame[["meter", "billed_usd", "expected_usd", "price_usd"]].to_numpy().tolist()
    [['input', Decimal('2.40'), Decimal('2.4'), Decimal('0')], ['output', Decimal('0.72'), Decimal('0.36'), Decimal('0.36')]]
    """
    prices = Prices(catalog=load_catalog(catalog), alias=alias)
    period, billed, others = _read(Path(invoice), prices)
    keys = (period, "model")
    needed = keys_to_price(keys, None if model is None else [model], prices.catalog)
    totals = totals_to_price(log, needed, keys)
    logged, expected = _logged(totals, period, model, prices)
    first, last = _covered(totals, period)
    ends = min(billed)[0], max(billed)[0]
    later = [key for key in logged if not ends[0] <= key[0] <= ends[1]]
    logged = {key: amount for key, amount in logged.items() if key not in later}
    inside = [key for key in dict.fromkeys([*billed, *logged]) if first <= key[0] <= last]
    outside = {key[0] for key in billed if not first <= key[0] <= last}
    known = {spec.id for spec in prices.catalog}
    strange = {key[1] for key in billed} - known
    notes = [*totals.notes, *prices.notes([])]
    for code, chosen, some in (
        ("invoice_outside", outside, [key for key in billed if key[0] in outside]),
        ("invoice_unknown", strange, [key for key in billed if key[1] in strange]),
    ):
        if some:
            usd = total(billed[key][1] for key in some)
            said = {"what": ", ".join(sorted(chosen)), "usd": usd, "first": first, "last": last}
            notes.append(note(code, **said))
    if later:
        usd = cents(rounded(sum((expected[key] for key in later), Fraction(0))))
        what = ", ".join(sorted({key[0] for key in later}))
        notes.append(note("invoice_without", what=what, usd=f"{usd:,}"))
    notes += _in_part(totals, [key[0] for key in inside], period)
    lines = []
    order = [*METERS, *(fee_key(fee.name) for fee in prices.catalog.fees)]
    for key in sorted(inside, key=lambda one: (*one[:2], order.index(one[2]))):
        if key[1] not in known:
            continue
        quantity, amount = billed.get(key, (Decimal(0), Decimal(0)))
        price = _price(prices, key, logged, expected)
        at_price = Fraction(quantity) * price
        lines.append(
            InvoiceLine(
                **dict(zip(("period", "model", "meter"), key, strict=True)),
                billed=quantity,
                logged=logged.get(key, Decimal(0)),
                billed_usd=amount,
                expected_usd=rounded(expected.get(key, Fraction(0))),
                quantity_usd=rounded(at_price - expected.get(key, Fraction(0))),
                price_usd=rounded(Fraction(amount) - at_price),
            )
        )
    return InvoiceCheck(
        lines=tuple(lines),
        others=others,
        notes=tuple(dict.fromkeys(notes)),
        source=f"{invoice}, log {totals.source}",
    )


def _in_part(totals: UsageTotals, periods: Sequence[str], period: str) -> list[Note]:
    """Return that the log has a part of some months that are held against it."""
    if totals.days is None or period == "day":
        return []
    first, last = totals.days
    after = last + timedelta(days=1)
    partial = {f"{first:%Y-%m}"} if first.day > 1 else set()
    partial |= {f"{last:%Y-%m}"} if after.month == last.month else set()
    what = sorted(partial.intersection(periods))
    if not what:
        return []
    return [note("invoice_part", first=str(first), last=str(last), what=", ".join(what))]


def _logged(
    totals: UsageTotals, period: str, model: str | None, prices: Prices
) -> tuple[dict[Key, Decimal], dict[Key, Fraction]]:
    """Return what the log used and what that costs, by period, model and meter."""
    used: dict[Key, Decimal] = {}
    usd: dict[Key, Fraction] = {}
    for one, cell, name in named(totals, model, prices):
        part = priced_cell(one, cell, name, prices, is_asked=model is not None)
        when = cell[one.by.index(period)]
        if part is None or when is None:
            continue
        tariff, usage = part
        for meter, amount in usage:
            key = (str(when), name, meter)
            bill = tariff.map(Fraction).bill(Usage({meter: Fraction(amount)}))
            used[key] = total([used.get(key, Decimal(0)), Decimal(amount)])
            usd[key] = usd.get(key, Fraction(0)) + bill[meter]
    return {key: amount for key, amount in used.items() if amount}, usd


def _price(
    prices: Prices, key: Key, used: Mapping[Key, Decimal], usd: Mapping[Key, Fraction]
) -> Fraction:
    """Return the mean price of the log, or where it has none of the meter, of the catalog on its day."""
    if used.get(key):
        return usd[key] / Fraction(used[key])
    period, model, meter = key
    day = date.fromisoformat(period if len(period) == len("2026-12-01") else f"{period}-01")
    return Fraction(prices.on(model, day).price(meter))


def _covered(totals: UsageTotals, period: str) -> tuple[str, str]:
    """Return the first and last period of the log."""
    if totals.days is None:
        raise UsageError(
            f"{totals.source}: the log has no dates, so no invoice can be held against it."
        )
    first, last = (str(day) if period == "day" else f"{day:%Y-%m}" for day in totals.days)
    return first, last


def _read(
    path: Path, prices: Prices
) -> tuple[str, dict[Key, tuple[Decimal, Decimal]], dict[str, Decimal]]:
    """Return whether periods are days or months, quantity and amount of each line, and the others."""
    table = CsvTable(read_text(path, limit=TEXT_BYTES, fault=UsageError), path, UsageError)
    names = table.columns
    period = next((one for one in _PERIODS if one in names), None)
    missing = [name for name in _COLUMNS if names.count(name) != 1]
    if period is None or missing:
        raise UsageError(
            f"an invoice has the columns day or month, {', '.join(_COLUMNS)}. This has "
            f"{', '.join(map(shown, names)) or 'none'}.",
            at=path,
        )
    lines: dict[Key, tuple[Decimal, Decimal]] = {}
    others: dict[str, Decimal] = {}
    for where, row in table:
        kind = row["meter"].strip().lower()
        if kind in _OTHERS:
            amount = _number(where, "amount_usd", row["amount_usd"], table.sign, is_signed=True)
            others[kind] = total([others.get(kind, Decimal(0)), amount])
            continue
        key = _key(where, period, row, prices)
        amounts = [
            _number(where, name, row[name], table.sign) for name in ("quantity", "amount_usd")
        ]
        before = lines.get(key, (Decimal(0), Decimal(0)))
        quantity, amount = (total(pair) for pair in zip(before, amounts, strict=True))
        lines[key] = quantity, amount
    if not lines:
        raise UsageError("the invoice has no lines of usage.", at=path)
    return period, lines, others


def _key(where: Where, period: str, row: Mapping[str, str], prices: Prices) -> Key:
    when = row[period].strip()
    try:
        date.fromisoformat(when if period == "day" else f"{when}-01")
    except ValueError:
        when = ""
    if not re.fullmatch(_PERIODS[period], when):
        example = "2026-12-01" if period == "day" else "2026-12"
        raise UsageError(f"{period} is {shown(row[period])}. Write it as {example}.", at=where)
    titles = dict(_titles(prices.catalog))
    meter = row["meter"].strip().lower()
    if meter not in titles:
        known = dict.fromkeys(title_of(key).lower() for key in titles.values())
        raise UsageError(unknown("meter is", row["meter"], (*known, *_OTHERS)), at=where)
    model = row["model"].strip()
    if not model:
        raise UsageError("model is empty. Name the model that was billed.", at=where)
    return when, prices.named(model), titles[meter]


def _titles(catalog: Catalog) -> Iterator[tuple[str, str]]:
    """Yield what an invoice may call a meter or fee, and its key."""
    fees = [fee_key(fee.name) for fee in catalog.fees]
    for key in (*METERS, *fees):
        yield key, key
        yield title_of(key).lower(), key


def _number(where: Where, name: str, text: str, sign: str, *, is_signed: bool = False) -> Decimal:
    given = text.strip()
    if sign == ";" and _EITHER.fullmatch(given):
        advice = "It may be two numbers here. Write it without groups, with a point for decimals."
        raise UsageError(f"{name} is {shown(text)}. {advice}", at=where)
    try:
        number = exact_decimal(given.replace(",", "") if _GROUPED.fullmatch(given) else given)
    except ValueError:
        raise UsageError(
            f"{name} is {shown(text)}. Give a number, such as 1250000 or 12.50.", at=where
        ) from None
    if number < 0 and not is_signed:
        raise UsageError(
            f"{name} is {shown(text)}. Give a credit as a line of its own, with the meter credit.",
            at=where,
        )
    return number
