"""One call's tokens, in every place where a usage object may have them."""

from decimal import Decimal
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimi_planner.billing.record import UsageRecord
from kimi_planner.errors import UsageError

BASE = {"prompt_tokens": 100, "completion_tokens": 40}


def usage(**more):
    return BASE | more


@pytest.mark.parametrize(
    ("more", "cached", "reasoning"),
    [
        ({}, None, None),
        ({"cached_tokens": 30}, 30, None),
        ({"prompt_tokens_details": {"cached_tokens": 30}}, 30, None),
        ({"prompt_tokens_details": {"cached_tokens": 30}, "cached_tokens": 30}, 30, None),
        ({"prompt_tokens_details": {"cached_tokens": 0}, "cached_tokens": 30}, 0, None),
        ({"prompt_tokens_details": {"cached_tokens": None}, "cached_tokens": 30}, 30, None),
        ({"prompt_tokens_details": None, "cached_tokens": 30}, 30, None),
        ({"prompt_tokens_details": {"audio_tokens": 0}}, None, None),
        ({"completion_tokens_details": {"reasoning_tokens": 20}}, None, 20),
        ({"reasoning_tokens": 20}, None, 20),
        ({"completion_tokens_details": {"reasoning_tokens": 20}, "reasoning_tokens": 20}, None, 20),
        ({"total_tokens": 140, "created_cache_tokens": 70, "cached_tokens": 1}, 1, None),
    ],
)
def test_parts_are_read_nested_else_at_the_top_and_never_added(more, cached, reasoning):
    """A part stated twice counts once; one that is not stated is unknown, not zero."""
    record = UsageRecord.of(usage(**more))
    assert record == UsageRecord(
        prompt_tokens=100, completion_tokens=40, cached_tokens=cached, reasoning_tokens=reasoning,
        written_5m_tokens=more.get("created_cache_tokens"),
    )  # fmt: skip


def test_what_is_not_stated_adds_nothing_to_the_usage_by_meter():
    """All is input and output; what is stated takes its place in them."""
    found = UsageRecord(**BASE).as_usage()
    assert (found.amounts, found.reasoning) == ({"input": 100, "output": 40}, 0)
    stated = UsageRecord(**BASE, cached_tokens=30, reasoning_tokens=20).as_usage()
    assert stated.amounts == {"input": 70, "cached": 30, "output": 40}
    assert stated.reasoning == 20


def test_a_clients_object_reads_like_its_json():
    """Attributes are read as keys are."""
    details = SimpleNamespace(cached_tokens=30)
    given = SimpleNamespace(**BASE, prompt_tokens_details=details, total_tokens=140)
    record = UsageRecord.of(given)
    assert (record.prompt_tokens, record.cached_tokens, record.completion_tokens) == (100, 30, 40)
    assert UsageRecord.of(record) is record


@pytest.mark.parametrize("value", [7, 7.0, np.int64(7), np.float64(7)])
def test_counts_become_plain_integers(value):
    """Whole numbers of any type are kept as int."""
    record = UsageRecord(prompt_tokens=value, completion_tokens=0)
    assert type(record.prompt_tokens) is int
    assert record.prompt_tokens == 7


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (-1, "is -1. A number of tokens cannot be negative."),
        (1.5, "is 1.5. It must be a whole number of tokens."),
        (float("nan"), "is nan. It must be a whole number of tokens."),
        (float("inf"), "is inf. It must be a whole number of tokens."),
        (1e30, "is 1e+30. More than 1e+15 tokens in one row cannot be meant."),
        (10**15 + 1, "is 1000000000000001. More than 1e+15 tokens in one row cannot be meant."),
        (True, "is True. It must be a whole number of tokens."),
        ("12", "is '12'. It must be a whole number of tokens."),
        ([1], "is [1]. It must be a whole number of tokens."),
        (10**5000, "is int too large to show. More than 1e+15 tokens in one row cannot be meant."),
    ],
    ids=["negative", "half", "nan", "inf", "absurd", "above", "bool", "text", "list", "digits"],
)
@pytest.mark.parametrize("name", ["prompt_tokens", "completion_tokens", "cached_tokens"])
def test_what_is_no_number_of_tokens_is_refused(name, value, said):
    """The error names the count, its value and what is allowed."""
    with pytest.raises(UsageError) as caught:
        UsageRecord.of(usage(**{name: value}))
    assert str(caught.value) == f"{name} {said}"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (usage(cached_tokens=101), r"cached_tokens \(101\) cannot exceed prompt_tokens \(100\)"),
        (usage(reasoning_tokens=41), r"reasoning_tokens \(41\) cannot exceed completion_tokens"),
        (usage(total_tokens=141), r"total_tokens \(141\) is not .* \(100 \+ 40\)"),
        ({"prompt_tokens": 1}, "completion_tokens is missing from the usage object"),
        ({}, r"prompt_tokens is missing from the usage object \{\}"),
        (None, "prompt_tokens is missing from the usage object None"),
        ("text", "prompt_tokens is missing from the usage object 'text'"),
    ],
)
def test_contradictions_and_gaps_are_refused(given, said):
    """Parts cannot exceed their whole, totals must add up, and both counts must be there."""
    with pytest.raises(UsageError, match=said):
        UsageRecord.of(given)


@given(st.integers(0, 10**15), st.integers(0, 10**15), st.data())
def test_every_consistent_usage_object_is_read_as_it_is(prompt, completion, data):
    """Reading an object in the OpenAI form gives back the numbers it was made of."""
    cached = data.draw(st.none() | st.integers(0, prompt))
    reasoning = data.draw(st.none() | st.integers(0, completion))
    record = UsageRecord.of(
        {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
            "prompt_tokens_details": {"cached_tokens": cached},
            "completion_tokens_details": {"reasoning_tokens": reasoning},
        }
    )
    assert (record.prompt_tokens, record.cached_tokens) == (prompt, cached)
    assert (record.completion_tokens, record.reasoning_tokens) == (completion, reasoning)


@pytest.mark.parametrize(
    ("given", "prompt", "cached", "completion", "reasoning"),
    [
        ({"input_tokens": 100, "output_tokens": 40}, 100, None, 40, None),
        ({"input_tokens": 100, "output_tokens": 40, "total_tokens": 140}, 100, None, 40, None),
        ({"input_tokens": 100, "input_tokens_details": {"cached_tokens": 30}, "output_tokens": 40,
          "output_tokens_details": {"reasoning_tokens": 20}}, 100, 30, 40, 20),
        ({"input_tokens": 60, "cache_read_input_tokens": 30, "cache_creation_input_tokens": 10,
          "output_tokens": 40}, 100, 30, 40, None),
        ({"input_tokens": 100, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0,
          "output_tokens": 40}, 100, 0, 40, None),
        ({"prompt_tokens": 100, "completion_tokens": 40, "cache_read_input_tokens": 30}, 100, 30, 40, None),
    ],
    ids=["bare", "total", "responses", "anthropic", "anthropic without cache", "gateway"],
)  # fmt: skip
def test_other_apis_are_read_as_they_count(given, prompt, cached, completion, reasoning):
    """Responses include cached tokens in the input; Anthropic leaves them out."""
    wanted = UsageRecord(
        prompt_tokens=prompt, cached_tokens=cached,
        completion_tokens=completion, reasoning_tokens=reasoning,
        written_5m_tokens=given.get("cache_creation_input_tokens"),
    )  # fmt: skip
    assert UsageRecord.of(given) == wanted
    assert UsageRecord.of(SimpleNamespace(**given)) == wanted
    assert UsageRecord.of({"id": "x", "usage": given}) == wanted


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"input_tokens": 5}, "output_tokens is missing from the usage object"),
        ({"input_tokens": -5, "cache_read_input_tokens": 9, "output_tokens": 1}, "input_tokens is -5"),
        ({"input_tokens": 5, "cache_read_input_tokens": "9", "output_tokens": 1}, "cache_read_input_tokens is '9'"),
        ({"input_tokens": 5, "output_tokens": 1, "total_tokens": 7}, r"total_tokens \(7\) is not"),
        ({"input_tokens": 5, "input_tokens_details": {"cached_tokens": 6}, "output_tokens": 1}, "cannot exceed"),
    ],
)  # fmt: skip
def test_faults_of_other_apis_are_refused(given, said):
    """Parts that are added must be counts by themselves, and totals must add up."""
    with pytest.raises(UsageError, match=said):
        UsageRecord.of(given)


@pytest.mark.parametrize(
    ("tokens", "said"),
    [
        ("1e999999", "More than"),
        ("1e1000000", "whole"),
        ("-1e999999", "negative"),
        ("NaN", "whole"),
        ("sNaN", "whole"),
        ("0.5", "whole"),
    ],
)
def test_a_decimal_is_held_to_the_bounds_before_it_is_written_out(tokens, said):
    """A million digits take minutes and memory to become a whole number, and cannot be meant."""
    with pytest.raises(UsageError, match=said):
        UsageRecord(prompt_tokens=Decimal(tokens), completion_tokens=1)
    assert UsageRecord(prompt_tokens=Decimal("5"), completion_tokens=1).prompt_tokens == 5
