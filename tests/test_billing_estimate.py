"""A request before it is sent: tokens, exact cost, fit, and how exact that is."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from kimi_planner import count_messages, estimate, load_catalog
from kimi_planner.errors import RequestError, UnknownModelError

QUESTION = "你好，我叫李雷，1+1等于多少？"
MESSAGES = [{"role": "user", "content": QUESTION}]


def body(**more: Any) -> dict[str, Any]:
    return {"model": "kimi-k2", "messages": MESSAGES, "temperature": 0.3, **more}


def test_a_recorded_call() -> None:
    """A call billed 19 prompt and 21 completion tokens has its exact cost, and says it is billed."""
    found = estimate(body(), completion_tokens=21)
    assert (found.prompt_tokens, found.completion_tokens, found.exactness) == (19, 21, "billed")
    assert found.cost.total_usd == (19 * Decimal("1.20") + 21 * Decimal("3.60")) / 1_000_000
    assert found.fits is True
    assert "kimi-k2: prompt 19 + completion 21 tokens, 0.000098 USD, fits; billed." in str(found)


def test_the_cost_of_the_prompt_alone_and_at_most() -> None:
    """Without an expected answer the cost is the prompt's; the limit bounds what it can be."""
    found = estimate(body(max_tokens=1000))
    assert found.cost.total_usd == 19 * Decimal("1.20") / 1_000_000
    assert found.max_cost is not None
    assert found.max_cost.output_usd == 1000 * Decimal("3.60") / 1_000_000
    assert estimate(body()).max_cost is None


def test_several_answers_are_billed_several_times() -> None:
    """`n` answers cost n times, the prompt once; each reserves its own output."""
    found = estimate(body(n=3, max_tokens=50), completion_tokens=21)
    assert found.completion_tokens == 63
    assert found.cost.input_usd == estimate(body()).cost.input_usd
    assert found.max_cost is not None
    assert found.max_cost.output_usd == 150 * Decimal("3.60") / 1_000_000
    assert found.reserved_tokens == 50


def test_every_answer_has_the_window_to_itself() -> None:
    """Five answers of 30,000 tokens fit where one does, though their bill is five times as long."""
    found = estimate(body(n=5), completion_tokens=30_000)
    assert (found.fits, found.completion_tokens, found.answer_tokens) == (True, 150_000, 30_000)


@pytest.mark.parametrize(
    ("reserved", "completion", "fits"),
    [
        (127_981, None, True),
        (127_982, None, False),
        (None, 127_981, True),
        (None, 127_982, False),
        (None, None, None),
    ],
)
def test_fit_at_the_edge_of_the_window(
    reserved: int | None, completion: int | None, fits: bool | None
) -> None:
    """19 prompt tokens leave 127,981; without a limit or an expectation nothing is claimed."""
    limit = {} if reserved is None else {"max_completion_tokens": reserved}
    found = estimate(body(**limit), completion_tokens=completion)
    assert found.room_tokens == 127_981
    assert found.fits is fits


def test_a_prompt_longer_than_the_window_never_fits() -> None:
    """A prompt that is too long by itself does not fit, whatever is reserved."""
    long = [{"role": "user", "content": "word " * 130_000}]
    found = estimate({"model": "kimi-k2", "messages": long})
    assert found.prompt_tokens > 128_000
    assert found.fits is False


def test_an_unknown_window_is_not_a_fit() -> None:
    """Where the catalog states no window nothing is said of the fit."""
    catalog = load_catalog()
    models = tuple(replace(spec, context_window_tokens=None) for spec in catalog)
    found = estimate(body(max_tokens=5), catalog=replace(catalog, models=models))
    assert (found.fits, found.room_tokens) == (None, None)


def test_the_newer_limit_comes_first() -> None:
    """`max_completion_tokens` replaces the older `max_tokens`."""
    found = estimate(body(max_tokens=10, max_completion_tokens=20))
    assert found.reserved_tokens == 20


def test_another_model_can_be_asked() -> None:
    """The same request on another model has that model's template and price."""
    found = estimate(body(), model="kimi-k2-5")
    assert found.model == "kimi-k2-5"
    assert found.exactness == "template"
    assert any("thinking off" in reason for reason in found.why)


def test_images_are_an_estimate_with_a_range() -> None:
    """An image makes the count an estimate, and its range stands in the result."""
    url = "https://example.org/cat.png"
    message = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}
    request = {"model": "kimi-k2-5", "messages": [message]}
    found = estimate(request, image_sizes={url: (280, 280)})
    assert found.exactness == "estimate"
    assert (found.prompt_low, found.prompt_high) == (found.prompt_tokens, found.prompt_tokens + 1)
    assert found.prompt_tokens == count_messages(
        [message], "kimi-k2-5", image_sizes={url: (280, 280)}
    )
    with pytest.raises(RequestError, match="is elsewhere"):
        estimate(request)


@pytest.mark.parametrize("key", ["response_format", "tool_choice"])
def test_what_no_template_shows_is_said(key: str) -> None:
    """A setting that may add tokens in a way nobody published is named."""
    found = estimate(body(**{key: {"type": "json_object"}}))
    assert found.exactness == "template"
    assert any(key in reason for reason in found.why)


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"model": "kimi-k2"}, "no messages"),
        ("hello", "no messages"),
        ({"messages": MESSAGES}, "model is None"),
        (body(model=3), "model is 3"),
        (body(max_tokens=0), "max_tokens is 0"),
        (body(max_tokens="9"), "max_tokens is '9'"),
        (body(n=True), "n is True"),
        (body(functions=[{"name": "f"}]), "Use tools"),
    ],
)
def test_malformed_requests_are_named(request_: Any, words: str) -> None:
    """Each fault is one error that names the key and the value."""
    with pytest.raises(RequestError, match=words):
        estimate(request_)


def test_impossible_expectations_are_refused() -> None:
    """An answer cannot be longer than the request allows, nor negative."""
    with pytest.raises(RequestError, match="allows 10"):
        estimate(body(max_tokens=10), completion_tokens=11)
    with pytest.raises(RequestError, match="completion_tokens is -1"):
        estimate(body(), completion_tokens=-1)
    with pytest.raises(UnknownModelError, match="kimi-k9"):
        estimate(body(), model="kimi-k9")
