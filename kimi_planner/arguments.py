"""Calls that do not fit a function: an argument it does not have, was not given, or cannot use."""

from __future__ import annotations

import ast
from collections import abc
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache, wraps
from importlib import import_module
from inspect import Parameter, isclass, isfunction, ismodule, signature, unwrap
from numbers import Integral, Real
from typing import Any, TypeVar, get_args

from kimi_planner.errors import CallError, KimiPlannerError, did_you_mean, shown

Public = TypeVar("Public", bound=Callable[..., Any])
#: What annotations call the types that others made, in words.
_WORDS = {
    "Axes": "Axes, such as plt.subplots()[1]",
    "DataFrame": "a DataFrame, such as read_usage() returns",
    "Decimal": "a decimal",
    "Iterable": "a list",
    "Mapping": "a mapping",
    "None": "",
    "Path": "a path",
    "PathLike": "a path",
    "Sequence": "a list",
    "bool": "True or False",
    "date": "a day",
    "float": "a number",
    "int": "a whole number",
    "str": "text",
}
_OPEN = (Parameter.VAR_KEYWORD, Parameter.VAR_POSITIONAL)
_NUMBERS = {"int": Integral, "float": Real}


def public(function: Public) -> Public:
    """Let a call that does not fit a function or class say which argument, and which are known.

    Parameters
    ----------
    function : callable
        A function, a class that is constructed by users, or a method. What takes ``**settings``
        passes them on to another that is public itself, whose arguments count as its own.

    Raises
    ------
    CallError
        By the function that is returned: a `TypeError` too, as Python itself raises.

    Examples
    --------
    >>> @public
    ... def plan(workloads, *, months=12): return months
    >>> plan([], month=3)
    Traceback (most recent call last):
        ...
    kimi_planner.errors.CallError: plan() has no argument 'month'. Did you mean 'months'? It takes workloads, months.
    """
    if isinstance(function, type):
        _guard_constructor(function)
        return function
    return _guarded(function, function.__name__)  # type: ignore[return-value]  # same signature


def _guard_constructor(constructed: Any) -> None:
    constructed.__init__ = _guarded(constructed.__init__, constructed.__name__)


def _guarded(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    @wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            if isinstance(error, CallError):
                if error.argument in kwargs.keys() - signature(function).parameters.keys():
                    known = [*_names(function), *error.known]  # of what settings are passed on to
                    raise _unknown(name, error.argument, known) from None
            elif isinstance(error, KimiPlannerError):
                raise
            fault = _misfit(function, name, args, kwargs)
            if fault is None:  # raised inside, by a call that fits
                raise
            raise fault from None

    return called


def _misfit(
    function: Callable[..., Any], name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> CallError | None:
    """Return what is wrong with a call, if its arguments are."""
    asked = signature(function)
    try:
        given = asked.bind(*args, **kwargs).arguments
    except TypeError as error:
        known = asked.parameters
        open_ended = any(one.kind is Parameter.VAR_KEYWORD for one in known.values())
        for key in kwargs:
            if key not in known and not open_ended:
                return _unknown(name, key, _names(function))
        reason = str(error).replace("'self'", "the object")
        return CallError(f"{name}(): {reason}. It takes {', '.join(_names(function))}.")
    for key, value in given.items():
        parameter = asked.parameters[key]
        if parameter.kind in _OPEN or parameter.annotation is Parameter.empty:
            continue
        wanted = list(_types(parameter.annotation, unwrap(function).__globals__))
        words = [_WORDS.get(word, _sources().get(word)) for word in wanted]
        if None not in words and not any(_is_a(value, word) for word in wanted):
            told = " or ".join(dict.fromkeys(filter(None, words)))
            return CallError(f"{name}(): {key} is {shown(value)}. Give {told}.")
    return None


def _types(annotation: Any, known: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of the types of an annotation, aliases resolved, without what they hold."""
    parts = [ast.parse(str(getattr(annotation, "__forward_arg__", annotation)), mode="eval").body]
    while parts:
        part = parts.pop(0)
        if isinstance(part, ast.BinOp):
            parts = [part.left, part.right, *parts]
            continue
        word = ast.unparse(part).partition("[")[0].rpartition(".")[2]
        meant = known.get(word)
        if get_args(meant):
            yield from _types(meant, {})
        else:
            yield word


def _is_a(value: object, word: str) -> bool:
    """Whether a value is of a type by its name, which need not be imported here."""
    kind = _NUMBERS.get(word) or getattr(abc, word, None)
    if kind is not None:
        return isinstance(value, kind) and not isinstance(value, bool)
    return (
        value is None if word == "None" else word in {base.__name__ for base in type(value).__mro__}
    )


@cache
def _sources() -> dict[str, str]:
    """Return for each type of ours where a user gets one: what makes it, or the type itself."""
    package = import_module(__package__)
    sources: dict[str, str] = {}
    members = [getattr(package, name) for name in package.__all__]
    for group in (package, *filter(ismodule, members)):
        for name in group.__all__:
            with suppress(ImportError):  # of an extra that is not installed
                value = getattr(group, name)
                if isclass(value) and hasattr(value.__init__, "__wrapped__"):
                    sources[name] = f"{name}(\u2026)"
                elif isfunction(value):
                    made = str(signature(value).return_annotation)
                    told = "one of what" if made.startswith("list[") else "what"
                    sources.setdefault(
                        made.removeprefix("list[").rstrip("]"), f"{told} {name}() returns"
                    )
    return sources


def _names(function: Callable[..., Any]) -> list[str]:
    """Return the names of the arguments of a function, but for its object and its settings."""
    return [
        name
        for name, one in signature(function).parameters.items()
        if name != "self" and one.kind not in _OPEN
    ]


def _unknown(name: str, argument: str, known: Iterable[str]) -> CallError:
    known = list(dict.fromkeys(known))
    return CallError(
        f"{name}() has no argument {argument!r}.{did_you_mean(argument, known)} "
        f"It takes {', '.join(known)}.",
        argument=argument,
        known=known,
    )
