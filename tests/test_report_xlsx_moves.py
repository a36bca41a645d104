"""Every lever of the workbook moves it as Python's plan of the changed workloads moves, to the cent."""

import re
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random

import numpy as np
import pytest
from office import Cells, answered

from kimi_planner import Workload, load_catalog, load_workloads, project, recommend
from kimi_planner.plan import what_if
from kimi_planner.plan.spend import NO_RANGE
from kimi_planner.report.xlsx.risk import AS_SIMULATED, NEAR_CHANCE, NEAR_RANGE
from kimi_planner.report.xlsx.workbook import xlsx_report

AS_OF = date(2026, 11, 24)
CERTAIN = Workload(
    name="certain", requests_per_day=1000, prompt_tokens=2000, completion_tokens=500,
    reasoning_tokens=300, cached_share=0.25, budget_usd_per_month=400,
    growth_per_month=0.1, retry_share=0.02,
)  # fmt: skip
#: A plan with every lever, all of plain numbers: a launch, a start, events, weekdays, a change of price.
LEVERS = [
    replace(CERTAIN, name="chat", model="kimi-k2", events=(
        {"name": "launch", "from": "2027-02-10", "to": "2027-03-05", "factor": 2.5},
        {"name": "fair", "from": "2027-02-20", "to": "2027-02-22", "factor": 1.5},
    )),
    replace(CERTAIN, name="review", model="kimi-k2-5", certainty="estimate", retry_share=None, growth_per_month=0,
            events=({"name": "audit", "from": "2027-01-30", "to": "2027-02-02", "extra_requests": 8000},)),
    replace(CERTAIN, name="drafts", model="kimi-k2", starts_on="2027-02-08", owner="", cost_centre="",
            weekday_profile=(1, 1, 1, 1, 1, 0.2, 0), budget_usd_per_month=None),
    replace(CERTAIN, name="nightly", model="kimi-k2-5-thinking", requests_per_day=None,
            requests_per_month=9000, ends_on="2027-03-20"),
]  # fmt: skip
#: The same with ranges of level, of growth, and of all numbers that are called an estimate.
RANGED = [
    replace(
        LEVERS[0], requests_per_day={"p10": 800, "p50": 1000, "p90": 1400}, budget_usd_per_month=270
    ),
    replace(LEVERS[1], budget_usd_per_month=380),
    replace(
        LEVERS[2],
        requests_per_day=10_000,
        growth_per_month={"p10": 0, "p50": 0.05, "p90": 0.12},
        budget_usd_per_month=1100,
    ),
    replace(
        LEVERS[3],
        requests_per_month={"p10": 6e4, "p50": 9e4, "p90": 15e4},
        budget_usd_per_month=1400,
    ),
]
#: The same on models whose reasoning is assumed, in wide ranges, where it is not stated.
NEWER = {"kimi-k2": "kimi-k2.6", "kimi-k2-5": "kimi-k3", "kimi-k2-5-thinking": "kimi-k2.7-code"}
ASSUMED = [
    replace(
        one,
        model=NEWER[one.model],
        reasoning_tokens=one.reasoning_tokens if states else None,
        budget_usd_per_month=budget,
    )
    for one, states, budget in zip(
        RANGED, (True, False, True, False), (400, 900, 3000, 3000), strict=True
    )
]
CHANGE = {"date": "2027-02-15", "factor": 0.9}
MODELS = ["kimi-k2", "kimi-k2-5", "kimi-k2-5-thinking"]


FIELDS = {
    "input": "input_usd_per_mtok",
    "cached input": "cached_input_usd_per_mtok",
    "output": "output_usd_per_mtok",
}
TRIES, RANGED_TRIES = 250, 120
QUANTILES = {"P10": 0.1, "P50": 0.5, "P90": 0.9}


def catalog():
    """Return the catalog with prices of cached tokens and of batches, so that their shares count."""
    found = load_catalog("2026-06")
    for spec in found:
        cached = spec.input_usd_per_mtok / 4
        found = found.with_price(spec.id, cached_input_usd_per_mtok=cached)
    models = [replace(spec, batch_multiplier=Decimal("0.6")) for spec in found]
    return replace(found, models=tuple(models))


def dated(workloads, change=CHANGE):
    """Return workloads that know of a change of price."""
    return [replace(one, price_changes=(change,)) for one in workloads]


KINDS = ["factor", "contingency", "model", "certainty", "starts", "ends", "growth", "size", "tokens",
         "cached", "batch", "event", "event days", "factor of price", "day of price", "price"]  # fmt: skip
RANGED_KINDS = [one for one in KINDS if one not in ("contingency", "batch")]
HEADS = [*QUANTILES, "chance any month is over budget", "P10 to P90 are", "the chance is"]


class Moves:
    """Changes of a workbook of levers, and the same changes of its workloads and catalog."""

    def __init__(self, cells, random, workloads, catalog):
        self.cells, self.random = cells, random
        self.workloads, self.catalog = list(workloads), catalog
        is_newer = workloads is ASSUMED
        self.models = list(NEWER.values()) if is_newer else MODELS
        self.reasons = not is_newer
        self.change, self.added = dict(CHANGE), 0
        self.changed, self.what_if, self.batches = {}, {}, {}

    def some(self, kinds):
        """Change one to three levers."""
        for kind in self.random.sample(kinds, self.random.randint(1, 3)):
            getattr(self, kind.replace(" ", "_"))()

    def one(self):
        place = self.random.randrange(len(self.workloads))
        return place, self.workloads[place]

    def put(self, place, head, value, **fields):
        name = self.workloads[place].name
        self.changed[self.cells.at("Assumptions", name, head, under="workload")] = value
        self.workloads[place] = replace(self.workloads[place], **fields)

    def times(self, place, head, field):
        """Multiply a number that is plain in the file, and its mean in the workbook."""
        by = self.random.choice([0.5, 1.5, 2, 3])
        sheet, cell = self.cells.at(
            "Assumptions", self.workloads[place].name, head, under="workload"
        )
        value = self.cells.book[sheet][cell].value * by
        given = Decimal(str(by)) * getattr(self.workloads[place], field).value
        self.put(place, head, value, **{field: given})

    def factor(self):
        names = [("traffic x", "traffic"), ("answers x", "output"), ("reasoning x", "reasoning")]
        name, key = self.random.choice(names[: 2 + self.reasons])
        self.what_if[key] = self.changed[self.cells.factor(name)] = self.random.choice(
            [0, 0.5, 1.25, 2]
        )

    def contingency(self):
        self.added = self.changed[self.cells.factor("contingency")] = self.random.choice(
            [0.1, 0.25]
        )

    def model(self):
        place, _ = self.one()
        model = self.random.choice(self.models)
        self.put(place, "model", model, model=model)

    def certainty(self):
        place, _ = self.one()
        word = self.random.choice(["none", "measured", "estimate", "guess"])
        self.put(place, "certainty of numbers without a range", word,
                 certainty=None if word == "none" else word)  # fmt: skip

    def starts(self):
        place = self.random.choice([2, 3])  # those without events, which must lie inside
        day = date(2027, self.random.randint(1, 3), self.random.randint(1, 28))
        if self.workloads[place].last_day >= day:
            self.put(place, "starts on", day, starts_on=day)

    def ends(self):
        place = self.random.choice([2, 3])  # those without events, which must lie inside
        day = date(2027, self.random.randint(2, 3), self.random.randint(1, 28))
        if self.workloads[place].first_day <= day:
            self.put(place, "ends on", day, ends_on=day)

    def growth(self):
        place, _ = self.one()
        growth = self.random.choice([-0.2, 0, 0.03, 0.5])
        self.put(place, "growth a month", growth, growth_per_month=growth)

    def size(self):
        place, workload = self.one()
        by = self.random.choice([0.5, 1.5, 2, 3])
        head = "calls a day, mean"
        sheet, cell = self.cells.at("Assumptions", workload.name, head, under="workload")
        [more] = what_if([workload], traffic=str(by))
        value = self.cells.book[sheet][cell].value * by
        self.put(place, head, value, **{workload.unit: getattr(more, workload.unit)})

    def tokens(self):
        place, workload = self.one()
        fields = [
            ("prompt tokens a call", "prompt_tokens"),
            ("answer tokens a call", "completion_tokens"),
            ("reasoning tokens a call", "reasoning_tokens"),
        ]
        head, field = self.random.choice([one for one in fields if workload.given(one[1])])
        self.times(place, head, field)

    def cached(self):
        place, _ = self.one()
        share = self.random.choice([0, 0.1, 0.9])
        self.put(place, "cached input, share of the prompt", share, cached_share=share)

    def batch(self):
        place, workload = self.one()
        self.batches[workload.name] = share = self.random.choice([0.25, 0.5, 1])
        self.put(place, "share of calls in batches", share)

    def event(self):
        self.put_event("size", lambda key, event: {key: self.random.choice(
            [0, 0.5, 4] if key == "factor" else [0, 500, 12000]
        )})  # fmt: skip

    def event_days(self):
        def days(_, event):
            first = date(2027, self.random.randint(1, 3), self.random.randint(1, 28))
            return {"from": first, "to": first + timedelta(days=self.random.choice([0, 3, 40]))}

        self.put_event(None, days)

    def put_event(self, head, changed):
        place = self.random.randrange(2)
        event, *others = self.workloads[place].dated_events
        key = "factor" if event.factor is not None else "extra_requests"
        given = {"name": event.name, "from": event.first, "to": event.last, key: event.size}
        given |= (new := changed(key, event))
        for name, value in new.items():
            where = (self.workloads[place].name, event.name), head or name
            self.changed[self.cells.at("Assumptions", *where)] = value
        self.workloads[place] = replace(self.workloads[place], events=(given, *others))

    def factor_of_price(self):
        self.change["factor"] = self.changed[
            self.cells.at("Assumptions", ("all", "all models"), "value")
        ] = self.random.choice([0.5, 1, 1.75])

    def day_of_price(self):
        day = self.random.choice(
            [date(2027, 1, 1), date(2027, 2, 1), date(2027, 2, 15), date(2027, 3, 1)]
        )
        sheet, value = self.cells.at("Assumptions", ("all", "all models"), "value")
        self.changed[sheet, f"C{value[1:]}"] = day
        self.change["date"] = day

    def price(self):
        model = self.random.choice(self.models)
        meter = self.random.choice(list(FIELDS))
        price = self.random.choice(["0", "0.37", "8.25"])
        self.changed[self.cells.price(model, meter)] = float(price)
        self.catalog = self.catalog.with_price(model, **{FIELDS[meter]: price})

    def wanted(self):
        """Return what Python says of the changed plan, in the order of the places that are asked.

        Of a share of calls in batches, that is the share of a plan with all of them there.
        """
        plans = self.plans((False, True)[: 1 + bool(self.batches)])
        chosen = {one.name: one.model for one in self.workloads}

        def mean(name, model):
            share = self.batches.get(name, 0)
            means = [plan.of(model, name).mean() for plan in plans]
            return (1 - share) * means[0] + share * means[-1]

        names = plans[0].names
        booked = [usd * (1 + self.added) for name in names for usd in mean(name, chosen[name])]
        return booked + [mean(name, model).sum() for name in names for model in self.models]

    def plans(self, batches=(False,)):
        """Return the changed plan without batches, and where asked for with all calls in batches."""
        factors = {key: str(by) for key, by in self.what_if.items()}
        workloads = dated(what_if(self.workloads, **factors), self.change)
        scope = {
            "months": 3,
            "start": "2027-01",
            "models": self.models,
            "as_of": AS_OF,
            "n_paths": 300,
        }
        return [
            project([replace(one, batch=batch) for one in workloads], catalog=self.catalog, **scope)
            for batch in batches
        ]

    def risks(self):
        """Return quantiles and chance of each workload and of all, as a simulation of the change says."""
        [plan] = self.plans()
        chosen = {one.name: one.model for one in self.workloads}
        found = []
        for name in (*plan.names, None):
            spend = plan.mix(chosen) if name is None else plan.of(chosen[name], name)
            whole, budget = spend.over_months(), plan.budget(name)
            ends = [float(whole.quantile(q)[0]) for q in QUANTILES.values()]
            found.append((ends, spend.chance_over(budget)))
        return found


@pytest.fixture(scope="module")
def moved(tmp_path_factory):
    """Return the tries of plain and of ranged workloads, and what the workbooks answer to each."""
    books, asks, tries = {}, {}, {}
    newer = load_catalog("2026-11-public-3")
    for key, workloads, prices, count, kinds in (
        ("plain", LEVERS, catalog(), TRIES, KINDS),
        ("ranged", RANGED, catalog(), RANGED_TRIES, RANGED_KINDS),
        ("assumed", ASSUMED, newer, RANGED_TRIES, RANGED_KINDS),
    ):
        scope = {"months": 3, "start": "2027-01", "as_of": AS_OF, "n_paths": 300}
        models = list(NEWER.values()) if prices is newer else MODELS
        plan = recommend(dated(workloads), models=models, catalog=prices, **scope)
        books[key] = xlsx_report(plan)
        cells, random = Cells(books[key]), Random(20)
        months = list(map(str, plan.projection.months))
        asks[key] = (
            [cells.at("Budget", name, month) for name in plan.names for month in months]
            + [
                cells.at("By model", (name, model), "spend USD")
                for name in plan.names
                for model in MODELS
            ]
            if key == "plain"
            else [cells.at("Risk", name, head) for name in (*plan.names, "all") for head in HEADS]
        )
        tries[key] = [Moves(cells, random, workloads, prices) for _ in range(count)]
        for one in tries[key]:
            one.some(kinds)
    changes = {key: [one.changed for one in many] for key, many in tries.items()}
    answers = answered(tmp_path_factory.mktemp("moves"), books, asks, changes)
    return {key: (asks[key], list(zip(tries[key], answers[key], strict=True))) for key in books}


def test_levers_of_ranged_numbers_move_as_python_does(tmp_path):
    """Drawn numbers follow to the cent too: growth made plain, more traffic, another day, model or certainty."""
    workloads = [one for one in load_workloads() if one.name != "draft-generation"]
    best = {
        "support-chat": "kimi-k2", "coding-assistant": "kimi-k2-5-thinking",
        "invoice-extraction": "kimi-k2-instruct", "image-questions": "kimi-k2-5",
    }  # fmt: skip
    given = [replace(one, model=best[one.name]) for one in workloads]
    scope = {"months": 4, "start": "2027-01", "as_of": AS_OF, "n_paths": 500, "catalog": "2026-06"}
    found = recommend(given, models=sorted(set(best.values())), **scope)
    content = xlsx_report(found)
    cells = Cells(content)

    def at(name, head):
        return cells.at("Assumptions", name, head, under="workload")

    certainty = "certainty of numbers without a range"
    tries = [
        ({at("coding-assistant", "growth a month"): 0.1}, {"coding-assistant": {"growth_per_month": Decimal("0.1")}}),
        ({at("image-questions", "growth a month"): 0}, {"image-questions": {"growth_per_month": 0}}),
        ({at("support-chat", "growth a month"): -0.05}, {"support-chat": {"growth_per_month": Decimal("-0.05")}}),
        ({at("support-chat", "model"): "kimi-k2-5"}, {"support-chat": {"model": "kimi-k2-5"}}),
        ({at("invoice-extraction", certainty): "guess"}, {"invoice-extraction": {"certainty": "guess"}}),
        ({at("invoice-extraction", "starts on"): date(2027, 2, 17)}, {"invoice-extraction": {"starts_on": "2027-02-17"}}),
        ({at("support-chat", "cached input, share of the prompt"): 0.6}, {"support-chat": {"cached_share": Decimal("0.6")}}),
        ({cells.factor("traffic x"): 1.3}, None),
    ]  # fmt: skip
    months = list(map(str, found.projection.months))
    asks = [cells.at("Budget", name, month) for name in found.names for month in months]
    newer = {**scope, "catalog": "2026-11-public-3"}
    thinking = [replace(CERTAIN, name="w", model="kimi-k3", reasoning_tokens=None)]
    assumed = recommend(thinking, models=["kimi-k3", "kimi-k2.6"], **newer)
    books = {"r": content, "a": xlsx_report(assumed)}
    own = Cells(books["a"])
    more = own.at("Assumptions", "w", "answer tokens a call", under="workload")
    moves = {"r": [one for one, _ in tries], "a": [{own.factor("answers x"): 2}, {more: 1000}]}
    asked = {"r": asks, "a": [own.at("Budget", "w", month) for month in months]}
    answers = answered(tmp_path, books, asked, moves)
    for (change, fields), got in zip(tries, answers["r"], strict=True):
        moved = (
            what_if(given, traffic="1.3")
            if fields is None
            else [replace(one, **fields.get(one.name, {})) for one in given]
        )
        plan = project(moved, models=found.projection.models, **scope)
        want = [usd for one in moved for usd in plan.of(one.model, one.name).mean().tolist()]
        assert got == pytest.approx(want, abs=0.005), change
    plan = project(what_if(thinking, output=2), models="kimi-k3", **newer)
    for got in answers["a"]:  # reasoning that is assumed is in proportion to the answer
        assert got == pytest.approx(plan.of("kimi-k3", "w").mean().tolist(), abs=0.005)


def test_every_lever_moves_as_python_does(moved):
    """Each of 250 tries of one to three levers gives each month and each model what Python plans."""
    asks, tries = moved["plain"]
    assert len({cell for one, _ in tries for cell in one.changed}) > 40
    for one, got in tries:
        for place, amount, want in zip(asks, got, one.wanted(), strict=True):
            assert amount == pytest.approx(want, abs=0.005), (one.changed, place)


@pytest.mark.parametrize("book", ["ranged", "assumed"])
def test_ranges_and_chances_move_as_a_simulation_does(moved, book):
    """What is called as simulated is it but for single calls; 95 of 100 near ones are as near as is said."""
    near = {"range": [], "chance": []}
    exact = {"range": 0, "chance": 0}
    for one, got in moved[book][1]:
        rows = [got[at : at + len(HEADS)] for at in range(0, len(got), len(HEADS))]
        for (*ends, chance, range_is, chance_is), (quantiles, truth) in zip(
            rows, one.risks(), strict=True
        ):
            if NO_RANGE in ends:  # then all of them are the mean
                assert quantiles[0] == quantiles[-1], one.changed
                continue
            off = {
                "range": max(
                    abs(a / b - 1) if b else a for a, b in zip(ends, quantiles, strict=True)
                ),
                "chance": abs(chance - truth),
            }
            for key, said, limit in (("range", range_is, 0.01), ("chance", chance_is, 0.02)):
                if said == AS_SIMULATED:
                    exact[key] += 1
                    assert off[key] <= limit, (one.changed, ends, quantiles, chance, truth)
                else:
                    near[key].append(off[key])
    for key, said in (("range", NEAR_RANGE), ("chance", NEAR_CHANCE)):
        [percent] = map(int, re.findall(r"\d+", said))
        assert exact[key] > 100
        assert len(near[key]) > 100
        assert 100 * float(np.quantile(near[key], 0.95)) <= percent
