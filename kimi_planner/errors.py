"""Every error the package raises, and the helpers that word them.

A message is one line. It names the thing, the value, what was allowed and what to do next, with
file and line where there is one.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import date, datetime
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, TypeGuard

_PATH_CHARS = 1000


class Where(str):
    """A file, or what it is called, and a line or row of it; as text ``FILE line N``.

    Attributes
    ----------
    path, line
        The file and the line; ``None`` for all of the file, and for a row of a table.
    """

    path: str
    line: int | None

    def __new__(cls, path: object, number: Any = None, unit: str = "line") -> Where:
        """Return the text, with the parts that it was made of."""
        named = str(path)
        if len(named) > _PATH_CHARS:  # hardly one that a file system takes
            named = f"{named[:_PATH_CHARS]}…"
        where = super().__new__(cls, named if number is None else f"{named} {unit} {number}")
        where.path, where.line = str(path), number if unit == "line" else None
        return where


class KimiPlannerError(Exception):
    """Base of every error that this package raises on purpose.

    Attributes
    ----------
    reason
        What is wrong; the message is ``WHERE: REASON`` where a place is known, else this alone.
    where, path, line
        The file and the line, in words and apart; ``None`` where they are not known.

    Examples
    --------
    >>> error = UsageError("cached_tokens is -1.", at=Where("usage.csv", 17))
    >>> print(error)
    usage.csv line 17: cached_tokens is -1.
    >>> error.path, error.line, isinstance(error, KimiPlannerError)
    ('usage.csv', 17, True)
    """

    def __init__(self, reason: str = "", at: object = None) -> None:
        # A name out of a file may hold line ends; the message is one line all the same.
        self.reason = re.sub(r"\s*[\r\n]\s*", " ", reason)
        self.where = at if at is None or isinstance(at, Where) else Where(at)
        said = self.reason if at is None else f"{self.where}: {self.reason}"
        super().__init__(re.sub(r"[\r\n]+", " ", said))
        self.path: str | None = None if self.where is None else self.where.path
        self.line = None if self.where is None else self.where.line


class CallError(KimiPlannerError, TypeError):
    """A function is called with an argument that it does not have, or without one that it needs.

    Attributes
    ----------
    argument, known
        The argument that it does not have, and those it has.
    """

    def __init__(
        self, reason: str = "", at: object = None, *, argument: str = "", known: Iterable[str] = ()
    ) -> None:
        super().__init__(reason, at)
        self.argument, self.known = argument, tuple(known)


class FileError(KimiPlannerError, ValueError):
    """A file is missing, empty, too large, or not in the form its name promises."""


class CatalogError(KimiPlannerError, ValueError):
    """A price and capability catalog is not well formed or does not exist."""


class LimitsError(KimiPlannerError, ValueError):
    """A file of rate limits and fees is not well formed or does not exist."""


class UnknownModelError(KimiPlannerError, LookupError):
    """A model id is not in the catalog."""


class PriceNotFoundError(KimiPlannerError, LookupError):
    """The catalog states no price for what was asked; a cost cannot be told."""


class VocabularyError(KimiPlannerError, RuntimeError):
    """The installed vocabulary is not Moonshot's published one."""


class RequestError(KimiPlannerError, ValueError):
    """A chat request is malformed, or has parts that cannot be counted exactly."""


class UsageError(KimiPlannerError, ValueError):
    """A usage record or log is malformed or contradicts itself."""


class TooLittleUsageError(UsageError):
    """A usage log is well formed, and holds too little to tell what was asked of it."""


class WorkloadError(KimiPlannerError, ValueError):
    """A workload, or the file it stands in, is malformed."""


class SettingError(KimiPlannerError, ValueError):
    """A value that a call or a command was given is out of its bounds: a horizon, a day, a seed, a share."""


class EvaluationError(KimiPlannerError, ValueError):
    """Results of evaluations are malformed or contradict themselves."""


class ConfigError(KimiPlannerError, ValueError):
    """The configuration of the checks is malformed."""


class MissingExtraError(KimiPlannerError, ImportError):
    """An optional dependency is needed and not installed."""

    @classmethod
    def of(cls, package: str, extra: str | None = None) -> MissingExtraError:
        """Say which package is missing, and how to install it with all that an extra installs.

        The package index may not have kimi-planner, so what it would install is named.
        """
        if extra is None:
            return cls(f"{package} is not installed. Install it with: pip install {package}.")
        wanted = " ".join(f"'{one}'" for one in _required(extra)) or package
        return cls(
            f"{package} is not installed. Install what the extra [{extra}] adds with: pip install "
            f"{wanted}."
        )


def _required(extra: str) -> list[str]:
    """Return what an extra of this package installs here, sorted."""
    from importlib.metadata import PackageNotFoundError, requires

    try:
        lines = requires("kimi-planner") or []
    except PackageNotFoundError:  # a checkout that nobody installed
        return []
    found: set[str] = set()
    for line in lines:
        name, _, condition = line.partition(";")
        before = re.search(r"python_version < .3\.(\d+)", condition)
        if f"'{extra}'" not in condition.replace('"', "'"):
            continue
        if before is not None and sys.version_info[1] >= int(before[1]):
            continue
        inner = re.fullmatch(r"kimi-planner\[(.+)\]", name.strip())
        found.update(*map(_required, inner[1].split(",")) if inner else [[name.strip()]])
    return sorted(found)


@contextmanager
def needs(package: str, extra: str | None = None) -> Iterator[None]:
    """Import inside what counting does without; where it is missing, the error says how to get it.

    Parameters
    ----------
    package : str
        What is imported.
    extra : str, optional
        The extra that installs it with others; if not given, it is enough by itself.
    """
    try:
        yield
    except ImportError:
        raise MissingExtraError.of(package, extra) from None


#: What the extra ``[plan]`` installs, by the names that it is imported by.
PLANNING = frozenset({"PIL", "matplotlib", "numpy", "orjson", "pandas", "scipy", "tabulate"})


@contextmanager
def planning() -> Iterator[None]:
    """Run inside what may need the extra ``[plan]``; where that is missing, the error says so."""
    try:
        yield
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        if name not in PLANNING:
            raise
        raise MissingExtraError.of(name, "plan") from None


@contextmanager
def restated(
    *,
    at: object = None,
    about: str = "",
    then: str = "",
    of: type[Exception] = KimiPlannerError,
    fault: type[KimiPlannerError] | None = None,
) -> Iterator[None]:
    """Give an error that is raised inside its place, what it is about, or another class.

    Parameters
    ----------
    at : Where or path, optional
        Where it stands; goes before the message.
    about : str, optional
        What it is about; goes before the message too, and is no place.
    then : str, optional
        What stands after the message.
    of : type
        The errors that are meant; others pass as they are.
    fault : type, optional
        What is raised instead; the same class if not given.
    """
    try:
        yield
    except of as error:
        kind: Any = fault or type(error)
        raise kind(f"{about}: {error}{then}" if about else f"{error}{then}", at=at) from None


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether it is a number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_whole(value: object, least: int = 0, most: int | None = None) -> TypeGuard[int]:
    """Whether it is a whole number within bounds; true and false are none."""
    return type(value) is int and value >= least and (most is None or value <= most)


def whole(
    what: str,
    value: object,
    least: int = 0,
    most: int | None = None,
    *,
    fault: type[KimiPlannerError],
    at: object = None,
) -> int:
    """Return a whole number within bounds; anything else raises the ``fault``, with them."""
    if is_whole(value, least, most):
        return value
    bound = "" if most is None else f" to {most}"
    allowed = f"It must be a whole number from {least}{bound}."
    raise fault(f"{what} is {shown(value)}. {allowed}", at=at)


def day_of(what: str, value: object, *, fault: type[KimiPlannerError]) -> date:
    """Return a day given as a date, a datetime, a pandas Timestamp or ISO text."""
    with suppress(TypeError, ValueError):  # text of another form, or a missing time
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        if isinstance(value, datetime):
            return date(value.year, value.month, value.day)
        if isinstance(value, date):
            return value
    raise fault(f"{what} is {shown(value)}. Give a day: datetime.date, or text such as 2026-11-28.")


def shown(value: object, limit: int = 60) -> str:
    """Return the value as its file or caller spells it, on one line, cut to ``limit`` characters."""
    try:
        text = str(value) if isinstance(value, Decimal | date) else repr(value)
    except (RecursionError, ValueError):  # nested without end, or thousands of digits
        return f"{type(value).__name__} too large to show"
    except Exception:  # of others, such as a frame with a signalling NaN
        return f"a {type(value).__name__}"
    if "\n" in text and not re.match(r"[\w.]*[\[({<]", text):  # printed as a page, not spelled
        return f"a {type(value).__name__}"
    text = re.sub(r"\s*\n\s*", " ", text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?`` for the nearest known word, or an empty string.

    Dots, underscores, spaces and case are no difference: ``Kimi_K2.5`` is near ``kimi-k2-5``.
    """
    plain = {_plain(name): name for name in known}
    near = get_close_matches(_plain(word), plain, n=1, cutoff=0.62)
    return f" Did you mean {plain[near[0]]!r}?" if near else ""


def unknown(what: str, word: object, known: Iterable[str], listed: str = "Known:") -> str:
    """Return what is said of a word that is not known: the nearest of those that are, and all.

    >>> unknown("Unknown colour", "bleu", ["blue", "red"])
    "Unknown colour 'bleu'. Did you mean 'blue'? Known: blue, red."
    """
    words = list(known)
    return f"{what} {shown(word)}.{did_you_mean(str(word), words)} {listed} {', '.join(words)}."


def _plain(word: str) -> str:
    return word.lower().replace(".", "-").replace("_", "-").replace(" ", "-")
