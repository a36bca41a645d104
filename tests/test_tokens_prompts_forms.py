"""A corpus of small files, one for each form in which frameworks write prompts, found to the token.

Each form is written as the public documentation of its framework shows it, around the text below.
Mutations of each (another name, inside a function, wrapped in a call) are found or listed.
"""

import textwrap
from itertools import chain

import pytest

from kimi_planner.errors import RequestError
from kimi_planner.tokens.prompts.parts import Choice
from kimi_planner.tokens.prompts.python import python_templates
from kimi_planner.tokens.prompts.ranges import token_range
from kimi_planner.tokens.prompts.script import script_templates
from kimi_planner.tokens.text import count_tokens

TEXT = (
    "You are a careful analyst. Read the question twice, answer in at most three short sentences, "
    "and name the source of every number that you use."
)
SHORT = "Be brief."

#: What a module holds, and the texts of its prompts in order; <> is a variable.
PYTHON = {
    "a constant with an odd name": (f"ANALYST = {TEXT!r}", [TEXT]),
    "an f-string that is returned": (
        f'def build(q):\n    return f"""{TEXT} {{q}}"""',
        [TEXT + " <>"],
    ),
    "a text that is returned from a method": (
        f'class A:\n    def text(self):\n        """Doc."""\n        return """{TEXT}"""',
        [TEXT],
    ),
    "a text that is yielded": (f"def build():\n    yield {TEXT!r}", [TEXT]),
    "a dict call": (f"m = [dict(role='system', content={SHORT!r})]", [SHORT]),
    "a message of LangChain": (f"m = [SystemMessage(content={SHORT!r})]", [SHORT]),
    "a message by position": (f"m = HumanMessage({SHORT!r})", [SHORT]),
    "a chat message of LlamaIndex": (
        f"m = ChatMessage(role=MessageRole.SYSTEM, content={SHORT!r})",
        [SHORT],
    ),
    "from_template": ("p = PromptTemplate.from_template('Be {how}.')", ["Be <>."]),
    "a template by keyword": ("p = PromptTemplate(template='Be {how}.')", ["Be <>."]),
    "a template by position": ("p = PromptTemplate('Be {how}.')", ["Be <>."]),
    "a template of Jinja": (
        "p = PromptTemplate.from_template('Be {{ how }}.', template_format='jinja2')",
        ["Be <>."],
    ),
    "from_messages": (
        "p = ChatPromptTemplate.from_messages([('system', 'Be {how}.'), ('human', '{q}')])",
        ["Be <>.", "<>"],
    ),
    "pairs of role and text": (f"llm.invoke([('system', {SHORT!r})])", [SHORT]),
    "a signature of DSPy": (
        "class QA(dspy.Signature):\n"
        f'    """{SHORT}"""\n'
        "    question = dspy.InputField(desc='what is asked')\n",
        [SHORT, "what is asked"],
    ),
    "instructions of DSPy": (f"q = dspy.Signature('q -> a', {SHORT!r})", [SHORT]),
    "an agent of CrewAI": (
        "a = Agent(role='{topic} judge', goal='Be fair {\"a\": 1}', backstory='Old.', verbose=True)",
        ["<> judge", 'Be fair {"a": 1}', "Old."],
    ),
    "a lambda": (f"build = lambda q: f'{TEXT} {{q}}'", [TEXT + " <>"]),
    "a value of a dict": (f"AGENTS = {{'first': {{'text': {TEXT!r}}}}}", [TEXT]),
    "an item of a list": (f"PARTS = [{TEXT!r}, 'x']", [TEXT]),
    "a key that is set": (f"config['analyst'] = {TEXT!r}", [TEXT]),
    "an attribute": (f"class A:\n    def __init__(self):\n        self.text = {TEXT!r}", [TEXT]),
    "a default": (f"def ask(prompt={SHORT!r}): ...", [SHORT]),
    "a text that is added": (f"def f(x):\n    x += {TEXT!r}", [TEXT]),
    "a dedented text": (f'X = dedent("""\n    {TEXT}\n    Twice.""")', [f"\n{TEXT}\nTwice."]),
    "a stripped f-string": (
        f'def f(q):\n    return f"""\n{TEXT} {{q}} Now.\n""".strip()',
        [TEXT + " <> Now."],
    ),
    "joined lines": (f"X = '\\n'.join([{TEXT!r}, {SHORT!r}])", [f"{TEXT}\n{SHORT}"]),
    "a text without spaces between words": ("X = " + repr("请仔细阅读问题，并用三句话回答。" * 4), ["请仔细阅读问题，并用三句话回答。" * 4]),
}  # fmt: skip


def filled_texts(prompts):
    """Return the texts of prompts, with every variable as <>, and branches one after the other."""
    return [spelled(one.parts) for one in prompts]


def spelled(parts):
    branched = (
        spelled(chain.from_iterable(one.branches)) if isinstance(one, Choice) else one
        for one in parts
    )
    return "".join(one if isinstance(one, str) else "<>" for one in branched)


@pytest.mark.parametrize("form", PYTHON)
def test_each_form_in_python_is_found_to_the_token(form):
    """Texts are those of the module, and so are the tokens of their fixed text."""
    source, texts = PYTHON[form]
    file = python_templates(source + "\n", "app.py")
    assert filled_texts(file.prompts) == texts
    assert file.left_out == ()
    for prompt, text in zip(file.prompts, texts, strict=True):
        assert token_range(prompt).fixed_low == count_tokens(text.replace("<>", ""))


MUTATIONS = {
    "in a function": lambda code: "def f():\n" + textwrap.indent(code, "    "),
    "in a class": lambda code: "class C:\n" + textwrap.indent(code, "    "),
    "under a condition": lambda code: "if x:\n" + textwrap.indent(code, "    "),
    "wrapped in a call": lambda code: code.replace(repr(TEXT), f"wrapped({TEXT!r}, 1)"),
    "wrapped and reshaped": lambda code: code.replace(repr(TEXT), f"{TEXT!r}.replace('a', b)"),
    "under another name": lambda code: code.replace("ANALYST", "zq"),
    "from another class": lambda code: code.replace("SystemMessage", "lc.SystemMessage"),
}


@pytest.mark.parametrize("mutation", MUTATIONS)
@pytest.mark.parametrize("form", PYTHON)
def test_mutations_of_each_form_are_found_or_listed(form, mutation):
    """No text that looks like a prompt is passed over without a word."""
    source, texts = PYTHON[form]
    file = python_templates(MUTATIONS[mutation](source) + "\n", "app.py")
    seen = filled_texts([*file.prompts, *file.left_out])
    # Of lines that were joined the long one is found by itself where it is wrapped.
    missed = [text for text in texts if text not in seen and not (TEXT in text and TEXT in seen)]
    assert missed == []


@pytest.mark.parametrize("code", [
    f"log.info({TEXT!r})", f"raise ValueError({TEXT!r})", f"parser.add_argument(help={TEXT!r})",
    f"x = wrapped({TEXT!r})", f"assert x, {TEXT!r}", f"if x == {TEXT!r}: ...",
])  # fmt: skip
def test_texts_that_only_look_like_prompts_are_listed(code):
    """What goes to a call that nobody knows is not counted, and not passed over."""
    file = python_templates(code + "\n", "app.py")
    assert (file.prompts, filled_texts(file.left_out)) == ((), [TEXT])


@pytest.mark.parametrize("code", [
    f'def f():\n    """{TEXT}"""', f'"""{TEXT}"""', f"X = {TEXT!r}  # kimi-planner: no prompt",
    f"# kimi-planner: no prompt\nX = {TEXT!r}", "X = 'short'", "X = " + repr("aGVsbG8gd29ybGQ" * 30),
    "X = " + repr("SELECT name, age FROM users WHERE name IS NOT NULL ORDER BY age, name LIMIT 10"),
])  # fmt: skip
def test_documentation_data_and_what_is_marked_are_no_prompts(code):
    """A docstring documents, a comment decides, and blobs and queries do not look like prompts."""
    file = python_templates(code + "\n", "app.py")
    assert (file.prompts, file.left_out) == ((), ())


def test_given_names_take_and_the_rest_is_listed():
    """Only what globs take is counted, and the account has the others and the globs that took any."""
    source = f"FIRST = {TEXT!r}\nSECOND = {TEXT + ' Again.'!r}\n"
    file = python_templates(source, "app.py", names=["first", "third"])
    assert [one.name for one in file.prompts] == ["FIRST"]
    assert [one.name for one in file.left_out] == ["SECOND"]
    assert file.used == {"first"}


#: The same for TypeScript.
SCRIPT = {
    "a constant with an odd name": (f"export const analyst = `{TEXT}`;", [TEXT]),
    "a template that is returned": (
        f"function build(q: string) {{ return `{TEXT} ${{q}}`; }}",
        [TEXT + " <>"],
    ),
    "an arrow function": (f"const build = (q: string) => `{TEXT} ${{q}}`;", [TEXT + " <>"]),
    "a message": (f"const m = [{{ role: 'system', content: '{SHORT}' }}];", [SHORT]),
    "parts of a message": (
        f"const m = {{ role: 'user', content: [{{ type: 'text', text: '{SHORT}' }}] }};",
        [SHORT],
    ),
    "a system text of a call": (f"generateText({{ model, system: '{SHORT}' }});", [SHORT]),
    "a message of LangChain": (f"const m = new SystemMessage('{SHORT}');", [SHORT]),
    "a message by key": (f"const m = new HumanMessage({{ content: '{SHORT}' }});", [SHORT]),
    "fromTemplate": ("const p = PromptTemplate.fromTemplate('Be {how}.');", ["Be <>."]),
    "a template by key": ("const p = new PromptTemplate({ template: 'Be {how}.' });", ["Be <>."]),
    "fromMessages": (
        "const p = ChatPromptTemplate.fromMessages([['system', 'Be {how}.'], ['human', '{q}']]);",
        ["Be <>.", "<>"],
    ),
    "a sum": (f"const a = '{TEXT}' + '\\n' + rest;", [TEXT + "\n<>"]),
    "joined lines": (f"const a = ['{TEXT}', '{SHORT}'].join('\\n');", [f"{TEXT}\n{SHORT}"]),
    "a dedented text": (
        f"const a = dedent`\n    {TEXT}\n    Now ${{q}}.\n`;",
        [f"{TEXT}\nNow <>."],
    ),
    "a trimmed text": (f"const a = `\n  {TEXT} ${{q}}!\n`.trim();", [TEXT + " <>!"]),
    "a raw text": (f"const a = String.raw`{TEXT} \\n`;", [TEXT + " \\n"]),
    "a field of a class": (f"class A {{ private readonly text = '{TEXT}'; }}", [TEXT]),
    "a constant inside another": (
        f"const base = '{SHORT}';\nconst prompt = `${{base}} \\u0041${{x}}`;",
        [SHORT + " A<>"],
    ),
    "a branch": (f"const aPrompt = terse ? '{SHORT}' : other;", [SHORT + "<>"]),
    "characters in two halves": (f"const a = '{TEXT} \\ud83d\\ude00';", [TEXT + " \U0001f600"]),
    "an export": (f"export default {{ text: `{TEXT}` }};", [TEXT]),
    "an object of prompts": (f"const prompts = {{ 'first-one': '{SHORT}' }} as const;", [SHORT]),
}


@pytest.mark.parametrize("grammar", ["typescript", "tsx", "javascript"])
@pytest.mark.parametrize("form", SCRIPT)
def test_each_form_in_scripts_is_found_to_the_token(form, grammar):
    """Texts are those of the module, in TypeScript and in JavaScript, which has no types."""
    pytest.importorskip("tree_sitter_typescript", reason="needs the extra templates")
    source, texts = SCRIPT[form]
    if grammar == "javascript":
        source = source.replace(": string", "").replace("private readonly ", "")
        source = source.replace(" as const", "")
    file = script_templates(source + "\n", "app.ts", grammar=grammar)
    assert filled_texts(file.prompts) == texts
    assert (file.left_out, file.unread) == ((), ())


SCRIPT_MUTATIONS = {
    "in a function": lambda code: f"function f() {{ {code.replace('export ', '')} }}",
    "under a condition": lambda code: f"if (x) {{ {code.replace('export ', '')} }}",
    "wrapped in a call": lambda code: code.replace(f"`{TEXT}`", f"wrapped(`{TEXT}`)"),
    "under another name": lambda code: code.replace("const analyst", "const zq"),
}


@pytest.mark.parametrize("mutation", SCRIPT_MUTATIONS)
@pytest.mark.parametrize("form", sorted(set(SCRIPT) - {"an export", "a constant inside another"}))
def test_mutations_in_scripts_are_found_or_listed(form, mutation):
    """As in Python, no text that looks like a prompt is passed over."""
    pytest.importorskip("tree_sitter_typescript", reason="needs the extra templates")
    source, texts = SCRIPT[form]
    file = script_templates(SCRIPT_MUTATIONS[mutation](source), "app.ts", grammar="typescript")
    seen = filled_texts([*file.prompts, *file.left_out])
    assert [text for text in texts if text not in seen] == []


def test_a_missing_bracket_is_no_silence():
    """Also what the grammar only misses is said, with its line."""
    pytest.importorskip("tree_sitter_typescript", reason="needs the extra templates")
    for source in ("const x = [1, 2;\n", "f(1;\n", "const aPrompt = `x\n"):
        assert script_templates(source, "app.ts", grammar="typescript").unread


def test_scripts_have_marks_notes_and_faults():
    """Comments decide as in Python, braces are said, and what cannot be read is no silence."""
    pytest.importorskip("tree_sitter_typescript", reason="needs the extra templates")
    source = (
        "// kimi-planner: prompt\nconst hello = 'Hi {name}';\n"
        f"const x = '{TEXT}'; // kimi-planner: no prompt\n"
        f"log(`{TEXT}`);\nconst = (;\n"
    )
    file = script_templates(source, "app.ts", grammar="typescript")
    assert [(one.name, one.line, len(one.notes)) for one in file.prompts] == [("hello", 2, 1)]
    assert [one.name for one in file.left_out] == ["log(0)"]
    (unread,) = file.unread
    assert (unread.line, unread.why.split(";")[0]) == (
        5,
        "line 5 is not typescript that can be read",
    )


def test_constants_of_scripts_that_double_each_other_are_refused():
    """Forty lines of TypeScript that stand for more text than memory holds end in an error too."""
    pytest.importorskip("tree_sitter_typescript", reason="needs the extra templates")
    lines = ["const B0 = 'x';", *(f"const B{n} = B{n - 1} + B{n - 1};" for n in range(1, 40))]
    with pytest.raises(RequestError, match="nested too deeply"):
        script_templates("\n".join([*lines, "const PROMPT = B39;"]), "a.ts", grammar="typescript")
    few = "\n".join([*lines[:6], "const PROMPT = B5;"])
    [prompt] = script_templates(few, "a.ts", grammar="typescript").prompts
    assert prompt.text == "x" * 2**5
