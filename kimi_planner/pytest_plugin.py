"""Token budgets in tests: the marker ``token_budget`` and the fixture ``kimi``, for pytest.

Everything a test counts or prices with ``kimi`` adds up, and the sum must stay within the budget::

    @pytest.mark.token_budget(max_tokens=2000, max_usd="0.004", model="kimi-k2")
    def test_support_prompt(kimi):
        kimi.count(SUPPORT_PROMPT)

Nothing is imported until a test counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from decimal import Decimal


MARKER = "token_budget"
SHOWN = 20
MOST_TOKENS = 10**15

_meter = pytest.StashKey["TokenMeter"]()


class TokenMeter:
    """Counts and prices what one test sends, and adds it up.

    Parameters
    ----------
    model : str, optional
        Model id where a call names none; that of the test's marker.

    Attributes
    ----------
    tokens
        Prompt tokens so far.
    calls
        How often something was counted or priced.
    """

    def __init__(self, model: str | None = None) -> None:
        self.model = model
        self.tokens = 0
        self.calls = 0
        self._tokens_of: dict[str | None, int] = {}
        self._usd: list[Decimal] = []

    def count(self, text: str, *, model: str | None = None) -> int:
        """Return the exact tokens of a text, and add them.

        Raises
        ------
        RequestError
            If it is no text.
        """
        from kimi_planner.tokens.text import count_tokens

        return self._add(count_tokens(text), model or self.model)

    def count_messages(
        self,
        messages: Iterable[Mapping[str, Any]],
        *,
        tools: Iterable[Mapping[str, Any]] | None = None,
        model: str | None = None,
        **options: Any,
    ) -> int:
        """Return the prompt tokens that a chat request would be billed, and add them.

        Other options are those of `kimi_planner.count_messages`: ``as_of``, ``thinking`` and so on.

        Raises
        ------
        RequestError
            If no model is named, or the messages are malformed.
        UnknownModelError
            If the catalog has no such model.
        """
        from kimi_planner.tokens.chat import count_messages

        name = self._named(model)
        given: list[Any] = [
            list(one) if isinstance(one, Iterable) else one for one in (messages, tools)
        ]
        return self._add(count_messages(given[0], name, given[1], **options), name)

    def cost(self, usage: Any, *, model: str | None = None) -> Decimal:
        """Return the exact cost of a call in USD by its usage object, and add it.

        Its prompt tokens are added as well.

        Raises
        ------
        RequestError
            If no model is named.
        UsageError, UnknownModelError, PriceNotFoundError
            If the usage object is malformed, or the catalog cannot price it.
        """
        from kimi_planner.billing.call import cost
        from kimi_planner.billing.record import UsageRecord

        record = UsageRecord.of(usage)
        total = cost(record, self._named(model)).total_usd
        self._usd.append(total)
        self.tokens += record.prompt_tokens
        self.calls += 1
        return total

    @property
    def usd(self) -> Decimal:
        """What was counted costs as input, and what was priced costs, in USD, exactly.

        Raises
        ------
        RequestError
            If something was counted for no model.
        """
        from kimi_planner.billing.call import cost
        from kimi_planner.money import plain, total

        usage = {"completion_tokens": 0}
        counted = [
            cost({"prompt_tokens": tokens, **usage}, self._named(model)).total_usd
            for model, tokens in self._tokens_of.items()
        ]
        return plain(total([*counted, *self._usd]))

    def _named(self, model: str | None) -> str:
        from kimi_planner.errors import RequestError

        name = model or self.model
        if name is None:
            raise RequestError(
                f"No model is named. Write @pytest.mark.{MARKER}(model=…), or give model=."
            )
        return name

    def _add(self, tokens: int, model: str | None) -> int:
        self.tokens += tokens
        self.calls += 1
        self._tokens_of[model] = self._tokens_of.get(model, 0) + tokens
        return tokens


@pytest.fixture
def kimi(request: pytest.FixtureRequest) -> TokenMeter:
    """Count and price what a test sends to Kimi; the marker ``token_budget`` bounds the sum."""
    marker = request.node.get_closest_marker(MARKER)
    meter = TokenMeter(marker.kwargs.get("model") if marker else None)
    request.node.stash[_meter] = meter
    return meter


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}(max_tokens=None, max_usd=None, model=None): bounds what the test counts and "
        "prices with the fixture kimi.",
    )


@pytest.hookimpl(trylast=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """Hold a marked test against its budget: called last, so only once the test has passed."""
    marker = item.get_closest_marker(MARKER)
    if marker is not None:
        faults = _held(item, marker)
        if faults:
            pytest.fail("\n".join(faults), pytrace=False)


def _held(item: pytest.Item, marker: pytest.Mark) -> list[str]:
    """Return what is wrong, and leave the numbers for the summary and for JUnit XML."""
    from kimi_planner.errors import KimiPlannerError

    max_tokens, max_usd = _limits(marker)
    meter = item.stash.get(_meter, None)
    if meter is None or not meter.calls:
        return [f"{MARKER}: the test counted nothing. Count with the fixture kimi."]
    faults = []
    if max_tokens is not None:
        item.user_properties += [("kimi_tokens", meter.tokens), ("kimi_max_tokens", max_tokens)]
        faults += _over("has {:,} tokens; limit {:,}; {:,} over", meter.tokens, max_tokens)
    if max_usd is not None:
        try:
            usd = meter.usd
        except KimiPlannerError as error:
            return [*faults, f"{MARKER}: the cost cannot be told. {error}"]
        item.user_properties += [("kimi_usd", f"{usd:f}"), ("kimi_max_usd", f"{max_usd:f}")]
        faults += _over("costs {:f} USD; limit {:f}; {:f} over", usd, max_usd)
    return faults


def _over(words: str, used: Any, limit: Any) -> list[str]:
    """Return the fault of what is used, if that is more than the limit."""
    if used <= limit:
        return []
    share = f" ({float((used - limit) / limit):.1%})" if limit else ""
    return [f"prompt {words.format(used, limit, used - limit)}{share}"]


def _limits(marker: pytest.Mark) -> tuple[int | None, Decimal | None]:
    from kimi_planner.errors import is_whole, shown
    from kimi_planner.money import exact_decimal

    given = dict(marker.kwargs)
    max_tokens, usd = given.pop("max_tokens", None), given.pop("max_usd", None)
    model = given.pop("model", None)
    if marker.args or given or (max_tokens is None and usd is None):
        _refuse(" takes max_tokens=, max_usd= and model=, by name.")
    if max_tokens is not None and not is_whole(max_tokens, 0, MOST_TOKENS):
        _refuse(f": max_tokens is {shown(max_tokens)}. It must be a whole number to 10^15.")
    if model is not None:  # a misspelled one would price nothing, and go unseen
        from kimi_planner.catalog import load_catalog
        from kimi_planner.errors import UnknownModelError

        if not isinstance(model, str):
            _refuse(f": model is {shown(model)}. It must be a model id.")
        try:
            load_catalog().model(model)
        except UnknownModelError as error:
            _refuse(f": {error}")
    max_usd = None
    with suppress(ValueError):
        max_usd = None if usd is None else exact_decimal(usd)
    if usd is not None and (max_usd is None or max_usd < 0):
        _refuse(f": max_usd is {shown(usd)}. It must be an amount.")
    return max_tokens, max_usd


def _refuse(fault: str) -> NoReturn:
    """Fail a test whose marker is not as it should be."""
    pytest.fail(f"{MARKER}{fault}", pytrace=False)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List the budgets of the run, the fullest first."""
    found = []
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", None) == "call":
                found += _lines(report.nodeid, dict(report.user_properties))
    if not found:
        return
    found.sort(key=lambda line: (-line[0], line[1]))
    terminalreporter.section("kimi-planner token budgets")
    for share, line in found[:SHOWN]:
        terminalreporter.line(f"{share:>7.1%}  {line}")
    if len(found) > SHOWN:
        terminalreporter.line(f"and {len(found) - SHOWN:,} more, less full")


def _lines(nodeid: str, properties: Mapping[str, Any]) -> list[tuple[float, str]]:
    """Return the share of each limit that is used, and how it reads."""
    return [
        (
            _share(float(properties[f"kimi_{name}"]), float(properties[f"kimi_max_{name}"])),
            words.format(properties[f"kimi_{name}"], properties[f"kimi_max_{name}"], nodeid),
        )
        for name, words in (("tokens", "{:,} of {:,} tokens  {}"), ("usd", "{} of {} USD  {}"))
        if f"kimi_max_{name}" in properties
    ]


def _share(used: float, limit: float) -> float:
    return used / limit if limit else (float("inf") if used else 0.0)
