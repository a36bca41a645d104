"""Prompts in Python source: held against what Python itself makes of the same source."""

import argparse
import calendar
import codecs
import doctest
import http.client
import importlib.util
import inspect
import mimetypes
import optparse
import pydoc
import smtplib
import tarfile
import typing
from collections import Counter
from pathlib import Path
from string import Template

import pytest

from kimi_planner.errors import FileError, RequestError
from kimi_planner.tokens.prompts.parts import Choice, PromptTemplate, Variable, joined
from kimi_planner.tokens.prompts.placeholders import split_placeholders
from kimi_planner.tokens.prompts.python import python_templates
from kimi_planner.tokens.prompts.ranges import token_range
from kimi_planner.tokens.prompts.read import read_templates
from kimi_planner.tokens.text import count_tokens


def found(source, **options):
    return {one.name: one for one in python_templates(source, "p.py", **options).prompts}


def filled(template, **values):
    """Return the text of a template without branches."""
    return "".join(part if isinstance(part, str) else values[part.name] for part in template.parts)


FIXED = '''
import inspect, textwrap
from textwrap import dedent
BASE = "You help. 你好 \\N{SNOWMAN}"
A_PROMPT = BASE + "\\n" "Be kind." + """
  Twice."""
B_PROMPT = textwrap.dedent("""\\
    First line
      second
    third""").strip()
C_PROMPT = dedent(A_PROMPT) + inspect.cleandoc("""
    doc
      more
    """)
D_PROMPT = f"{BASE} {{not a name}} {'x'}"
E_PROMPT = "\\n".join([BASE, "two", f"{BASE}!"])
F_PROMPT = r"raw \\n" + 'single' if False else BASE
G_PROMPT: str = "typed"
H_PROMPT = I_PROMPT = "both"
J_PROMPT = "100%% of %s" % ("it",) if 0 else "no"
'''


def test_fixed_prompts_are_what_python_makes_of_them():
    """Every prompt without variables has exactly the text, or branches, of its value."""
    values = {}
    exec(FIXED, values)
    prompts = found(FIXED)
    assert {name for name in values if name.endswith("_PROMPT")} - set(prompts) == {"I_PROMPT"}
    for name, prompt in prompts.items():
        if prompt.text is None:
            branches = [joined(branch) for branch in prompt.parts[0].branches]
            assert (values[name],) in branches
        else:
            assert prompt.text == values[name], name


MODULES = (
    *(argparse, calendar, codecs, doctest, http.client, importlib.util, inspect, mimetypes),
    *(optparse, pydoc, smtplib, tarfile, typing),
)


def test_texts_of_real_modules_are_what_they_hold():
    """Every fixed text at the top of modules of the standard library is what the module holds."""
    held = 0
    for module in MODULES:
        source = Path(module.__file__).read_text(encoding="utf-8")
        prompts = python_templates(source, module.__file__, names=["*"]).prompts
        often = Counter(prompt.name for prompt in prompts)
        for prompt in prompts:
            known = often[prompt.name] == 1 and hasattr(module, prompt.name)
            if known and prompt.text is not None:
                assert getattr(module, prompt.name) == prompt.text, prompt.where
                held += 1
    assert held > 20


FILLED = """
from string import Template
NAME = "Kimi"
ONE_PROMPT = f"Dear {user}, I am {NAME}.{user}"
TWO_PROMPT = "Hi {user}, {{braces}} {user!r:>3}"
two = TWO_PROMPT.format(user=user)
THREE_PROMPT = "rate %d%% of %(user)s"
three = THREE_PROMPT % {"user": user}
FOUR_PROMPT = Template("$user ${user}s cost $$5")
FIVE_TEMPLATE = "Hello $user"
five = Template(FIVE_TEMPLATE).substitute(user=user)
SIX_PROMPT = "Answer " + user + " in " + NAME
"""


def test_variables_stand_where_python_fills_them():
    """Filling the parts gives what Python's own filling gives."""
    prompts = found(FILLED.replace("%d%%", "%%"))
    values = {"user": "Ann"}
    exec(FILLED.replace("%d%%", "%%"), values)
    assert filled(prompts["ONE_PROMPT"], user="Ann") == values["ONE_PROMPT"]
    assert filled(prompts["THREE_PROMPT"], user="Ann") == values["three"]
    assert filled(prompts["FOUR_PROMPT"], user="Ann") == values["FOUR_PROMPT"].substitute(
        user="Ann"
    )
    assert filled(prompts["FIVE_TEMPLATE"], user="Ann") == values["five"]
    assert filled(prompts["SIX_PROMPT"], user="Ann") == values["SIX_PROMPT"]
    assert prompts["TWO_PROMPT"].parts == (
        "Hi ",
        Variable("user"),
        ", {braces} ",
        Variable("user!r:>3"),
    )


def test_messages_in_calls_and_dicts_are_found():
    """The content of a literal chat message is a prompt, in a call, a dict or a part of content."""
    source = (
        "def ask(question):\n"
        "    client.create(\n"
        "        messages=[\n"
        '            {"role": "system", "content": "Be brief."},\n'
        '            {"role": "user", "content": f"Q: {question}"},\n'
        '            {"role": "user", "content": [{"type": "text", "text": "See this"}]},\n'
        '            {"role": "user", "content": question},\n'
        "        ],\n"
        '        system="You are a judge.", temperature=1, other="no prompt",\n'
        "    )\n"
        'AGENTS = {"judge": {"system": "Decide."}, "other": "x"}\n'
    )
    prompts = found(source)
    assert {name: one.line for name, one in prompts.items()} == {
        "ask.create(messages)[0].content": 4,
        "ask.create(messages)[1].content": 5,
        "ask.create(messages)[2].content[0].text": 6,
        "ask.create(system)": 9,
        "AGENTS.judge.system": 11,
    }
    assert prompts["ask.create(messages)[1].content"].variables == ("question",)


def test_a_comment_marks_a_prompt():
    """A marked text is taken whatever it is called, on its line or below; others are not."""
    source = (
        "# kimi-planner: prompt\n"
        'greeting = "Hello"\n'
        'other = "no"\n'
        'bye = "Bye"  # kimi-planner: prompt\n'
        'text = "# kimi-planner: prompt"\n'
        'after = "no"\n'
    )
    assert set(found(source)) == {"greeting", "bye"}


def test_names_select():
    """Given globs replace the usual names, and match the name or the whole path."""
    source = 'class A:\n    greeting = "a"\nSYSTEM_PROMPT = "b"\ngreeting_x = "c"\n'
    assert set(found(source)) == {"SYSTEM_PROMPT"}
    assert set(found(source, names=["greeting"])) == {"A.greeting"}
    assert set(found(source, names=["a.*", "*_X"])) == {"A.greeting", "greeting_x"}


def test_a_constant_that_is_used_is_one_prompt():
    """A prompt that is bound to a name is not found again where the name is used."""
    source = (
        'A_PROMPT = "Be brief."\nrules = "Be kind."\n'
        "create(system=A_PROMPT)\ncreate(system=rules)\n"
        'create(messages=[{"role": "system", "content": A_PROMPT}])\n'
    )
    prompts = python_templates(source, "p.py").prompts
    assert [(one.name, one.text) for one in prompts] == [
        ("A_PROMPT", "Be brief."),
        ("create(system)", "Be kind."),
    ]


def test_branches_and_loops_of_names_are_not_guessed():
    """A name that is bound twice is a variable, and a text that grows has no upper end."""
    source = (
        'MODE = "a"\n'
        'if x:\n    MODE = "b"\n'
        'A_PROMPT = f"{MODE}!"\n'
        'B_PROMPT = "yes" if x else other\n'
        'C_PROMPT = "start"\n'
        'C_PROMPT += "more"\n'
        'D_PROMPT = "\\n".join(parts)\n'
        'E_PROMPT = f"{x} text".strip()\n'
        "F_PROMPT = 1 + 2\n"
        'G_PROMPT = f"{G_PROMPT}"\n'
    )
    prompts = found(source)
    assert prompts["A_PROMPT"].parts == (Variable("MODE"), "!")
    assert prompts["B_PROMPT"].parts == (Choice((("yes",), (Variable("other"),))),)
    assert prompts["C_PROMPT"].parts == ("start", Variable("C_PROMPT += …"))
    assert prompts["D_PROMPT"].parts == (Variable("'\\n'.join(parts)"),)
    assert prompts["E_PROMPT"].parts == (Variable("f'{x} text'.strip()"),)
    assert prompts["G_PROMPT"].parts == (Variable("G_PROMPT"),)
    assert "F_PROMPT" not in prompts
    assert token_range(prompts["C_PROMPT"]).unknown == ("C_PROMPT += …",)


def test_braces_that_nothing_fills_are_text_and_said_so():
    """A plain text with names in braces is counted as it stands, with a note; a style fills it."""
    source = 'A_PROMPT = "Hi {name}"\nB_PROMPT = \'{"a": 1}\'\n'
    plain = found(source)
    assert token_range(plain["A_PROMPT"]).high == count_tokens("Hi {name}")
    assert "style" in plain["A_PROMPT"].notes[0]
    assert plain["B_PROMPT"].notes == ()
    styled = found('A_PROMPT = "Hi {name}"\n', style="format")["A_PROMPT"]
    assert (styled.variables, styled.notes) == (("name",), ())
    assert found('A_PROMPT = "Hi {{ name }}"', style="mustache")["A_PROMPT"].variables == ("name",)


def test_a_name_that_is_filled_elsewhere_does_not_break_another():
    """Where a text cannot be filled as its namesake is, it is counted as text, with a note."""
    source = (
        'class A:\n    prompt = "Hi {x}"\n    y = prompt.format(x=1)\nclass B:\n    prompt = "{"\n'
    )
    prompts = found(source)
    assert prompts["A.prompt"].variables == ("x",)
    assert prompts["B.prompt"].text == "{"
    assert prompts["B.prompt"].notes


def test_a_template_of_jinja_is_jinja():
    """`Template` fills dollar signs, unless the module has it from Jinja."""
    source = "A_PROMPT = Template('Hi {{ name }} for $5').render(name=name)\n"
    jinja = found("from jinja2 import Template\n" + source)["A_PROMPT"]
    assert jinja.parts == ("Hi ", Variable("name"), " for $5")
    dotted = found("import jinja2\n" + source.replace("Template", "jinja2.Template"))["A_PROMPT"]
    assert dotted.parts == jinja.parts


def test_an_f_string_that_is_filled_again_has_both_kinds_of_variables():
    """Braces that an f-string leaves are filled by the `format` that follows."""
    prompt = found('A_PROMPT = f"{x} and {{y}}".format(y=1)')["A_PROMPT"]
    assert prompt.parts == (Variable("x"), " and ", Variable("y"))


def test_a_name_that_an_import_may_bind_is_not_resolved():
    """What an import, a function or an exception may bind as well is a variable."""
    for other in ("from x import BASE", "def BASE(): ...", "import BASE.y"):
        prompt = found(f'BASE = "a"\ntry:\n    {other}\nexcept E: ...\nA_PROMPT = f"{{BASE}}!"')
        assert prompt["A_PROMPT"].parts == (Variable("BASE"), "!")


def test_from_template_is_a_format():
    """A text given to `from_template` is filled as by `format`."""
    prompt = found('A_PROMPT = PromptTemplate.from_template("Hi {name}")\n')["A_PROMPT"]
    assert prompt.parts == ("Hi ", Variable("name"))


def test_nothing_is_run():
    """A module whose import would fail is read all the same."""
    source = 'raise SystemExit(1)\nimport nowhere\nA_PROMPT = f"x {1 / 0}"\n'
    assert found(source)["A_PROMPT"].variables == ("1 / 0",)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x = (\n", "p.py line 1: not Python"),
        ("x = '\0'", "not Python"),
        ('\nA_PROMPT = "{".format(x=1)\n', "p.py line 2: '{' is not a format template"),
        ('A_PROMPT = "5% now" % x\n', "write a percent sign as %%"),
        ('A_PROMPT = "50%" % x\n', "ends within a placeholder"),
        ('A_PROMPT = Template("$5")\n', r"write it as \$\$"),
        ("A_PROMPT = " + "[" * 150 + "]" * 150, "nested too deeply"),
        ("A_PROMPT = " + "('a' + " * 80 + "'b'" + ")" * 80 + "\n", None),
    ],
)
def test_faults_are_named_with_their_line(source, message):
    """What cannot be read is an error of ours that names file and line."""
    if message is None:
        assert found(source)["A_PROMPT"].text == "a" * 80 + "b"
        return
    with pytest.raises(RequestError, match=message):
        found(source)


def test_a_long_sum_is_read():
    """A text of many terms is no nesting, and warnings about a module are not raised."""
    prompt = found("A_PROMPT = (" + "'\\d ' + " * 900 + "x)")["A_PROMPT"]
    assert prompt.parts == ("\\d " * 900, Variable("x"))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a {{ x }} {{{y}}}{{&z}}", ("a ", Variable("x"), " ", Variable("y"), Variable("z"))),
        ("{ {x} }", ("{ {x} }",)),
        ("{{#x}}a{{/x}}", None),
    ],
)
def test_mustaches(text, parts):
    """Variables of every spelling are told apart from text; sections are refused."""
    if parts is None:
        with pytest.raises(RequestError, match="is no variable"):
            split_placeholders(text, "mustache")
    else:
        assert split_placeholders(text, "mustache") == parts


def test_a_file_of_python_is_read(tmp_path):
    """A path leads to the prompts of its file, named as asked."""
    path = tmp_path / "app.py"
    path.write_text('A_PROMPT = "Hello, world!"\n', encoding="utf-8")
    assert read_templates(path, shown_as="src/app.py") == [
        PromptTemplate(name="A_PROMPT", path="src/app.py", line=1, parts=("Hello, world!",))
    ]
    assert read_templates(path, style="jinja")[0].text == "Hello, world!"
    with pytest.raises(RequestError, match="Styles: none"):
        read_templates(path, style="f-string")
    with pytest.raises(FileError, match="no such file"):
        read_templates(tmp_path / "none.py")


def test_dollar_templates_agree_with_python():
    """What is a placeholder after a dollar sign is Python's own rule."""
    text = "$a ${b}c $$ $a_1é"
    prompt = found(f"P_PROMPT = Template({text!r})")["P_PROMPT"]
    values = {name: f"<{name}>" for name in prompt.variables}
    assert filled(prompt, **values) == Template(text).substitute(values)


FORMATTED = """
A_PROMPT = f'''{x!r}, {x:>{width}}, {x["k'"]!s:*^9}, {x}'''
B_PROMPT = "{x!r} {x:>400} {:{}} {} {x}"
B_PROMPT.format(1, 2, 3, x=x)
C_PROMPT = "%(x)s %(x)400s %(x).2f %(x)r" % fields
D_PROMPT = "%s %*d %d" % (a, b, c, d)
"""


def test_a_format_makes_another_variable():
    """What a conversion or a width makes of a value is not what is declared of the value."""
    prompts = found(FORMATTED)
    assert prompts["A_PROMPT"].variables == ("x!r", "x:>{width}", 'x["k\'"]!s:*^9', "x")
    assert prompts["B_PROMPT"].variables == ("x!r", "x:>400", "0:{}", "2", "x")
    assert prompts["C_PROMPT"].variables == ("x", "x:400s", "x:.2f", "x:r")
    assert prompts["D_PROMPT"].variables == ("0", "2:*d", "3")
    one = found('A_PROMPT = f"{x:0>400}"')["A_PROMPT"]
    assert token_range(one, {"x": {"max_bytes": 1}}).high is None
    assert token_range(one, {"x:0>400": {"max_bytes": 400}}).high >= count_tokens(f"{7:0>400}")


def test_a_constant_inside_a_filled_text_is_filled_as_well():
    """The placeholders of a constant that an f-string takes in are filled with the rest."""
    prompts = found('BASE = "Dear {x}"\nA_PROMPT = f"{BASE}, hi".format(x=x)')
    assert prompts["A_PROMPT"].parts == ("Dear ", Variable("x"), ", hi")


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        ("given or 'a default'", (Choice(((Variable("given"),), ("a default",))),)),
        ("'a b'.replace('b', b)", (Variable("'a b'.replace('b', b)"),)),
        ("f'{a} b'.upper()", (Variable("f'{a} b'.upper()"),)),
        ("'a b'.strip(a)", (Variable("'a b'.strip(a)"),)),
        ("'=' * 80", (Variable("'=' * 80"),)),
        ("'=' * width + 'b'", (Variable("'=' * width"), "b")),
    ],
)
def test_what_is_text_but_not_worked_out_is_unknown(value, parts):
    """A prompt made of known text in a way that is not followed is unknown, never left out."""
    assert found(f"A_PROMPT = {value}")["A_PROMPT"].parts == parts
    assert not found("A_PROMPT = given or other\nB_PROMPT = 2 * 3\nC_PROMPT = 'a,b'.split(',')")


def test_an_attribute_that_grows_has_more_than_its_first_text():
    """What ``+=`` adds to an attribute is unknown, as it is for a name."""
    source = "class A:\n    def f(self):\n        self.prompt = 'a'\n        self.prompt += b\n"
    assert found(source)["A.f.self.prompt"].parts == ("a", Variable("prompt += …"))


def test_a_module_is_read_in_the_encoding_that_it_declares(tmp_path):
    """A cookie of another encoding is obeyed as Python does, and a byte order mark is no text."""
    path = tmp_path / "p.py"
    path.write_bytes("# -*- coding: latin-1 -*-\r\nA_PROMPT = 'caf\u00e9'\r\n".encode("latin-1"))
    assert [(one.text, one.line) for one in read_templates(path)] == [("caf\u00e9", 2)]
    path.write_bytes(b"\xef\xbb\xbfA_PROMPT = 'x'\n")
    assert read_templates(path)[0].text == "x"
    path.write_bytes(b"A_PROMPT = '\xe9'\n")
    with pytest.raises(FileError, match="line 1: not UTF-8"):
        read_templates(path)


def test_constants_that_double_each_other_are_refused():
    """Forty lines that stand for more text than memory holds end in an error."""
    lines = ["B0 = 'x'", *(f"B{n} = f'{{B{n - 1}}}{{B{n - 1}}}'" for n in range(1, 40))]
    with pytest.raises(RequestError, match="nested too deeply"):
        found("\n".join([*lines, "A_PROMPT = B39"]))
    assert len(found("\n".join([*lines, "A_PROMPT = B5"]))["A_PROMPT"].text) == 2**5
