"""Calls that do not fit a function: what it has no argument for, and what it was not given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from inspect import Parameter, signature
from typing import Any, TypeVar

from kimi_planner.errors import CallError, did_you_mean

__all__ = ["public"]

Public = TypeVar("Public", bound=Callable[..., Any])


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
        except CallError as error:  # of the function that settings are passed on to
            if error.argument not in kwargs or error.argument in signature(function).parameters:
                raise
            raise _unknown(name, error.argument, [*_names(function), *error.known]) from None
        except TypeError:
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
        asked.bind(*args, **kwargs)
    except TypeError as error:
        known = asked.parameters
        open_ended = any(one.kind is Parameter.VAR_KEYWORD for one in known.values())
        for key in kwargs:
            if key not in known and not open_ended:
                return _unknown(name, key, _names(function))
        reason = str(error).replace("'self'", "the object")
        return CallError(f"{name}(): {reason}. It takes {', '.join(_names(function))}.")
    return None


def _names(function: Callable[..., Any]) -> list[str]:
    """Return the names of the arguments of a function, but for its object and its settings."""
    return [
        name
        for name, one in signature(function).parameters.items()
        if name != "self" and one.kind not in (Parameter.VAR_KEYWORD, Parameter.VAR_POSITIONAL)
    ]


def _unknown(name: str, argument: str, known: Iterable[str]) -> CallError:
    known = list(dict.fromkeys(known))
    return CallError(
        f"{name}() has no argument {argument!r}.{did_you_mean(argument, known)} "
        f"It takes {', '.join(known)}.",
        argument=argument,
        known=known,
    )
