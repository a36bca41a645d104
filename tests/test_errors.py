"""Errors: one family, each also the matching builtin, and words on one line."""

import datetime as dt
import pickle
import tomllib
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kimi_planner import Workload, cost, errors, load_workloads, price_usage, project, read_usage
from kimi_planner.errors import (
    FileError,
    KimiPlannerError,
    MissingExtraError,
    SettingError,
    Where,
    day_of,
    did_you_mean,
    shown,
)

ROOT = Path(__file__).resolve().parents[1]
BUILTINS = {
    "CallError": TypeError,
    "CatalogError": ValueError,
    "ConfigError": ValueError,
    "EvaluationError": ValueError,
    "FileError": ValueError,
    "LimitsError": ValueError,
    "MissingExtraError": ImportError,
    "PriceNotFoundError": LookupError,
    "RequestError": ValueError,
    "SettingError": ValueError,
    "TooLittleUsageError": ValueError,
    "UnknownModelError": LookupError,
    "UsageError": ValueError,
    "VocabularyError": RuntimeError,
    "WorkloadError": ValueError,
}


def test_every_error_is_of_the_family_and_of_a_builtin():
    """One except clause catches them all, and so does the builtin that fits."""
    found = {
        name: value
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, KimiPlannerError)
    }
    del found["KimiPlannerError"]
    assert found.keys() == BUILTINS.keys()
    for name, builtin in BUILTINS.items():
        assert issubclass(found[name], builtin)
        assert str(found[name]("said once")) == "said once"


def test_a_missing_extra_names_what_it_would_install(monkeypatch):
    """The error names what an extra installs, not this package, which no index need have."""
    lines = [
        "click>=8.2.0",
        "kimi-planner[plan]; extra == 'report'",
        "old>=1; python_version < '3.9' and extra == 'report'",
    ]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    lines += [f"{one}; extra == '{name}'" for name in extras for one in extras[name]]
    monkeypatch.setattr("importlib.metadata.requires", {"kimi-planner": lines}.get)
    said = str(MissingExtraError.of("Jinja2", "report"))
    said, _, command = said.partition(" with: pip install ")
    assert said == "Jinja2 is not installed. Install what the extra [report] adds"
    wanted = sorted({*extras["report"], *extras["plan"]} - {"kimi-planner[plan]"})
    assert command == f"{' '.join(map(repr, wanted))}."


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a\nb", r"'a\nb'"),
        (Decimal("2.50"), "2.50"),
        (dt.date(2026, 6, 1), "2026-06-01"),
        ("x" * 100, "'" + "x" * 58 + "…"),
        (np.array([[1], [2]]), "array([[1], [2]])"),
        (10**5000, "int too large to show"),
        (nested(100_000), "list too large to show"),
    ],
    ids=["text", "decimal", "date", "long", "array", "digits", "nested"],
)
def test_a_value_is_shown_on_one_short_line(value, text):
    """Values of any size and shape are shown as they were spelled, in at most 60 characters."""
    assert shown(value) == text


def test_a_frame_is_shown_by_what_it_is():
    """What prints as a page, and not as it is spelled, is named by its type."""
    assert shown(pd.DataFrame({"a": [1, 2]})) == "a DataFrame"
    assert shown(pd.Series([1, 2])) == "a Series"


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("kimi-k2.5", " Did you mean 'kimi-k2-5'?"),
        ("Kimi_K2 5", " Did you mean 'kimi-k2-5'?"),
        ("KIMI-K2", " Did you mean 'kimi-k2'?"),
        ("kimi-k2-instuct", " Did you mean 'kimi-k2-instruct'?"),
        ("A.B.C.D", " Did you mean 'a-b-c-d'?"),
        ("opus", ""),
        ("", ""),
    ],
)
def test_the_nearest_known_word_is_offered(word, hint):
    """Spelling differences lead to the known word; a stranger leads to none."""
    assert did_you_mean(word, ["kimi-k2-5", "kimi-k2", "kimi-k2-instruct", "a-b-c-d"]) == hint


@pytest.mark.parametrize(
    ("at", "said", "path", "line"),
    [
        (Where("a line 9.toml", 3), "a line 9.toml line 3: no.", "a line 9.toml", 3),
        (Where("a.csv", 3, "row"), "a.csv row 3: no.", "a.csv", None),
        ("a.toml", "a.toml: no.", "a.toml", None),
        (None, "no.", None, None),
    ],
)
def test_an_error_knows_its_file_its_line_and_its_reason(at, said, path, line):
    """Nothing has to be read out of the message, also after it was sent from another process."""
    error = FileError("no.", at=at)
    for same in (error, pickle.loads(pickle.dumps(error))):
        assert (str(same), same.path, same.line, same.reason) == (said, path, line, "no.")


def test_errors_of_files_are_located(tmp_path):
    """A workload file that is not TOML says where as data, whichever part of the package reads it."""
    path = tmp_path / "w.toml"
    path.write_text("[[workload]]\nname = 1 2\n", encoding="utf-8")
    with pytest.raises(KimiPlannerError) as caught:
        load_workloads(path)
    assert (caught.value.path, caught.value.line) == (str(path), 2)
    log = tmp_path / "log.csv"
    log.write_text("prompt_tokens,completion_tokens\n1,1\n-1,1\n", encoding="utf-8")
    with pytest.raises(KimiPlannerError) as caught:
        read_usage(log)
    assert (caught.value.path, caught.value.line) == (str(log), 3)
    assert "-1" in caught.value.reason


def test_an_error_is_given_its_place_and_what_it_is_about():
    """The place and the topic stand before the message; other errors pass as they are."""
    placed = errors.restated(at=Where("a.toml", 3), about="x", fault=errors.ConfigError)
    with pytest.raises(errors.ConfigError) as found, placed:
        raise errors.RequestError("y is 1.")
    assert str(found.value) == "a.toml line 3: x: y is 1."
    assert (found.value.path, found.value.line, found.value.reason) == ("a.toml", 3, "x: y is 1.")
    other = errors.restated(about="x", of=errors.UsageError)
    with pytest.raises(errors.RequestError, match=r"^y\.$"), other:
        raise errors.RequestError("y.")


@pytest.mark.parametrize("value", [True, 1.0, "1", None, 0, 4])
def test_a_whole_number_is_an_integer_within_bounds(value):
    """Anything else is refused with the bounds; true is no number."""
    assert errors.whole("n", 3, 1, 3, fault=FileError) == 3
    with pytest.raises(FileError) as found:
        errors.whole("n", value, 1, 3, fault=FileError)
    assert str(found.value) == f"n is {value!r}. It must be a whole number from 1 to 3."


@pytest.mark.parametrize(
    "day",
    [
        dt.date(2026, 11, 28),
        dt.datetime(2026, 11, 28, 23, 59, tzinfo=dt.UTC),
        pd.Timestamp("2026-11-28 12:00"),
        "2026-11-28",
        "2026-11-28T12:00:00Z",
    ],
)
def test_a_day_is_given_in_any_form(day: object) -> None:
    """A date, a datetime, a Timestamp and ISO text mean the same day, whoever asks."""
    assert day_of("as_of", day, fault=SettingError) == dt.date(2026, 11, 28)
    usage = {"prompt_tokens": 1_000, "completion_tokens": 0}
    assert cost(usage, "kimi-k2", as_of=day).total_usd == Decimal("0.0012")
    frame = pd.DataFrame([usage])
    assert price_usage(frame, "kimi-k2", as_of=day)["total_usd"].tolist() == [Decimal("0.0012")]
    load = Workload(name="w", requests_per_day=1, prompt_tokens=1, completion_tokens=1)
    plan = project(load, 1, as_of=day, n_paths=100)
    assert plan.as_of == dt.date(2026, 11, 28)


def test_a_message_is_one_line_whatever_a_name_holds():
    """Names of fields and files may have line ends; the place keeps them, the message does not."""
    error = FileError("usage.\r\n.cached is 3.\nSay what it is.", at=Where("a\nb.csv", 3))
    assert str(error) == "a b.csv line 3: usage. .cached is 3. Say what it is."
    assert (error.reason, error.path) == ("usage. .cached is 3. Say what it is.", "a\nb.csv")


def test_a_value_that_cannot_be_shown_is_named_by_its_type():
    """What fails in the words of others does not take the place of the error."""

    class Odd:
        def __repr__(self):
            raise RuntimeError("no")

    assert errors.shown(Odd()) == "a Odd"
    assert errors.shown([Odd()]) == "a list"
    assert errors.shown(pd.DataFrame({"a": [Decimal("sNaN")]})) == "a DataFrame"
