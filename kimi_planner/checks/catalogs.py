"""The price catalog held against its age and against another source."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from kimi_planner.catalog import PRICES, Catalog, ModelSpec, load_catalog
from kimi_planner.checks.budgets import CatalogBudget, CheckConfig
from kimi_planner.checks.results import CheckResult, Outcome, Place, held, unknown
from kimi_planner.errors import MissingExtraError, PriceNotFoundError
from kimi_planner.money import plain

__all__ = ["hold_catalog"]


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
    days = [one.checked_on for one in catalog.sources.values()]
    known = [(as_of - day).days for day in days if day is not None]
    outcomes = {"passed": Outcome.PASSED, "stale": Outcome.OVER}
    return CheckResult(
        **vars(place),
        rule="catalog-age",
        subject=f"age of catalog {catalog.version}",
        outcome=outcomes.get(finding.status, Outcome.UNKNOWN),
        value=Decimal(max(known)) if len(known) == len(days) and known else None,
        limit=Decimal(most),
        message=finding.words,
    )


def _drift(
    place: Place, against: str, most: Decimal, config: CheckConfig, as_of: date
) -> Iterator[CheckResult]:
    """Compare the prices of the models that budgets name, of all if none does."""
    subject = f"prices against {against}"
    try:
        ours = config.catalog.on(as_of)
        other = load_catalog(against, as_of=as_of)
    except (MissingExtraError, PriceNotFoundError) as error:
        yield unknown(place, rule="catalog-drift", subject=subject, limit=most, message=str(error))
        return
    named = [one.model or one.default_model for one in config.prompts]
    named += [one.model for one in config.workloads]
    models = dict.fromkeys(name for name in named if name is not None)
    for spec in ours.select(models or None):
        yield _model_drift(
            Place(path=place.path, line=place.line, model=spec.id), spec, ours, other, most
        )


def _model_drift(
    place: Place, spec: ModelSpec, ours: Catalog, other: Catalog, most: Decimal
) -> CheckResult:
    rule, subject = "catalog-drift", f"prices against {other.version}"
    theirs = _counterpart(spec, ours, other)
    if theirs is None:
        return unknown(
            place,
            rule=rule,
            subject=subject,
            limit=most,
            message=f"{other.version} has no {spec.id}, and no counterpart of it is stated",
        )
    stated = {name: price for name in PRICES if (price := getattr(spec, name)) is not None}
    missing = [name for name in stated if getattr(theirs, name) is None]
    if missing or not stated:
        return unknown(
            place,
            rule=rule,
            subject=subject,
            limit=most,
            message=f"{other.version} states no {', '.join(missing) or 'price'} for {theirs.id}",
        )
    drifts = {name: _percent(price, getattr(theirs, name)) for name, price in stated.items()}
    name = max(drifts, key=lambda one: drifts[one])
    called = "" if theirs.id == spec.id else f" ({theirs.id} there)"
    return held(
        place,
        rule=rule,
        subject=subject,
        value=drifts[name],
        limit=most,
        measured=(
            f"{name} of {spec.id}{called} is {stated[name]:f} in {ours.version} and "
            f"{getattr(theirs, name):f} in {other.version}, {drifts[name]:.1f}% apart"
        ),
        allowed=f"{plain(most):f}%",
        beside=False,
    )


def _counterpart(spec: ModelSpec, ours: Catalog, other: Catalog) -> ModelSpec | None:
    if spec.id in other.ids:
        return other.model(spec.id)
    from kimi_planner.catalog.diff import diff_catalogs

    pairs = {one.old: one.new for one in diff_catalogs(ours, other).counterparts}
    return other.model(pairs[spec.id]) if spec.id in pairs else None


def _percent(ours: Decimal, theirs: Decimal) -> Decimal:
    """Return the difference in percent of the other price."""
    if not theirs:
        return Decimal(0) if not ours else Decimal("Infinity")
    return abs(ours / theirs - 1) * 100
