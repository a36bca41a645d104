"""Prompts in YAML, JSON, TOML, Jinja and text files."""

import itertools
import json
import sys

import jinja2
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from kimi_planner.errors import FileError, MissingExtraError, RequestError
from kimi_planner.tokens.prompts.jinja import jinja_parts
from kimi_planner.tokens.prompts.keyed import keyed_templates
from kimi_planner.tokens.prompts.parts import PromptTemplate, Repeat, Variable
from kimi_planner.tokens.prompts.ranges import token_range
from kimi_planner.tokens.prompts.read import read_templates
from kimi_planner.tokens.text import count_tokens

YAML = """\
# Agents
agents:
  writer:
    system_prompt: |
      You are a writer.
      Be kind.
    model: kimi-k2
    max_tokens: 5
  judge:
    system: >-
      Decide
      now.
messages:
  - role: system
    content: "Be \\u00e9xact"
  - {role: user, content: [{type: text, text: hello}]}
copy: &a
  prompt: once
again: *a
"""
TOML = '''\
a = 1
[agents.writer]
model = "kimi-k2"
system_prompt = """
You are a writer."""
[[messages]]
role = "system"
content = "one"
[[messages]]
role = "user"
content = "two"
[deep]
x = { prompt = "three" }
'''


def named(text, form, **options):
    return {one.name: one for one in keyed_templates(text, "f", form=form, **options).prompts}


def test_yaml_gives_texts_and_lines():
    """Texts are what a YAML reader gives, an alias counts once, lines are those of the texts."""
    prompts = named(YAML, "yaml")
    data = yaml.safe_load(YAML)
    writer = prompts["agents.writer.system_prompt"]
    assert (writer.text, writer.line) == (data["agents"]["writer"]["system_prompt"], 4)
    assert prompts["agents.judge.system"].text == "Decide now."
    assert prompts["messages[0].content"].text == "Be éxact"
    assert prompts["messages[1].content[0].text"].line == 16
    assert set(prompts) == {
        "agents.writer.system_prompt",
        "agents.judge.system",
        "messages[0].content",
        "messages[1].content[0].text",
        "copy.prompt",
    }


def test_yaml_aliases_are_prompts_by_their_own_names():
    """A text whose anchor has an unlikely name counts under the first alias that is a prompt."""
    text = (
        "words: &w Be kind.\nshared: &s {greeting: Hi, bye: *w}\n"
        "prompts: *s\nsystem_prompt: *w\nagent: {<<: *s, system: *w}\n"
    )
    prompts = named(text, "yaml")
    assert {name: (one.text, one.line) for name, one in prompts.items()} == {
        "prompts.greeting": ("Hi", 2),
        "prompts.bye": ("Be kind.", 1),
    }


def test_yaml_aliases_end():
    """Aliases that hold themselves, or stand for more than can be walked, are refused in words."""
    with pytest.raises(FileError, match="nested more than 60"):
        named("prompt: &a [x, *a]\n", "yaml")
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]
    with pytest.raises(FileError, match="aliases stand for more than 10,000"):
        named("\n".join(lines), "yaml")


def test_tags_of_yaml_are_not_run(tmp_path):
    """A tag that would make an object of Python makes none, and its text is only read."""
    sting = tmp_path / "stung"
    text = f"prompt: !!python/object/apply:os.system ['touch {sting}']\nsystem: !mine text\n"
    assert set(named(text, "yaml")) == {"prompt[0]"}
    assert not sting.exists()


def test_json_gives_texts_and_lines():
    """JSON gives the same prompts as YAML does, with its own lines."""
    text = json.dumps(yaml.safe_load(YAML), indent=1)
    prompts = named(text, "json")
    assert {name: one.text for name, one in prompts.items() if name != "again.prompt"} == {
        name: one.text for name, one in named(YAML, "yaml").items()
    }
    for one in prompts.values():
        assert json.dumps(one.text) in text.split("\n")[one.line - 1]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3) | st.just("prompt"), inner, max_size=3)
    ),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(JSON, st.sampled_from([None, 1]))
def test_every_text_of_json_is_found(value, indent):
    """With a glob for everything, the texts of any JSON are found, in order."""

    def texts(inside):
        if isinstance(inside, str):
            return [inside]
        if isinstance(inside, dict):
            inside = list(inside.values())
        return (
            list(itertools.chain.from_iterable(map(texts, inside)))
            if isinstance(inside, list)
            else []
        )

    found = keyed_templates(json.dumps(value, indent=indent), "f", form="json", names=["*"]).prompts
    assert [one.text for one in found] == texts(value)


def test_toml_gives_texts_and_lines():
    """Lines are those of the keys, in tables, arrays of tables and inline tables."""
    prompts = named(TOML, "toml")
    assert {name: (one.text, one.line) for name, one in prompts.items()} == {
        "agents.writer.system_prompt": ("You are a writer.", 4),
        "messages[0].content": ("one", 8),
        "messages[1].content": ("two", 11),
        "deep.x.prompt": ("three", 13),
    }


def test_names_and_styles_of_keys():
    """Globs match a key or a path of keys; a style fills every text."""
    text = '{"a": {"greeting": "Hi {{ name }}"}, "greeting": "Bye {name}"}'
    assert set(named(text, "json", names=["a.*"])) == {"a.greeting"}
    assert set(named(text, "json", names=["greeting"])) == {"a.greeting", "greeting"}
    jinja = named(text, "json", names=["a.*"], style="jinja")["a.greeting"]
    assert jinja.parts == ("Hi ", Variable("name"))
    assert named(text, "json", names=["greeting"])["greeting"].notes


@pytest.mark.parametrize(
    ("text", "form", "message"),
    [
        ("a: [1\nb: 2\n", "yaml", "f line 2: not YAML"),
        ('{"a":\n 1,}', "json", "f line 2: not JSON"),
        ("a = \n", "toml", "f line 1: not TOML"),
        ("[" * 200 + "]" * 200, "yaml", "nested more than 60"),
        ("[" * 200 + "]" * 200, "json", "nested more than 60"),
        ("a = " + "[" * 200 + "]" * 200, "toml", "nested more than 60"),
        ("", "json", "not JSON"),
    ],
)
def test_files_that_are_not_their_form_are_named(text, form, message):
    """What is not well formed is an error that names the file, and the line where it is known."""
    with pytest.raises(FileError, match=message):
        named(text, form)


def test_yaml_of_many_documents_and_of_none():
    """Documents are numbered; an empty file has no prompts."""
    assert set(named("prompt: a\n---\nprompt: b\n", "yaml")) == {"[0].prompt", "[1].prompt"}
    assert named("", "yaml") == {}


JINJA = """\
{# nobody sees this #}Dear {{ name }}{% if formal %}, sir{% elif old %}, friend{% endif %}.
{%- for shot in shots %}
Q: {{ shot.q|trim }}
{%- else %}
None.
{%- endfor %}
{% set x = 5 %}{% raw %}{{ kept }}{% endraw %} {{ "now" if urgent else "later" }}
"""


def test_jinja_renders_within_its_range():
    """Whatever the branches and items, what Jinja renders lies within the range."""
    prompt = PromptTemplate(name="", path="p.j2", line=1, parts=jinja_parts(JINJA, "p.j2"))
    assert prompt.variables == ("name", "shots", "shot.q|trim")
    declared = {
        "name": {"values": ["Ann", "Bob Smith"]},
        "shots": {"min_items": 0, "max_items": 2},
        "shot.q|trim": {"values": ["why", "how many"]},
    }
    found = token_range(prompt, declared)
    template = jinja2.Environment().from_string(JINJA)
    counts = []
    for name, formal, old, urgent, items in itertools.product(
        ["Ann", "Bob Smith"], *[[True, False]] * 3, range(3)
    ):
        for questions in itertools.product(["why", "how many"], repeat=items):
            shots = [{"q": question} for question in questions]
            text = template.render(name=name, formal=formal, old=old, urgent=urgent, shots=shots)
            counts.append(count_tokens(text))
    # A loop that may have no items may also write nothing: its alternative is another branch.
    assert found.low <= min(counts)
    assert found.high == max(counts)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("a\n{% include 'x' %}", r"p.j2 line 2: text behind \{% include %\}"),
        ("{% extends 'x' %}", "extends"),
        ("{% for x in y recursive %}{{ loop(x) }}{% endfor %}", "recursive"),
        ("a\n{{ x", "p.j2 line 2: not Jinja"),
        ("{% nope %}", "not Jinja"),
        ("{% filter upper %}x{% endfilter %}", "filter"),
    ],
)
def test_jinja_that_cannot_be_read_is_named(source, message):
    """What takes text from elsewhere, or is malformed, is refused with its line."""
    with pytest.raises(RequestError, match=message):
        jinja_parts(source, "p.j2")


def test_files_are_told_by_their_endings(tmp_path):
    """Jinja files are Jinja, other texts stand as they are unless a style is given."""
    jinja, text = tmp_path / "p.j2", tmp_path / "p.md"
    jinja.write_text("{% for x in xs %}{{ x }}{% endfor %}\n", encoding="utf-8")
    text.write_text("# Hi {name}\n", encoding="utf-8")
    assert read_templates(jinja)[0].parts == (Repeat("xs", (Variable("x"),)),)
    assert read_templates(text)[0].text == "# Hi {name}\n"
    assert read_templates(text, style="format")[0].variables == ("name",)
    assert read_templates(jinja, style="none")[0].text is not None
    text.write_text("Hi {name\n", encoding="utf-8")
    with pytest.raises(RequestError, match=r"p\.md"):
        read_templates(text, style="format")


@pytest.mark.parametrize(("package", "name"), [("yaml", "p.yaml"), ("jinja2", "p.j2")])
def test_a_missing_reader_is_an_extra(tmp_path, monkeypatch, package, name):
    """Without its package a form is refused with the extra that installs it."""
    path = tmp_path / name
    path.write_text("a: b\n", encoding="utf-8")
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=r"extra \[templates\] adds with: pip install "):
        read_templates(path)
