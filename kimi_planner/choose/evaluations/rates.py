"""Success rates of models on a workload: measured by evaluations or given, never guessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

from kimi_planner.catalog import Catalog, ModelSpec
from kimi_planner.choose.choice import Exclusion
from kimi_planner.choose.evaluations.read import Evaluations
from kimi_planner.errors import EvaluationError, UnknownModelError, restated, shown
from kimi_planner.money import exact_decimal

__all__ = ["Rate", "check_evaluations", "check_models", "exact_share", "known_rates"]

#: A share as a caller may give it.
Rate = Fraction | Decimal | float | int | str


def exact_share(name: str, value: Rate) -> Fraction:
    """Return a share as the fraction that it spells; ``0.35`` is 35/100.

    Raises
    ------
    EvaluationError
        If it is no number from 0 to 1.
    """
    try:
        share = Fraction(value if isinstance(value, Fraction) else exact_decimal(value))
    except ValueError:
        share = Fraction(-1)
    if not 0 <= share <= 1:
        raise EvaluationError(f"{name} is {shown(value)}. It must be a number from 0 to 1.")
    return share


def check_evaluations(evaluations: object) -> None:
    """Raise EvaluationError unless it is what `read_evaluations` returns."""
    if not isinstance(evaluations, Evaluations):
        raise EvaluationError(
            f"evaluations is {shown(evaluations)}. Give what read_evaluations returns."
        )


def check_models(evaluations: Evaluations, catalog: Catalog) -> None:
    """Raise an error unless they are evaluations, and of models that the catalog has."""
    check_evaluations(evaluations)
    for key in evaluations.trials:
        with restated(at=evaluations.place(key), of=UnknownModelError):
            catalog.model(key[1])


def known_rates(
    workload: str,
    specs: Sequence[ModelSpec],
    evaluations: Evaluations | None,
    success_rates: Mapping[str, Rate] | None,
    catalog: Catalog,
) -> tuple[dict[str, Fraction], tuple[Exclusion, ...]]:
    """Return the success rates of models, and the models for which there is none.

    Rates of other models of the catalog are not needed.

    Raises
    ------
    EvaluationError
        If there are no success rates, they come from two places, or one is out of its bounds.
    UnknownModelError
        If the catalog has no such model.
    """
    if evaluations is None and success_rates is None:
        raise EvaluationError(
            f"No success rates for {shown(workload)}. Give evaluations, or success_rates such as "
            f"{{{specs[0].id!r}: 0.7}}: the ratings of a catalog cannot tell how often a model succeeds."
        )
    if evaluations is not None and success_rates is not None:
        raise EvaluationError(
            "evaluations and success_rates are both given. Leave out one of them."
        )
    rates: dict[str, Fraction] = {}
    if evaluations is not None:
        check_models(evaluations, catalog)
        where = f"in {evaluations.source}"
        for spec in specs:
            trials = evaluations.of(workload, spec.id)
            if trials is not None:
                rates[spec.id] = Fraction(exact_decimal(trials.mean))
    else:
        where = "among those given"
        if not isinstance(success_rates, Mapping):
            raise EvaluationError(
                f"success_rates is {shown(success_rates)}. Give a mapping from model to share."
            )
        asked = {spec.id for spec in specs}
        for model, value in success_rates.items():
            rate = exact_share(f"success_rates, {model}", value)
            if catalog.model(model).id in asked:
                rates[model] = rate
    if not rates:
        raise EvaluationError(
            f"No success rate {where} for workload {shown(workload)} on any of "
            f"{', '.join(spec.id for spec in specs)}. It is not known how often they succeed."
        )
    missing = tuple(
        Exclusion(workload=workload, model=spec.id, reasons=(f"no success rate {where}",))
        for spec in specs
        if spec.id not in rates
    )
    return rates, missing
