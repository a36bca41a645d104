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
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_origin

from kimi_planner.errors import CallError, KimiPlannerError, did_you_mean, shown

Public = TypeVar("Public", bound=Callable[..., Any])
#: What annotations call the types that others made, in words.
_WORDS = {
    "Axes": "Axes, such as plt.subplots()[1]",
    "DataFrame": "a DataFrame, such as read_usage() returns",
    "Callable": "a function",
    "Decimal": "a decimal",
    "Fraction": "a fraction",
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
    "ndarray": "an array",
    "str": "text",
    "tuple": "a tuple",
}
_OPEN = (Parameter.VAR_KEYWORD, Parameter.VAR_POSITIONAL)
_NUMBERS = {"int": Integral, "float": Real}


def public(function: Public) -> Public:
    """Let a call that does not fit a function or class say which argument, and which are known.

    Parameters
    ----------
    function : callable
        A function, a method, or a class that is constructed by users, whose methods are public
        too; those of results are anyway. What takes ``**settings``
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
        made: Any = function
        made.__init__ = _guarded(made.__init__, function.__name__)
        guard_methods(function)
        return function
    return _guarded(function, function.__name__)  # type: ignore[return-value]  # same signature


def guard_methods(owner: type) -> None:
    """Let every public method of a class say which argument does not fit; see :func:`public`."""
    for name, member in list(vars(owner).items()):
        method = member.__func__ if isinstance(member, classmethod | staticmethod) else member
        if isfunction(method) and not name.startswith("_") and not hasattr(method, "__wrapped__"):
            guarded: Any = _guarded(method, name)
            setattr(owner, name, guarded if method is member else type(member)(guarded))


def _guarded(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    @wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
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
        wrong = _wrong(value, parameter.annotation, unwrap(function).__globals__)
        if wrong is not None:
            part, wanted = wrong
            verb = "is" if part is value else "has"
            return CallError(f"{name}(): {key} {verb} {shown(part)}. Give {wanted}.")
    return None


def _wrong(value: Any, annotation: object, known: Mapping[str, Any]) -> tuple[object, str] | None:
    """Return what an annotation does not allow, a value or what is in it, and what it allows in words.

    ``None`` if nothing is wrong, or an annotation has a type that nobody gets from us.
    """
    types = list(_types(annotation, known))
    words = [_in_words(word, known) for word, _ in types]
    if None in words:
        return None
    fitting = [(word, parts) for word, parts in types if _is_a(value, word)]
    if not fitting:
        return value, " or ".join(dict.fromkeys(filter(None, words)))
    for word, parts in fitting:
        if isinstance(value, abc.Mapping):
            inside = [each for pair in value.items() for each in zip(pair, parts, strict=False)]
        elif isinstance(value, list | tuple) and parts:
            each_has_one = word == "tuple" and parts[-1] != "..."
            inside = list(
                zip(value, parts if each_has_one else parts[:1] * len(value), strict=False)
            )
        else:
            return None
        wrong = [found for part, wanted in inside if (found := _wrong(part, wanted, known))]
        if not wrong:
            return None
    return wrong[0]


def _in_words(word: str, known: Mapping[str, Any]) -> str | None:
    """Return what to give where a type is asked for; ``None`` for one that is not ours."""
    told = _WORDS.get(word, _sources().get(word))
    made = known.get(word)
    if told is None and isclass(made) and made.__module__.startswith(f"{__package__}."):
        return f"a {word}"
    return told


def _types(annotation: object, known: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Yield the names of the types of an annotation, aliases resolved, and what each holds."""
    parts = [ast.parse(str(getattr(annotation, "__forward_arg__", annotation)), mode="eval").body]
    while parts:
        part, held = parts.pop(0), []
        if isinstance(part, ast.BinOp):
            parts = [part.left, part.right, *parts]
            continue
        if isinstance(part, ast.Subscript):
            inner = part.slice
            held = [*map(ast.unparse, inner.elts if isinstance(inner, ast.Tuple) else [inner])]
            part = part.value
        word = ast.unparse(part).rpartition(".")[2]
        origin = get_origin(known.get(word))
        if word == "Literal" or origin is Literal:
            yield "str", []
        elif origin in (Union, UnionType):
            yield from _types(known[word], {})
        else:
            yield (word, held) if origin is None else (origin.__name__, [])


def _is_a(value: object, word: str) -> bool:
    """Whether a value is of a type by its name, which need not be imported here."""
    names = {base.__name__ for base in type(value).__mro__}
    if "NaTType" in names:  # a missing time, which claims to be a day
        return False
    kind = _NUMBERS.get(word) or getattr(abc, word, None)
    if kind is not None:
        is_one = isinstance(value, str | bytes) or getattr(value, "shape", None) == ()
        is_one = is_one and word in ("Iterable", "Sequence")
        return isinstance(value, kind) and not isinstance(value, bool) and not is_one
    return value is None if word == "None" else word in names


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
