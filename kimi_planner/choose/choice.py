"""A model in the ranking of a workload, one that is ruled out, and the one it is planned on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

#: Why a workload is planned on a model.
BASES = ("pinned", "recommended", "none qualifies")


@dataclass(frozen=True)
class Obstacle:
    """What stands between a model and a workload.

    Attributes
    ----------
    asked
        What is asked, in a word that is the same for every model.
    words
        Why the model does not qualify; where that is open, what must be true so that it does.
    change
        What would have to be otherwise so that it does, in words that follow "if".
    is_open
        Whether the catalog states neither yes nor no.
    """

    asked: str
    words: str
    change: str = ""
    is_open: bool = False


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One model in the ranking of a workload.

    Attributes
    ----------
    rank
        1 for the model that is recommended.
    mean_usd_per_month
        Expected spend of an average month.
    p10_usd_per_month, p50_usd_per_month, p90_usd_per_month
        Average spend of a month, percentiles over paths.
    fit_share
        Share of calls that fit the context window.
    more_than_best_usd, less_than_next_usd
        Difference of the mean to the best and to the next in the ranking; ``None`` where there is no
        next, or the reasoning of only one of the two is known.
    reasoning, is_least
        Where it is from, if it is assumed or not known; whether it is not known, so that the spend is
        the least, and the model ranks after those whose spend is known.
    conditions
        What must be true so that it qualifies and the catalog does not state, such as ``"it has
        tools"``; empty where all is stated.
    refused_share, refused_usd_per_month
        Share of calls that its window refuses, those after them included, and what serving them
        costs a month on average: a part of the spend if all calls are priced, else beyond it;
        ``None`` under a policy that shortens the history, where it is not known.
    cut_share, empty_share
        Shares of answers that ``max_tokens`` cuts, and of those that it leaves empty but billed.
    """

    workload: str
    rank: int
    model: str
    mean_usd_per_month: float
    p10_usd_per_month: float
    p50_usd_per_month: float
    p90_usd_per_month: float
    fit_share: float
    more_than_best_usd: float
    less_than_next_usd: float | None
    reasoning: str = ""
    is_least: bool = False
    conditions: tuple[str, ...] = ()
    refused_share: float = 0.0
    refused_usd_per_month: float | None = 0.0
    cut_share: float = 0.0
    empty_share: float = 0.0

    @property
    def if_words(self) -> str:
        """On what it qualifies, such as ``"qualifies if it has tools"``; empty where all is stated."""
        return f"qualifies if {' and '.join(self.conditions)}" if self.conditions else ""


@dataclass(frozen=True, kw_only=True)
class Exclusion:
    """A model that does not qualify for a workload, and every reason in words.

    Attributes
    ----------
    conditions
        What the catalog leaves open besides, as `Choice` has it.
    changes
        What would have to be otherwise so that it qualifies, one clause for each reason.
    """

    workload: str
    model: str
    reasons: tuple[str, ...]
    conditions: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()

    @classmethod
    def of(cls, workload: str, model: str, obstacles: Iterable[Obstacle]) -> Exclusion:
        """Return the exclusion that obstacles make."""
        obstacles = tuple(obstacles)
        failed = [one for one in obstacles if not one.is_open]
        return cls(
            workload=workload,
            model=model,
            reasons=tuple(one.words for one in failed),
            conditions=tuple(one.words for one in obstacles if one.is_open),
            changes=tuple(one.change for one in failed),
        )


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The model that a workload is planned on.

    Attributes
    ----------
    basis
        ``"pinned"``, the workload names it; ``"recommended"``, it ranks first; ``"none qualifies"``,
        it is the cheapest for what it does serve.
    spend
        Model, spend and difference to the next in the ranking, in words; of a pinned one to the first.
    first, first_saves_usd_per_month
        The first of the ranking, and what the expected spend of an average month is less on it; below
        zero where it is more. ``None`` where no model qualifies; the amount also where the reasoning of
        only one of the two is known, or of neither.
    open
        What the catalog leaves open, in words: of the model, and of a cheaper one.
    unserved
        Which calls it does not serve, why it does not qualify, and what would change that, in words.
    conditions, reasons
        What must be true so that it qualifies, and why it does not.
    """

    workload: str
    model: str
    basis: str
    spend: str
    first: str | None = None
    first_saves_usd_per_month: float | None = None
    open: tuple[str, ...] = ()
    unserved: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()

    @property
    def why(self) -> str:
        """All of it in one clause."""
        return "; ".join((self.spend, *self.open, *self.unserved))
