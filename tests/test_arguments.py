"""Calls that do not fit: what a function does not take or was not given is said in one line."""

import inspect
import pickle
import re
from datetime import date
from decimal import Decimal
from importlib import import_module
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import kimi_planner as kp
from kimi_planner.errors import CallError, KimiPlannerError, SettingError, WorkloadError

GROUPS = [kp, *(getattr(kp, name) for name in kp.__all__ if inspect.ismodule(getattr(kp, name)))]
#: One argument, and called for every short text: the guard would be a fifth of its time.
BARE = kp.count_tokens
FUNCTIONS = sorted(
    {
        value
        for group in GROUPS
        for name in group.__all__
        if inspect.isfunction(value := getattr(group, name)) and value is not BARE
    },
    key=lambda one: (one.__module__, one.__name__),
)
#: From the name of a result to the function that returns it.
MAKERS = {
    inspect.signature(one).return_annotation: one.__name__
    for one in FUNCTIONS
    if any(hasattr(group, str(inspect.signature(one).return_annotation)) for group in GROUPS)
}


def needed_by(function):
    """Return the arguments without which a function cannot be called."""
    return [
        one
        for one in inspect.signature(function).parameters.values()
        if one.default is one.empty and one.kind not in (one.VAR_KEYWORD, one.VAR_POSITIONAL)
    ]


#: Functions of a result that another function returns.
OF_RESULTS = [one for one in FUNCTIONS if needed_by(one) and needed_by(one)[0].annotation in MAKERS]


@pytest.fixture(scope="module")
def workloads():
    return kp.load_workloads()


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda one: f"{one.__module__}.{one.__name__}")
def test_every_public_function_names_what_it_does_not_take(function):
    """A misspelt argument is an error of ours and a TypeError, whatever else is missing."""
    has_settings = "settings" in inspect.signature(function).parameters
    fault = r": missing a required argument" if has_settings else r" has no argument 'colour_of_it'"
    with pytest.raises(CallError, match=rf"^{function.__name__}\(\){fault}"):
        function(colour_of_it=3)
    assert issubclass(CallError, KimiPlannerError)
    assert issubclass(CallError, TypeError)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda w: kp.project(w, monts=3), "project() has no argument 'monts'. Did you mean 'months'?"),
        (lambda w: kp.recommend(w, monts=3), "recommend() has no argument 'monts'. Did you mean 'months'?"),
        (lambda w: kp.recommend(w, projections=3), "Did you mean 'projection'?"),
        (lambda w: kp.choose.cost_per_success(w, confidance=0.9), "Did you mean 'confidence'?"),
        (lambda w: kp.Workload(name="a", promt_tokens=3), "Did you mean 'prompt_tokens'?"),
        (lambda w: kp.choose.Requirements(need=["vision"]), "Did you mean 'needs'?"),
        (lambda w: kp.count_messages([]), "missing a required argument: 'model'"),
        (lambda w: kp.Workload(), "missing a required argument: 'name'"),
        (lambda w: kp.Workload.from_usage(), "missing a required argument: 'frame'"),
    ],
)  # fmt: skip
def test_the_nearest_argument_is_named(workloads, call, said):
    """The message has the name of the function that was called, what it takes and the nearest."""
    with pytest.raises(CallError) as caught:
        call(workloads)
    message = str(caught.value)
    assert said in message
    assert "It takes " in message
    assert "\n" not in message


@pytest.mark.parametrize("function", OF_RESULTS, ids=lambda one: f"{one.__module__}.{one.__name__}")
def test_a_function_of_a_result_says_what_returns_one(function):
    """Given a table in its place, the error names the argument and where its value comes from."""
    needed = needed_by(function)
    table = pd.DataFrame({"a": [1]})
    with pytest.raises(KimiPlannerError) as caught:
        function(**{one.name: table for one in needed})
    maker = MAKERS[needed[0].annotation]
    assert re.search(rf"{needed[0].name} is a DataFrame\. Give what {maker}", str(caught.value))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda w, p: kp.plot.spend_fan(w, "kimi-k2"), r"projection is \[<Workload .* Give what project\(\) returns\."),
        (lambda w, p: kp.plot.spend_fan(p, p), r"model is a Projection\. Give text or a mapping\."),
        (lambda w, p: kp.plot.slide(p, "x.png"), r"ax is a Projection\. Give Axes, such as plt\.subplots\(\)\[1\]\."),
        (lambda w, p: kp.write_report(p, "x"), r"recommendation is a Projection\. Give what recommend\(\) returns\."),
        (lambda w, p: kp.project(w, models=3), r"models is 3\. Give text or a list\."),
        (lambda w, p: kp.count_tokens_batch(None), r"texts is None\. Give a list\."),
        (lambda w, p: p.mix("kimi-k2"), r"mix\(\): choice is 'kimi-k2'\. Give a mapping\."),
        (lambda w, p: p.catalog.select(3), r"select\(\): model_ids is 3\. Give text or a list\."),
        (lambda w, p: p.summary("all"), r"summary\(\): too many positional arguments\. It takes together\."),
        (lambda w, p: p.catalog.in_currency("EUR"), r"missing a required argument: 'rate'"),
        (lambda w, p: kp.context_fit(w).share("chat"), r"missing a required argument: 'model'"),
        (lambda w, p: kp.tokens.token_range("text"), r"template is 'text'\. Give one of what read_templates\(\) returns\."),
        (lambda w, p: kp.latest_estimate(p), r"usage is a Projection\. Give .*a DataFrame, such as read_usage\(\)"),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_named(workloads, call, said):
    """What fails inside, as an argument is not what it must be, says which argument and what to give."""
    plan = kp.project(workloads, months=1, start="2026-12", as_of="2026-11-28", n_paths=200)
    with pytest.raises(CallError, match=said):
        call(workloads, plan)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (kp.count_tokens_batch, r"texts is a DataFrame\. Give one column"),
        (lambda f: kp.Workload(name="a", requests_per_day=1, prompt_tokens=f, completion_tokens=1), r"prompt_tokens is a DataFrame\. Give one column"),
        (lambda f: kp.plan.example_path("exmple"), r"no example 'exmple'\. Did you mean 'example'\? There are "),
        (lambda f: kp.plot.slide(plt.figure().add_subplot(), "x.docx"), r"x\.docx: Format 'docx' is not supported"),
        (lambda f: kp.estimate("hello"), r"The request is 'hello'\. Give the body of a chat completion"),
        (lambda f: kp.read_usage({"prompt_tokens": 1}), r"source is \{'prompt_tokens': 1\}\. Give the path of a log"),
        (lambda f: kp.project({"name": "a"}), r"workloads is \{'name': 'a'\}\. Give Workload objects"),
    ],
)  # fmt: skip
def test_what_would_be_taken_for_something_else_is_refused(call, said):
    """A table is not its column names, and a mapping not its keys."""
    with pytest.raises(KimiPlannerError, match=said):
        call(pd.DataFrame({"a": ["x"], "b": ["y"]}))


def test_a_name_that_a_group_does_not_have_is_named_with_the_nearest():
    """As a misspelt argument, so a misspelt function."""
    for group, name, near in ((kp, "projct", "project"), (kp.plot, "spendfan", "spend_fan")):
        with pytest.raises(AttributeError, match=rf"no attribute '{name}'\. Did you mean '{near}'"):
            getattr(group, name)


def test_an_error_inside_stays_as_it_is():
    """A call that fits is not blamed for what it raises."""
    from kimi_planner.arguments import public

    @public
    def adds(one, other):
        return one + other

    with pytest.raises(TypeError, match="unsupported operand") as caught:
        adds(1, "2")
    assert not isinstance(caught.value, CallError)


def test_public_functions_can_be_sent_to_other_processes():
    """What is public pickles by its name, as a pool of processes needs."""
    for function in FUNCTIONS:
        assert pickle.loads(pickle.dumps(function)) is function
        assert getattr(import_module(function.__module__), function.__name__) is function


def test_a_file_is_as_good_as_its_workloads(tmp_path, workloads):
    """What takes workloads takes the path of their file, as text or path."""
    path = kp.plan.example_path()
    settings = {"months": 1, "start": "2026-12", "as_of": "2026-11-28", "n_paths": 200}
    expected = kp.project(workloads, **settings).summary()
    for given in (path, str(path)):
        pd.testing.assert_frame_equal(kp.project(given, **settings).summary(), expected)
    assert kp.context_fit(path).frame.equals(kp.context_fit(workloads).frame)
    with pytest.raises(WorkloadError, match=r"none\.toml"):
        kp.project(tmp_path / "none.toml")


def test_a_table_says_how_it_becomes_a_workload():
    """A DataFrame is no workload, and the error names both ways to make one of it."""
    with pytest.raises(SettingError, match=r"DataFrame.*Workload\.from_usage.*prompt_tokens=table"):
        kp.project(pd.DataFrame({"tokens": [1, 2]}))


def test_counted_column_is_a_quantity():
    """The column that was counted is the size of the calls: its mean is what a plan rests on."""
    texts = pd.Series(["one", "two words", "three more words here"])
    column = texts.map(kp.count_tokens)
    workload = kp.Workload(
        name="a", requests_per_day=1, prompt_tokens=column, completion_tokens=column
    )
    plan = kp.project(workload, months=1, start="2026-11", as_of="2026-11-28", models="kimi-k2")
    expected = 30 * column.mean() * (1.20 + 3.60) / 1e6
    assert plan.of("kimi-k2", "a").mean().sum() == pytest.approx(expected, rel=1e-9)


CHAT = kp.Workload(name="chat", requests_per_day=9, prompt_tokens=900, completion_tokens=90)
LOG = kp.read_usage(
    pd.DataFrame(
        {
            "timestamp": ["2026-11-01"],
            "model": ["kimi-k2"],
            "prompt_tokens": [9],
            "completion_tokens": [9],
        }
    )
)
TOTALS = kp.usage.total_usage(LOG, by="model")
PLAN = kp.project(CHAT, 1, "2026-12", as_of="2026-11-28", catalog="2026-06", n_paths=100)
RATE = kp.choose.SuccessRate(model="kimi-k2", alpha=1.0, beta=1.0)
STATED = kp.choose.Objective(failure_usd=1)
EURO = kp.catalog.Exchange(currency="EUR", rates=((date(2026, 11, 1), Decimal("0.9")),))
DOUBLE = kp.plan.Scenario(name="double", changes={"traffic": 2})


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: kp.load_catalog().on(pd.NaT), r"as_of is NaT\. Give a day\."),
        (lambda: EURO.at("2026-11"), r"day is '2026-11'\. Give a day: "),
        (lambda: EURO.of_months(["2026-13"]), r"month is '2026-13-01'\. Give a day"),
        (lambda: DOUBLE.applied("chat"), r"chat: no such file"),
        (lambda: DOUBLE.applied([5]), r"5 is no workload\. Give Workload"),
        (lambda: kp.plan.budget_matrix(PLAN, {"chat": pd.Series([1])}), r"choice has a Series\. Give text\."),
        (lambda: kp.read_usage("log.csv", ignore=np.array(3)), r"ignore is array\(3\)\."),
        (lambda: DOUBLE.of_plan([]), r"projection is \[\]\. Give what project\(\) returns\."),
        (lambda: DOUBLE.holds(5), r"months is 5\. Give a list\."),
        (lambda: kp.plot.explore(CHAT, scenarios=["march"]), r"'march' is no scenario"),
        (lambda: CHAT.given("promt_tokens"), r"no field 'promt_tokens'\. Did you mean 'prompt_tokens'"),
        (lambda: TOTALS.usage(("kimi-k9",)), r"no model \('kimi-k9',\)\. See frame\."),
        (lambda: TOTALS.usage(["kimi-k2"]), r"cell is \['kimi-k2'\]\. Give a tuple\."),
        (lambda: RATE.interval(2), r"confidence is 2\. It must lie between 0 and 1\."),
        (lambda: RATE.draws(float("nan")), r"count is nan\. It must be a whole number from 1"),
        (lambda: RATE.quantiles("0.5"), r"shares is '0\.5'\. Give an array\."),
        (lambda: kp.choose.SuccessRate.of_trials("kimi-k2", (3, 5)), r"trials is \(3, 5\)\. Give Trials"),
        (lambda: kp.choose.Objective.of("chat"), r"workload is 'chat'\. Give Workload\("),
        (lambda: kp.choose.Objective().needed_success(1, 1), r"Give value_usd or failure_usd\."),
        (lambda: STATED.net_usd("often", 1), r"success is 'often', cost_usd 1\. Give numbers\."),
        (lambda: STATED.net_usd(1, 10**400), r"success is 1, cost_usd 1000"),
        (lambda: STATED.switching_usd((1, 2), None), r"second is None\. Give a tuple\."),
        (lambda: kp.choose.best_by_value({"a": (1, "dear"), "b": (1, 1)}), r"success is 1, cost_usd 'dear'\. Give numbers"),
        (lambda: kp.choose.best_by_value({"a": (1, 2)}, 5), r"objective is 5\. Give Objective\("),
        (lambda: kp.context_fit(CHAT).curve("8k"), r"windows is '8k'\. Give sizes in tokens"),
        (lambda: kp.context_fit(CHAT).curve([None]), r"windows is \[None\]\."),
        (lambda: kp.count_tokens("a", engine_name={}), r"Unknown engine \{\}\."),
        (lambda: kp.report.focus_usage(LOG, exchange=3), r"exchange is 3\. Give Exchange"),
        (lambda: PLAN.quantile(Decimal("0.5")), r"quantile is 0\.5\. It must lie"),
        (lambda: kp.choose.thinking_pays(CHAT, "kimi-k2", "kimi-k2-5-thinking", value_usd_per_success="1e400", projection=PLAN), r"It must be below 1,000,000,000,000,000\."),
        (lambda: kp.plan.example_path("../catalogs/2026-06"), r"no example '\.\./catalogs/2026-06'\."),
        (lambda: kp.plan.example_path(10**400), r"no example 1000"),
        (lambda: kp.read_usage("log.csv", progress="yes"), r"progress is 'yes'\. Give a function\."),
    ],
)  # fmt: skip
def test_a_wrong_value_of_any_call_is_an_error_of_ours(tmp_path, monkeypatch, call, said):
    """Also in a list, in a mapping, and in a method of whatever a call returns."""
    monkeypatch.chdir(tmp_path)
    Path("log.csv").write_text("model,prompt_tokens,completion_tokens\nkimi-k2,1,1\n", "utf-8")
    with pytest.raises(KimiPlannerError, match=said):
        call()


@pytest.mark.parametrize("ask", ["needed", "prepaid"])
def test_a_sentence_is_of_a_model(ask):
    """Without one there is nothing to say."""
    found = kp.capacity.throughput(CHAT, "kimi-k2", months=1, start="2026-12", n_paths=100)
    with pytest.raises(CallError, match="missing a required argument: 'model'"):
        getattr(found, ask)()
