"""JSON of every reader: a key that stands twice in one object is said, never the last taken in silence."""

import json

import pytest

import kimi_planner as kp
from benchmarks import fuzz
from kimi_planner.checks.baseline_file import read_baseline
from kimi_planner.cli.estimate import _sizes
from kimi_planner.errors import CatalogError, KimiPlannerError
from kimi_planner.forecast.past import read_past
from kimi_planner.json_text import loaded, parsed_json
from kimi_planner.reconcile.read_plan import plan_of
from kimi_planner.tokens.prompts.read import read_templates
from kimi_planner.usage import read_prefix_log

PRICE = json.loads(fuzz.PRICES[0])["moonshot/kimi-k2"]


def twice(content, key):
    """Return JSON in which a key stands a second time, with another value."""
    text = content.decode()
    at = text.index(f'"{key}"')
    return text[:at] + f'"{key}": "other", ' + text[at:]


def planned():
    return fuzz.readers()["plan"].seeds[0]


READERS = {
    "baseline": (read_baseline, ".json", lambda: fuzz.BASELINES[0], "prompts"),
    "forecasts": (read_past, ".jsonl", lambda: fuzz.PAST[0], "scale"),
    "prefix log": (read_prefix_log, ".jsonl", lambda: fuzz.PREFIXES[0], "input_length"),
    "plan": (lambda path: plan_of(path, None, None), ".json", planned, "spend"),
    "prices": (kp.load_catalog, ".json", lambda: fuzz.PRICES[0], "input_cost_per_token"),
    "models": (kp.load_catalog, ".json", lambda: json.dumps({"x": 1, "moonshot/a": PRICE, "b": PRICE}).encode(), "x"),
    "prompts": (read_templates, ".json", lambda: fuzz.PROMPTS[".json"][0], "prompt"),
    "prompts in lines": (read_templates, ".jsonl", lambda: fuzz.PROMPTS[".jsonl"][0], "prompt"),
    "sizes": (_sizes, ".json", lambda: b'{"https://example.com/a.png": [1, 2]}', "https://example.com/a.png"),
}  # fmt: skip


@pytest.mark.parametrize(("read", "suffix", "sound", "key"), READERS.values(), ids=READERS)
def test_a_key_that_stands_twice_is_refused(tmp_path, read, suffix, sound, key):
    """Sound content is read; with one key twice it is an error of one line."""
    path = tmp_path / f"a{suffix}"
    path.write_bytes(sound())
    read(path)
    path.write_text(twice(sound(), key).replace('"x": "other"', f'"b": {json.dumps(PRICE | {"mode": "chat", "output_cost_per_token": 1})}'))  # fmt: skip
    with pytest.raises(KimiPlannerError) as refused:
        read(path)
    assert "\n" not in str(refused.value)


def test_a_row_of_a_corpus_with_a_key_twice_is_refused(tmp_path):
    """Which of two lists of messages is sent is not known."""
    path = tmp_path / "a.jsonl"
    body = twice(fuzz.REQUESTS[1], "messages")
    path.write_text(f"{fuzz.REQUESTS[1].decode()}\n{body}\n", encoding="utf-8")
    found = kp.tokens.count_corpus(path)
    assert found.rejected == 1
    assert any("line 2: not JSON (the key 'messages' stands twice" in one for one in found.messages)


def test_published_prices_may_hold_others_models_twice(tmp_path):
    """Files of LiteLLM had such keys; only where they are Moonshot's is it not known which price is meant."""
    path = tmp_path / "prices.json"
    other = {"litellm_provider": "vertex_ai", "input_cost_per_token": 1}
    entries = (
        ("vertex_ai/a", other),
        ("vertex_ai/a", other | {"mode": "chat"}),
        ("moonshot/k", PRICE),
    )
    pairs = [f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in entries]
    path.write_text(f"{{{', '.join(pairs)}}}", encoding="utf-8")
    assert kp.load_catalog(path).ids == ("k",)
    pairs.append(pairs[-1].replace("131072", "5"))
    path.write_text(f"{{{', '.join(pairs)}}}", encoding="utf-8")
    with pytest.raises(CatalogError, match="'moonshot/k' stands twice"):
        kp.load_catalog(path)


def test_what_stands_twice_and_says_the_same_is_read():
    """Bytes in any encoding of JSON are read as the standard library reads them."""
    text = '{"a": 1, "b": ["é"], "a": 1}'
    for encoding in ("utf-8", "utf-16", "utf-32-be"):
        assert loaded(text.encode(encoding)) == {"a": 1, "b": ["é"]}
    assert parsed_json(text, "a.json", "") == {"a": 1, "b": ["é"]}
    with pytest.raises(ValueError, match="'a' stands twice"):
        loaded(text.replace("1}", "2}"))
