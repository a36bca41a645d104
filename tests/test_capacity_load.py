"""Limits files: the published table, strict keys, errors with file and line."""

import shutil
from decimal import Decimal

import pytest

from kimi_planner.capacity import load_limits
from kimi_planner.capacity.limits import limits_versions
from kimi_planner.errors import LimitsError
from kimi_planner.files import data_dir

SHIPPED = data_dir() / "limits" / "2026-11.toml"
INF = float("inf")

# Moonshot's page "Recharge and Rate Limits": recharge USD, concurrency, RPM, TPM, TPD.
PUBLISHED = [
    (1, 1, 3, 500_000, 1_500_000),
    (10, 50, 200, 2_000_000, INF),
    (20, 100, 500, 3_000_000, INF),
    (100, 200, 5_000, 3_000_000, INF),
    (1_000, 400, 5_000, 4_000_000, INF),
    (3_000, 1_000, 10_000, 5_000_000, INF),
]


def test_the_tiers_are_the_published_table():
    """Every cell equals the table as it was typed in here."""
    limits = load_limits()
    names = ("concurrency", "requests_per_minute", "tokens_per_minute", "tokens_per_day")
    found = [
        (tier.cumulative_recharge_usd, *(tier.allowed(name) for name in names)) for tier in limits
    ]
    assert found == PUBLISHED
    assert [tier.tier for tier in limits] == [0, 1, 2, 3, 4, 5]
    assert all(isinstance(tier.cumulative_recharge_usd, Decimal) for tier in limits)


def test_fees_and_rules_have_sources():
    """The fee is a range in exact decimals; fee, tiers and rules name sources with a date."""
    limits = load_limits("2026-11")
    fee = limits.fee("web search")
    assert (fee.low_usd_per_call, fee.high_usd_per_call) == (Decimal("0.004"), Decimal("0.005"))
    rules = {rule.name: rule.rule for rule in limits.rules}
    assert rules["context window"] == "prompt tokens + max_tokens <= context window"
    assert rules["counted tokens"] == "prompt tokens + max_tokens"
    for stated in (*limits.tiers, *limits.fees, *limits.rules):
        assert limits.sources[stated.source].checked_on.year == 2026
    with pytest.raises(LimitsError, match=r"Unknown fee 'web-search'.*Did you mean 'web search'"):
        limits.fee("web-search")


def test_limits_are_taken_by_version_by_path_and_as_they_are(tmp_path):
    """A version, the path of a copy and a loaded object give the same limits."""
    limits = load_limits(limits_versions()[-1])
    assert load_limits(limits) is limits
    copy = tmp_path / "mine.toml"
    shutil.copy(SHIPPED, copy)
    assert load_limits(copy) == load_limits(str(copy)) == limits
    with pytest.raises(LimitsError, match=r"Unknown limits '2020-01'. Shipped versions: 2026-11"):
        load_limits("2020-01")


def changed(old, new):
    return lambda text: text.replace(old, new, 1)


CASES = {
    "unknown key": (changed("concurrency = 1\n", "concurency = 1\n"), [22, "'concurency'", "Did you mean 'concurrency'"]),
    "unknown top key": (changed("currency =", "currencies ="), [5, "'currencies'"]),
    "missing key": (changed("requests_per_minute = 3\n", ""), [19, "requests_per_minute is missing"]),
    "money as a number": (changed('cumulative_recharge_usd = "1"', "cumulative_recharge_usd = 1.0"), [21, "1.0", "decimal strings"]),
    "negative money": (changed('"0.004"', '"-0.004"'), ["'-0.004'", "decimal strings"]),
    "fee upside down": (changed('"0.004"', '"0.006"'), ["low_usd_per_call (0.006) is above"]),
    "zero": (changed("requests_per_minute = 3", "requests_per_minute = 0"), [23, "requests_per_minute is 0", "unlimited"]),
    "boolean": (changed("concurrency = 1\n", "concurrency = true\n"), [22, "True"]),
    "word": (changed('"unlimited"', '"endless"'), ["tokens_per_day is 'endless'", "unlimited"]),
    "wrong number": (changed("tier = 1", "tier = 2"), [29, "tier is 2", "this one is 1"]),
    "allows less": (changed("requests_per_minute = 500\n", "requests_per_minute = 100\n"), [41, "requests_per_minute of tier 2", "never allows less"]),
    "costs no more": (changed('"20"', '"10"'), [39, "not above that of tier 1"]),
    "unknown source": (changed('source = "tiers"', 'source = "hearsay"'), [26, "'hearsay'"]),
    "no date": (changed("checked_on = 2026-11-24", 'checked_on = "soon"'), [9, "'soon'", "2026-11-24"]),
    "source without title": (changed("title =", "name ="), [7, "title, checked_on"]),
    "other money": (changed('"USD"', '"CNY"'), [5, "'CNY'", "USD"]),
    "no tiers": (lambda text: text[: text.index("[[tiers]]")], ["no [[tiers]]"]),
    "no sources": (lambda text: text[: text.index("[sources")], ["no [sources"]),
    "tiers are one table": (lambda text: text[: text.index("[[tiers]]")] + "[tiers]\ntier = 0\n", ["[[tiers]]"]),
    "empty text": (changed('name = "scope"', 'name = " "'), ["name is ' '", "must be text"]),
    "empty": (lambda _: "", ["the file is empty"]),
}  # fmt: skip


@pytest.mark.parametrize(("change", "said"), CASES.values(), ids=CASES.keys())
def test_a_bad_file_is_named_with_its_line(tmp_path, change, said):
    """Each fault names the file, its line, the value and what is allowed, in one line."""
    text = SHIPPED.read_text(encoding="utf-8")
    path = tmp_path / "limits.toml"
    path.write_text(change(text), encoding="utf-8")
    assert change(text) != text
    with pytest.raises(LimitsError) as caught:
        load_limits(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    for part in said:
        assert (f"line {part}:" if isinstance(part, int) else part) in message


def test_a_file_that_is_not_there(tmp_path):
    """A missing file is named."""
    with pytest.raises(LimitsError, match="no such file"):
        load_limits(tmp_path / "no.toml")
