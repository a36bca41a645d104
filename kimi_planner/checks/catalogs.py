"""The price catalog held against its age and against another source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal

from kimi_planner.catalog import PRICES, Catalog, ModelSpec, load_catalog
from kimi_planner.checks.budgets import CatalogBudget, CheckConfig
from kimi_planner.checks.results import CheckResult, Measure, Outcome, Place, percent_more
from kimi_planner.errors import MissingExtraError, PriceNotFoundError
from kimi_planner.money import plain


def hold_catalog(budget: CatalogBudget, config: CheckConfig, as_of: date) -> Iterator[CheckResult]:
    """Hold the catalog against its budget.

    Raises
    ------
    CatalogError
        If a source was checked after ``as_of``, or the other catalog does not exist.
    """
    place = Place(path=config.path.name, line=budget.where.line)
    if budget.max_age_days is not None:
        yield _age(place, budget.max_age_days, config, as_of)
    if budget.against is not None and budget.max_drift_percent is not None:
        yield from _drift(place, budget.against, budget.max_drift_percent, config, as_of)


def _age(place: Place, most: int, config: CheckConfig, as_of: date) -> CheckResult:
    from kimi_planner.catalog.audit import audit_catalog

    catalog, findings = audit_catalog(config.catalog_name, as_of, most)
    (finding,) = (one for one in findings if one.what == "age")
    outcomes = {"passed": Outcome.PASSED, "stale": Outcome.OVER}
    oldest = None if finding.days is None else Decimal(finding.days)
    measure = Measure(place, "catalog-age", f"age of catalog {catalog.version}", Decimal(most))
    return measure.result(outcomes.get(finding.status, Outcome.UNKNOWN), finding.words, oldest)


def _drift(
    place: Place, against: str, most: Decimal, config: CheckConfig, as_of: date
) -> Iterator[CheckResult]:
    """Compare the prices of the models that budgets name, of all if none does."""
    measure = Measure(place, "catalog-drift", f"prices against {against}", most)
    try:
        ours = config.catalog.on(as_of)
        other = load_catalog(against, as_of=as_of)
    except (MissingExtraError, PriceNotFoundError) as error:
        yield measure.unknown(str(error))
        return
    subject = f"prices against {other.version}"
    for spec in ours.select(config.models or None):
        of_model = replace(measure, place=replace(place, model=spec.id), subject=subject)
        yield _model_drift(of_model, most, spec, ours, other)


def _model_drift(
    measure: Measure, most: Decimal, spec: ModelSpec, ours: Catalog, other: Catalog
) -> CheckResult:
    theirs = _counterpart(spec, ours, other)
    if theirs is None:
        return measure.unknown(
            f"{other.version} has no {spec.id}, and no counterpart of it is stated"
        )
    stated = {name: price for name in PRICES if (price := getattr(spec, name)) is not None}
    missing = [name for name in stated if getattr(theirs, name) is None]
    if missing or not stated:
        what = ", ".join(missing) or "price"
        return measure.unknown(f"{other.version} states no {what} for {theirs.id}")
    drifts = {
        name: abs(percent_more(getattr(theirs, name), price)) for name, price in stated.items()
    }
    name = max(drifts, key=drifts.__getitem__)
    called = "" if theirs.id == spec.id else f" ({theirs.id} there)"
    measured = (
        f"{name} of {spec.id}{called} is {stated[name]:f} in {ours.version} and "
        f"{getattr(theirs, name):f} in {other.version}, {drifts[name]:.1f}% apart"
    )
    return measure.held(drifts[name], measured, f"{plain(most):f}%", beside=False)


def _counterpart(spec: ModelSpec, ours: Catalog, other: Catalog) -> ModelSpec | None:
    if spec.id in other.ids:
        return other.model(spec.id)
    from kimi_planner.catalog.diff import diff_catalogs

    pairs = {one.old: one.new for one in diff_catalogs(ours, other).counterparts}
    return other.model(pairs[spec.id]) if spec.id in pairs else None
