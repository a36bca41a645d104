"""Prompts of frameworks in files of their own: to the token, and what cannot be read is said.

Every file is ours, written as the public documentation of its framework shows the form.
"""

import json
from pathlib import Path

import pytest

from kimi_planner.errors import FileError, RequestError
from kimi_planner.tokens.prompts.forms import form_of
from kimi_planner.tokens.prompts.ranges import token_range
from kimi_planner.tokens.prompts.read import read_file, read_templates
from kimi_planner.tokens.text import count_tokens

LONG = (
    "You are a careful analyst. Read the question twice, answer in at most three short sentences, "
    "and name the source of every number that you use."
)

PROMPTY = """\
---
name: Basic
description: A prompt that answers questions
authors: [somebody]
model:
  api: chat
  configuration: {type: azure_openai, azure_deployment: gpt}
inputs:
  question: {type: string}
---
system:
You are kind.
Be brief.

# user:
{{question}} Please.
"""
PROMPTFOO = """\
description: Answers
prompts:
  - file://prompts/first.txt
  - prompts/second.j2
  - "Answer {{ question }} now."
  - {id: file://prompts/chat.json, label: chat}
  - file://prompts/made.py:build
  - file://prompts/gone.txt
providers: [openai:gpt]
tests:
  - vars: {question: "Why?"}
"""
FLOW = """\
inputs: {question: {type: string}}
nodes:
  - name: answer
    type: llm
    source: {type: code, path: answer.jinja2}
    inputs: {model: gpt, prompt: "${inputs.question}"}
  - name: shout
    type: python
    source: {type: code, path: shout.py}
"""
AGENTS = """\
researcher:
  role: >
    {topic} researcher
  goal: >
    Find news of {topic} as {"json": 1}
  backstory: >
    You know {topic} well.
  verbose: true
"""
TASKS = """\
research:
  description: Look {topic} up.
  expected_output: A list of ten points.
  agent: researcher
"""
HUB = {
    "lc": 1,
    "type": "constructor",
    "id": ["langchain", "prompts", "prompt", "PromptTemplate"],
    "kwargs": {
        "input_variables": ["question"],
        "template": "Answer {question} as {{json}}.",
        "template_format": "f-string",
    },
}


def spelled(prompt):
    return "".join(part if isinstance(part, str) else "<>" for part in prompt.parts)


def read(folder, name, **files):
    for file, text in files.items():
        path = folder / file.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return read_file(folder / name, shown_as=name)


def found(file):
    return [(one.path, one.name, one.line, spelled(one)) for one in file.prompts]


def test_the_front_matter_of_prompty_is_no_prompt(tmp_path):
    """Messages count, each at its line; neither the front matter nor the lines of roles do."""
    file = read(tmp_path, "a.prompty", a_dot_prompty=PROMPTY)
    assert found(file) == [
        ("a.prompty", "system", 12, "You are kind.\nBe brief."),
        ("a.prompty", "user", 16, "<> Please."),
    ]
    fixed = [token_range(one).fixed_low for one in file.prompts]
    assert fixed == [count_tokens("You are kind.\nBe brief."), count_tokens(" Please.")]
    (tmp_path / "c.prompty").write_bytes(PROMPTY.replace("\n", "\r\n").encode())
    assert [spelled(one) for one in read(tmp_path, "c.prompty").prompts] == [
        "You are kind.\nBe brief.", "<> Please.",
    ]  # fmt: skip
    bare = read(tmp_path, "b.prompty", b_dot_prompty="---\nname: x\n---\nOnly {{text}}.")
    assert found(bare) == [("b.prompty", "", 4, "Only <>.")]


def test_messages_inside_a_loop_are_one_prompt_without_their_roles(tmp_path):
    """A history that a loop writes out is part of its template, the lines of its roles are not."""
    text = "system:\nBe kind.\n{% for one in history %}\nuser:\n{{one}}\n{% endfor %}\n"
    (prompt,) = read(tmp_path, "a.jinja2", a_dot_jinja2=text).prompts
    assert prompt.variables == ("history", "one")
    assert "".join(part for part in prompt.parts if isinstance(part, str)) == "Be kind.\n"
    declared = {"history": {"min_items": 1, "max_items": 1}, "one": {"values": ["Hi"]}}
    assert token_range(prompt, declared).high == count_tokens("Be kind.\n\nHi\n")


def test_promptfoo_is_followed_to_its_files(tmp_path):
    """A name of a file is no prompt; what code makes, or is gone, is unread, and not passed over."""
    chat = json.dumps([{"role": "system", "content": "Be {{ how }}."}])
    file = read(
        tmp_path, "promptfooconfig.yaml", promptfooconfig_dot_yaml=PROMPTFOO,
        prompts__first_dot_txt="One {{ x }}.\n---\nTwo.\n", prompts__second_dot_j2="Three {{ y }}.",
        prompts__chat_dot_json=chat,
    )  # fmt: skip
    assert sorted(found(file)) == [
        ("promptfooconfig.yaml", "prompts[2]", 5, "Answer <> now."),
        ("prompts/chat.json", "[0].content", 1, "Be <>."),
        ("prompts/first.txt", "", 1, "One <>."),
        ("prompts/first.txt", "", 3, "Two."),
        ("prompts/second.j2", "", 1, "Three <>."),
    ]
    assert [(one.path, one.line) for one in file.unread] == [
        ("promptfooconfig.yaml", 7), ("promptfooconfig.yaml", 8),
    ]  # fmt: skip
    assert "nothing is run" in file.unread[0].why
    assert "no such file" in file.unread[1].why


def test_files_that_name_each_other_end(tmp_path):
    """A circle is said, and not walked."""
    a, b = "a_prompt: file://b.yaml\n", "b_prompt: file://a.yaml\n"
    (unread,) = read(tmp_path, "a.yaml", a_dot_yaml=a, b_dot_yaml=b).unread
    assert "leads back" in unread.why


def test_a_flow_leads_to_the_templates_of_its_models(tmp_path):
    """A node of a model names its template; one of Python has none."""
    file = read(
        tmp_path, "flow.dag.yaml", flow_dot_dag_dot_yaml=FLOW,
        answer_dot_jinja2="# system:\nBe kind.\n\n# user:\n{{question}}\n",
    )  # fmt: skip
    assert found(file) == [
        ("answer.jinja2", "system", 2, "Be kind."),
        ("answer.jinja2", "user", 5, "<>"),
    ]
    assert file.unread == ()


def test_agents_and_tasks_of_crewai_are_prompts(tmp_path):
    """Role, goal and backstory, description and expected output; other braces are text."""
    file = read(tmp_path, "config/agents.yaml", config__agents_dot_yaml=AGENTS)
    assert [(name, text) for _, name, _, text in found(file)] == [
        ("researcher.role", "<> researcher\n"),
        ("researcher.goal", 'Find news of <> as {"json": 1}\n'),
        ("researcher.backstory", "You know <> well.\n"),
    ]
    tasks = read(tmp_path, "config/tasks.yaml", config__tasks_dot_yaml=TASKS)
    assert [text for *_, text in found(tasks)] == ["Look <> up.", "A list of ten points."]


def test_templates_of_the_hub_of_langchain_are_filled_as_they_say(tmp_path):
    """In JSON and YAML; the name of the format is no prompt, and a path is followed."""
    file = read(tmp_path, "hub.json", hub_dot_json=json.dumps(HUB))
    assert [text for *_, text in found(file)] == ["Answer <> as {json}."]
    messages = [{**HUB, "id": ["x", "SystemMessagePromptTemplate"], "kwargs": {"prompt": HUB}}] * 2
    chat = {**HUB, "kwargs": {"input_variables": ["question"], "messages": messages}}
    file = read(tmp_path, "chat.json", chat_dot_json=json.dumps(chat))
    assert [text for *_, text in found(file)] == ["Answer <> as {json}."] * 2
    text = "my_prompt: {_type: prompt, input_variables: [x], template: 'Be {x}.'}\n"
    assert [text for *_, text in found(read(tmp_path, "m.yaml", m_dot_yaml=text))] == ["Be <>."]
    text = "_type: prompt\ninput_variables: [x]\ntemplate_path: t.txt\n"
    followed = read(tmp_path, "p.yaml", p_dot_yaml=text, t_dot_txt="Answer {x}.")
    assert found(followed) == [("t.txt", "", 1, "Answer <>.")]
    text = "_type: few_shot\nprefix: Say {y}.\nsuffix: Now\nexamples: []\n"
    assert [text for *_, text in found(read(tmp_path, "f.yaml", f_dot_yaml=text))] == [
        "Say <>.", "Now",
    ]  # fmt: skip


def notebook(*cells, language="python"):
    cells = [
        {"cell_type": form, "source": [f"{line}\n" for line in text.split("\n")], "outputs": []}
        for form, text in cells
    ]
    return json.dumps({"cells": cells, "metadata": {"language_info": {"name": language}}}, indent=1)


def test_only_the_code_of_a_notebook_has_prompts(tmp_path):
    """Cells are one module; magics, other languages, texts and outputs are none of it."""
    text = notebook(
        ("markdown", LONG), ("code", "%pip install x\nBASE = 'Be kind.'"),
        ("code", "%%bash\necho '" + LONG + "'"),
        ("code", f"x = !ls\n\nif x:\n    %pip list\nSYSTEM_PROMPT = BASE + ' Now.'\nodd = {LONG!r}"),
        ("code", 'B_PROMPT = """\n!Be kind.\n%s"""\nhelp?'),
    )  # fmt: skip
    file = read(tmp_path, "n.ipynb", n_dot_ipynb=text)
    lines = text.split("\n")
    assert [(name, spelled) for _, name, _, spelled in found(file)] == [
        ("SYSTEM_PROMPT", "Be kind. Now."), ("odd", LONG), ("B_PROMPT", "\n!Be kind.\n%s"),
    ]  # fmt: skip
    for _, name, line, _ in found(file):
        assert name in lines[line - 1]
    other = read(tmp_path, "r.ipynb", r_dot_ipynb=notebook(("code", "x <- 1"), language="R"))
    assert "its cells are R" in other.unread[0].why
    with pytest.raises(FileError, match="no notebook"):
        read(tmp_path, "e.ipynb", e_dot_ipynb="{}")
    broken = notebook(("code", "x = 1"), ("code", "x = ("))
    with pytest.raises(RequestError, match=r"b\.ipynb line \d+: not Python") as raised:
        read(tmp_path, "b.ipynb", b_dot_ipynb=broken)
    assert "x = (" in broken.split("\n")[raised.value.line - 1]


def test_lines_of_json_are_read_one_by_one(tmp_path):
    """Messages of each line are prompts at that line; a fault names its line."""
    rows = [{"messages": [{"role": "user", "content": text}]} for text in ("One.", "Two.")]
    text = "\n".join(map(json.dumps, rows)) + "\n"
    assert found(read(tmp_path, "a.jsonl", a_dot_jsonl=text)) == [
        ("a.jsonl", "[0].messages[0].content", 1, "One."),
        ("a.jsonl", "[1].messages[0].content", 2, "Two."),
    ]
    with pytest.raises(FileError, match=r"b\.jsonl line 2: not JSON"):
        read(tmp_path, "b.jsonl", b_dot_jsonl='{"a": 1}\n{')


def test_included_templates_are_part_of_a_prompt(tmp_path):
    """Here or in a folder above, up to the root of the repository; imports of macros add no text."""
    (tmp_path / ".git").mkdir()
    text = "{% import 'm.j2' as m %}A {% include 'b.j2' %} {% include 'no' ignore missing %}{{ m.x() }}"
    file = read(tmp_path, "p/a.j2", p__a_dot_j2=text, b_dot_j2="B {{ x }}\n", m_dot_j2="")
    assert [text for *_, text in found(file)] == ["A B <> <>"]
    for source, words in (
        ("{% include 'gone.j2' %}", "no file 'gone.j2' to include"),
        ("{% include name %}", "is worked out"),
        ("{% include 'c.j2' %}", "nested too deeply"),
    ):
        with pytest.raises(RequestError, match=words):
            read(tmp_path, "c.j2", c_dot_j2=source)


def test_braces_in_plain_texts_are_said(tmp_path):
    """What looks like a variable and is counted as text has a note, in whole files too."""
    (prompt,) = read(tmp_path, "a.md", a_dot_md="Answer {{input}}.").prompts
    assert "counted as text" in prompt.notes[0]
    assert read_templates(tmp_path / "a.md", style="mustache")[0].notes == ()


@pytest.mark.parametrize(("name", "form"), [
    ("a.TS", "typescript"), ("a.tsx", "tsx"), ("a.mjs", "javascript"), ("a.ipynb", "notebook"),
    ("a.yml", "yaml"), ("a.txt", None), ("Makefile", None),
])  # fmt: skip
def test_forms_are_told_by_the_endings_of_names(name, form):
    """Whatever the case of the letters."""
    assert form_of(Path(name)) == form


@pytest.mark.parametrize("content", [
    AGENTS.replace("backstory: >\n    You know {topic} well.", f"story: {LONG}"),
    PROMPTFOO.replace("prompts:", "texts:").replace("Answer {{ question }} now.", LONG),
    f"agents:\n  first:\n    words: {LONG}\n", f"[{LONG}]\n".replace(", ", "; "),
])  # fmt: skip
def test_mutations_in_keys_are_found_or_listed(tmp_path, content):
    """A long text under a key that no framework knows is listed, wherever it stands."""
    file = read(tmp_path, "a.yaml", a_dot_yaml=content)
    seen = [spelled(one) for one in (*file.prompts, *file.left_out)]
    assert [one for one in seen if one.startswith(LONG[:50])] != []


def test_mutations_of_chat_files_are_found(tmp_path):
    """Another ending, a role in capitals, or no role at all: the text is a prompt."""
    for name, text in (
        ("a.prompty", PROMPTY.replace("system:", "System:")),
        ("b.jinja", "user:\nHi {{x}}"),
        ("c.md", "Hi {name}"),
    ):
        assert read(tmp_path, name, **{name.replace(".", "_dot_"): text}).prompts
