"""The result of a choice: the ranking of each workload, and what rules the other models out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from kimi_planner.calls.fit import ContextFit
from kimi_planner.capacity.tiers import Throughput
from kimi_planner.choose.choice import Choice, Exclusion
from kimi_planner.choose.evaluations.read import Evaluations
from kimi_planner.choose.flip import Flip, flip_sentences
from kimi_planner.choose.flips import flips
from kimi_planner.choose.requirements import Requirements
from kimi_planner.money import usd
from kimi_planner.notes import Note
from kimi_planner.plan.booking import Booked, booked
from kimi_planner.plan.projection import Projection
from kimi_planner.rich import frame_html, page_html, table_html

__all__ = ["Recommendation"]


@dataclass(frozen=True, kw_only=True)
class Recommendation:
    """Which model each workload should use.

    Attributes
    ----------
    choices
        The ranking of each workload, best first.
    exclusions
        Models that do not qualify.
    requirements
        What was asked.
    projection, fit
        What the ranking rests on.
    throughput, evaluations
        What a tier and a least success rate were held against, where they were asked for.
    """

    choices: tuple[Choice, ...]
    exclusions: tuple[Exclusion, ...]
    requirements: Requirements
    projection: Projection
    fit: ContextFit
    throughput: Throughput | None = None
    evaluations: Evaluations | None = None

    @property
    def best(self) -> dict[str, str]:
        """Workload name to the model decided on, else ranked first; one without any is missing."""
        first = {choice.workload: choice.model for choice in self.choices if choice.rank == 1}
        decided = {one.name: one.model for one in self.projection.workloads if one.model}
        return {
            name: decided.get(name, first.get(name, ""))
            for name in self.names
            if name in decided | first
        }

    @cached_property
    def booked(self) -> Booked:
        """The bookable number, every workload on its model."""
        return booked(self.projection, self.best)

    @property
    def without_model(self) -> tuple[str, ...]:
        """Workloads for which no model qualifies."""
        best = self.best
        return tuple(name for name in self.names if name not in best)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the workloads, in the order of the projection, which may hold others too."""
        asked = {one.workload for one in self.choices} | {one.workload for one in self.exclusions}
        return tuple(name for name in self.projection.names if name in asked)

    @property
    def notes(self) -> tuple[Note, ...]:
        """What the spend and the choice leave out, in words."""
        notes = self.projection.notes + (self.throughput.notes if self.throughput else ())
        return tuple(dict.fromkeys(notes))  # some concern both

    @property
    def frame(self) -> pd.DataFrame:
        """One row per workload and qualifying model, best first."""
        return pd.DataFrame(self.choices, columns=list(Choice.__dataclass_fields__))

    def sentences(self) -> list[str]:
        """Return the choice for each workload in one sentence."""
        said = []
        for name in self.names:
            ranked = [choice for choice in self.choices if choice.workload == name]
            if not ranked:
                said.append(f"{name}: no model qualifies.")
                continue
            first = ranked[0]
            text = f"{name}: {first.model}, {usd(first.p50_usd_per_month)} USD a month at P50"
            margin = first.less_than_next_usd
            if margin is None:
                said.append(f"{text}; no other model qualifies.")
            else:
                less = usd(margin)
                words = "the same as" if less == "0.00" else f"{less} less than"
                said.append(f"{text}, {words} {ranked[1].model}.")
        return said

    @cached_property
    def flips(self) -> tuple[Flip, ...]:
        """What would change the answer, one number moved at a time; see :func:`flips`."""
        return flips(self)

    def flip_sentences(self) -> list[str]:
        """Return what would change the answer in words; what has no such value, together."""
        return flip_sentences(self.flips)

    def __repr__(self) -> str:
        return f"<Recommendation: {' '.join(self.sentences())}>"

    def _repr_html_(self) -> str:
        ruled_out = table_html(
            ("workload", "model", "why it is excluded"),
            [(one.workload, one.model, "; ".join(one.reasons)) for one in self.exclusions],
        )
        return page_html(
            frame_html(self.frame),
            *(ruled_out,) * bool(self.exclusions),
            notes=self.sentences(),
            provenance=self.projection.provenance,
        )
