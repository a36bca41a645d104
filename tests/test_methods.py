"""What a user has in hand: every method of it is shown in use, and says what it cannot do with."""

import inspect
import re
from doctest import DocTestParser

import pytest

import kimi_planner as kp
from kimi_planner.errors import CallError

GROUPS = [kp, *filter(inspect.ismodule, (getattr(kp, name) for name in kp.__all__))]
TOP = [getattr(kp, name) for name in kp.__all__]
#: What the functions at the top return.
RETURNED = {str(inspect.signature(one).return_annotation) for one in TOP if inspect.isfunction(one)}
IN_HAND = {
    value
    for group in GROUPS
    for name in group.__all__
    if inspect.isclass(value := getattr(group, name)) and (value in TOP or name in RETURNED)
}
#: `page` is what a notebook shows, and called by it.
METHODS = {
    f"{owner.__name__}.{name}": (owner, name)
    for owner in sorted(IN_HAND, key=lambda one: one.__name__)
    for name, value in inspect.getmembers(owner)
    if inspect.isfunction(value) or inspect.ismethod(value)
    if not name.startswith("_")
    and name != "page"
    and owner.__module__.startswith("kimi_planner.")
    and not issubclass(owner, Exception)
}
WITH_ARGUMENTS = [
    called
    for called, (owner, name) in METHODS.items()
    if set(inspect.signature(getattr(owner, name)).parameters) - {"self"}
]


def code_in(value):
    """Return the code of the examples in a docstring."""
    return "".join(one.source for one in DocTestParser().get_examples(inspect.getdoc(value) or ""))


def test_what_is_in_hand_is_all_there():
    """The classes are those that a first plan, choice, log and forecast come to."""
    names = {"Catalog", "ContextFit", "LatestEstimate", "Projection", "Recommendation"}
    assert names | {"SpendForecast", "Workload"} <= {one.__name__ for one in IN_HAND}
    assert len(METHODS) > 30
    assert len(WITH_ARGUMENTS) > 20


@pytest.mark.parametrize("called", METHODS)
def test_every_method_is_shown_in_use(called):
    """An example of its own, or of its class, calls it; that examples run is tested elsewhere."""
    owner, name = METHODS[called]
    assert re.search(rf"\.{name}\(", code_in(owner) + code_in(getattr(owner, name)))


@pytest.mark.parametrize("called", WITH_ARGUMENTS)
def test_every_method_names_what_it_does_not_take(called):
    """A misspelt argument is an error of ours, as in functions."""
    owner, name = METHODS[called]
    method = getattr(owner, name)
    given = () if inspect.ismethod(method) else (object.__new__(owner),)
    with pytest.raises(CallError, match=rf"^{name}\(\)(: missing| has no argument)"):
        method(*given, colour_of_it=3)


PLAN = kp.project(
    kp.Workload(name="chat", requests_per_day=9, prompt_tokens=900, completion_tokens=90),
    months=1, start="2027-01", as_of="2026-11-28", catalog="2026-06", n_paths=100,
)  # fmt: skip


@pytest.mark.parametrize(
    "ask",
    [
        lambda: kp.recommend(PLAN.workloads, projection=PLAN).ranking("chta"),
        lambda: PLAN.reasoning("kimi-k2", "chta"),
        lambda: PLAN.budget("chta"),
    ],
)
def test_a_workload_that_is_not_there_is_named(ask):
    """Nothing is known of it, which is no empty answer."""
    with pytest.raises(kp.KimiPlannerError, match=r"'chta'\. Did you mean 'chat'\?"):
        ask()
