"""A result for each public picture: a usual one, and such as strain it."""

from dataclasses import replace
from functools import cache

import pandas as pd
from pictured import AS_OF, LONG, PLAIN, ZERO, awkward
from test_plot_forecast import forecast
from test_plot_outlook import estimate, planned

from kimi_planner import context_fit, load_catalog, plot, project
from kimi_planner.calls.conversation import conversation
from kimi_planner.capacity import throughput
from kimi_planner.choose import (
    Detector,
    cascades,
    catalog_effect,
    cost_per_request,
    cost_per_success,
    portfolio_frontier,
    quality_frontier,
    read_evaluations,
    recommend,
    routing_curve,
    thinking_pays,
)
from kimi_planner.plan import Scenario, compare_plans, compare_scenarios, sensitivity

CARD, PUBLIC = "2026-06", "2026-11-public-3"
YUAN = "the card, its prices read as CNY, for workloads in CNY"
#: A model that does not reason and one that does, on a day on which both are sold.
PAIRS = {
    CARD: ("kimi-k2", "kimi-k2-5-thinking"),
    PUBLIC: ("kimi-k2-0905-preview", "kimi-k2-thinking"),
    YUAN: ("kimi-k2", "kimi-k2-5-thinking"),
}
SUPPORT = replace(
    PLAIN,
    name="support",
    requests_per_day={"p50": 1000, "p90": 2000},
    reasoning_tokens={"p50": 90, "p90": 300},
    turns=3,
)
#: Workloads, months, and whether all models stand there, sold or not: two workloads; long names on
#: all models for three years; plain numbers of one month and models that nobody tried; no call at all.
KINDS = {
    "usual": ((SUPPORT, replace(SUPPORT, name=LONG, turns=1)), 2, False),
    "much": (tuple(replace(one, turns=9) for one in awkward()), 36, True),
    "unknown": ((replace(PLAIN, name="untried"),), 1, False),
    "nothing": ((ZERO,), 1, False),
}
#: Horizon, hours of the log, and whether it has dates.
LOGS = {
    "usual": ("7 days", 216, True),
    "much": ("3 months", 30, True),
    "unknown": ("6h", 216, False),
    "nothing": ("2h", 9, False),
}


class Case:
    """Workloads planned on models of a catalog, and how good these are."""

    def __init__(self, kind, catalog):
        self.kind, self.name, self.catalog = kind, catalog, catalog
        workloads, self.months, is_all = KINDS[kind]
        if catalog == YUAN:
            workloads = tuple(replace(one, currency="CNY") for one in workloads)
            self.catalog = catalog = replace(load_catalog(CARD), currency="CNY")
        self.prices = {} if self.name != YUAN else {"catalog": catalog}
        self.workloads = workloads
        self.workload = self.workloads[0]
        self.settings = {"as_of": AS_OF, "n_paths": 100, "catalog": catalog}
        made = recommend(self.workloads, months=self.months, **self.settings)
        self.projection, self.fit = made.projection, made.fit
        if is_all:
            models = [spec.id for spec in load_catalog(catalog)]
            settings = {"months": self.months, "models": models, **self.settings}
            self.projection = project(self.workloads, **settings)
            self.fit = context_fit(self.workloads, catalog=catalog)
        if self.months == 1:
            settings = {"months": 1, "models": made.projection.models[:2], **self.settings}
            self.projection = project(self.workloads, **settings)
        self.models = self.projection.models
        self.rates = {model: 0.3 + 0.06 * place for place, model in enumerate(self.models)}

    @property
    def before(self):
        """A catalog to change from."""
        return self.catalog if self.name == YUAN else "2026-11-public-2"

    @property
    def tried(self):
        """Evaluations with about the rates; of one month, of another workload."""
        names = ["other"] if self.months == 1 else [one.name for one in self.workloads]
        rows = [
            (name, model, int(100 * rate), 100)
            for name in names
            for model, rate in self.rates.items()
        ]
        columns = ["workload", "model", "successes", "trials"]
        return read_evaluations(pd.DataFrame(rows, columns=columns))

    @property
    def scored(self):
        """Forty items on the first two models, with a score of the first."""
        rows = [
            (model, item, (item % 5 < 3 + place), item % 7)
            for place, model in enumerate(self.models[:2])
            for item in range(40)
        ]
        frame = pd.DataFrame(rows, columns=["model", "item", "success", "score_after"])
        return read_evaluations(frame.assign(workload=self.workload.name))

    def estimate(self):
        """Return an estimate far below its budget, close to it and a plan, and without either."""
        if self.kind == "much":
            return estimate(447.95, plan=planned(5927), balance=200)
        return estimate(*[900][: self.kind == "usual"], **self.prices)


#: What each picture draws, from a case.
RESULTS = {
    "cascades": lambda c: cascades(
        c.workload,
        detector=Detector(false_accept="0.05", false_reject="0.1"),
        success_rates=c.rates,
        projection=c.projection,
    ),
    "catalog_change": lambda c: catalog_effect(
        c.workloads[:2], c.before, c.catalog, months=1, as_of=AS_OF, n_paths=100
    ),
    "context_fit": lambda c: c.fit,
    "context_fit_curve": lambda c: c.fit,
    "conversation_growth": lambda c: conversation(c.workload, c.models[0], catalog=c.catalog),
    "cost_per_request": lambda c: cost_per_request(c.workload, projection=c.projection),
    "cost_per_success": lambda c: cost_per_success(c.workload, c.tried, projection=c.projection),
    "cost_vs_quality": lambda c: quality_frontier(c.projection, c.tried, workload=c.workload.name),
    "forecast": lambda c: forecast(*LOGS[c.kind], **c.prices),
    "monthly_spend": lambda c: c.projection,
    "outlook": Case.estimate,
    "plan_change": lambda c: compare_plans(
        c.projection, c.projection, before_choice=c.models[0], after_choice=c.models[1]
    ),
    "portfolio_frontier": lambda c: portfolio_frontier(
        c.workloads, evaluations=c.tried, projection=c.projection
    ),
    "routing_curve": lambda c: routing_curve(
        c.workload, *c.models[:2], c.scored, projection=c.projection
    ),
    "scenarios": lambda c: compare_scenarios(
        c.projection,
        [
            Scenario(name=c.workload.name, changes={"traffic": 2}),
            Scenario(name=f"{LONG}, less", changes={"output": 0.5}),
        ],
        c.models[0],
    ),
    "spend_distribution": lambda c: c.projection,
    "spend_fan": lambda c: c.projection,
    "thinking": lambda c: thinking_pays(c.workload, *PAIRS[c.name], months=1, **c.settings),
    "throughput": lambda c: throughput(c.workloads, c.models[0], months=1, **c.settings),
    "tornado": lambda c: sensitivity(
        c.workloads, c.models[0], months=1, as_of=AS_OF, catalog=c.catalog
    ),
}
case = cache(Case)


@cache
def result(name, kind, catalog):
    """Return what a picture draws, computed once."""
    return RESULTS[name](case(kind, catalog))


def draw(name, kind="usual", catalog=CARD, **panel):
    """Draw a picture."""
    arguments = (case(kind, catalog).models[0],) if name == "spend_fan" else ()
    return getattr(plot, name)(result(name, kind, catalog), *arguments, **panel)
