"""A request before it is sent: tokens, exact cost, fit, and how exact that is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from kimi_planner import count_messages, estimate, load_catalog
from kimi_planner.billing.estimate import Estimate
from kimi_planner.catalog import catalog_versions
from kimi_planner.errors import RequestError, UnknownModelError

QUESTION = "你好，我叫李雷，1+1等于多少？"
ANSWER = " 你好，李雷！1+1等于2。如果你有其他问题，请随时提问！"
PING = {
    "type": "function",
    "function": {
        "name": "ping",
        "description": "Return pong",
        "parameters": {"type": "object", "properties": {}},
    },
}
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


@pytest.mark.parametrize("reserved", [None, 200_000])
def test_what_does_not_fit_is_said_with_its_numbers(reserved: int | None) -> None:
    """What is reserved counts; where nothing is, the answer that is expected."""
    limit = {} if reserved is None else {"max_tokens": reserved}
    said = "Prompt (19) and output ({:,}) are more than the context window of 128,000 tokens."
    found = estimate(body(**limit), completion_tokens=150_000)
    assert found.refused == (said.format(reserved or 150_000),)


def test_a_prompt_longer_than_the_window_never_fits() -> None:
    """A prompt that is too long by itself does not fit, whatever is reserved."""
    long = [{"role": "user", "content": "word " * 130_000}]
    found = estimate({"model": "kimi-k2", "messages": long})
    assert found.prompt_tokens > 128_000
    assert found.fits is False
    (said,) = found.refused
    assert said == (
        f"The prompt ({found.prompt_tokens:,}) alone is more than the context window of 128,000 tokens."
    )


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
    assert any("with thinking off is recorded" in reason for reason in found.why)


def test_images_are_an_estimate_with_a_range() -> None:
    """An image whose pixels are not known makes the count an estimate with a range."""
    url = "https://example.org/cat.png"
    message = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}
    request = {"model": "kimi-k2-5", "messages": [message]}
    known = estimate(request, image_sizes={url: (280, 280)})
    assert known.exactness == "template"
    assert known.prompt_low == known.prompt_tokens == known.prompt_high
    assert known.prompt_tokens == count_messages(
        [message], "kimi-k2-5", image_sizes={url: (280, 280)}
    )
    found = estimate(request)
    assert found.exactness == "estimate"
    assert found.prompt_low < known.prompt_tokens < found.prompt_high
    assert "image_sizes" in found.why[0]


@pytest.mark.parametrize(
    ("options", "most"),
    [
        ({"response_format": {"type": "json_object"}}, 47),
        ({"tool_choice": "required", "tools": [PING]}, 36),
        ({"tool_choice": "none", "tools": [PING]}, 38),
    ],
)
def test_what_no_template_shows_is_a_range(options: dict[str, Any], most: int) -> None:
    """A setting that may add tokens widens the range by what K3 bills for it."""
    found = estimate(body(**options))
    assert found.exactness == "estimate"
    assert found.prompt_low == found.prompt_tokens == found.prompt_high - most
    assert any("tool_choice and response_format" in reason for reason in found.why)
    assert estimate(body(tool_choice="auto")).exactness == "billed"


def test_a_reply_is_billed_as_it_stands() -> None:
    """A message, a choice or a completion, its end token and its reasoning in any spelling."""
    message = {"role": "assistant", "content": ANSWER}
    for reply in (ANSWER, message, {"message": message}, {"choices": [{"message": message}]}):
        assert estimate(body(), reply=reply).completion_tokens == 21
    for key in ("reasoning_content", "reasoning"):
        found = estimate(body(), reply={**message, key: "so"}, model="kimi-k2-5-thinking")
        assert (found.completion_tokens, found.reasoning_tokens) == (24, 1)


def test_the_day_of_a_call_picks_its_rules_and_prices() -> None:
    """In September 2025 tools were JSON, since April 2026 TypeScript, between them a range."""
    catalog = load_catalog(catalog_versions()[-1])

    def on(day: object) -> Estimate:
        request = body(tools=[PING, PING], model="kimi-k2-0905-preview")
        return estimate(request, as_of=day, catalog=catalog)

    before, after = on("2025-09-26"), on(date(2026, 4, 25))
    between = on(datetime(2026, 1, 1, tzinfo=UTC))
    ends = sorted([before.prompt_tokens, after.prompt_tokens])
    assert ends[0] < ends[1]
    assert [between.prompt_low, between.prompt_high] == ends
    assert (before.exactness, after.exactness, between.exactness) == (
        "billed",
        "billed",
        "estimate",
    )
    with pytest.raises(RequestError, match="as_of is 'soon'"):
        on("soon")


@pytest.mark.parametrize("version", catalog_versions())
def test_what_k3_reserves_counts_for_fit(version: str) -> None:
    """Without a limit K3 reserves 131,072 tokens, so that a prompt of 950,000 does not fit."""
    catalog = load_catalog(version)
    if not any(spec.id == "kimi-k3" and spec.chat_template for spec in catalog):
        pytest.skip(f"{version} does not count kimi-k3")
    short, long = ([{"role": "user", "content": "word " * words}] for words in (890_000, 940_000))
    assert estimate({"model": "kimi-k3", "messages": short}, catalog=catalog).fits is True
    found = estimate({"model": "kimi-k3", "messages": long}, catalog=catalog)
    assert found.fits is False
    assert "more than the context window" in found.refused[0]
    assert estimate({"model": "kimi-k3", "messages": long, "max_tokens": 9}, catalog=catalog).fits


@pytest.mark.parametrize("forced", ["required", {"type": "function", "function": {"name": "ping"}}])
def test_what_thinking_models_refuse_is_said(forced: object) -> None:
    """A forced choice, and a call in the history without its reasoning."""
    call = {"id": "ping:0", "type": "function", "function": {"name": "ping", "arguments": "{}"}}
    result = {"role": "tool", "tool_call_id": "ping:0", "content": "pong"}
    history = [*MESSAGES, {"role": "assistant", "tool_calls": [call]}, result]
    request = {"messages": history, "tools": [PING], "tool_choice": forced}
    assert len(estimate(request, model="kimi-k2-5-thinking").refused) == 2
    assert not estimate(request, model="kimi-k2-5").refused
    assert not estimate(request, model="kimi-k2").refused


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"model": "kimi-k2"}, "The request is .*with its messages"),
        ("hello", "The request is .hello.*with its messages"),
        ({"messages": MESSAGES}, "model is None"),
        (body(model=3), "model is 3"),
        (body(max_tokens=0), "max_tokens is 0"),
        (body(max_tokens="9"), "max_tokens is '9'"),
        (body(n=True), "n is True"),
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
