"""Every lever of the workbook moves it as Python's plan of the changed workloads moves, to the cent."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from random import Random

import pytest
from office import Cells, answered

from kimi_planner import Workload, load_catalog, load_workloads, project, recommend
from kimi_planner.plan import what_if
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
CHANGE = {"date": "2027-02-15", "factor": 0.9}
MODELS = ["kimi-k2", "kimi-k2-5", "kimi-k2-5-thinking"]


FIELDS = {
    "input": "input_usd_per_mtok",
    "cached input": "cached_input_usd_per_mtok",
    "output": "output_usd_per_mtok",
}
TRIES = 250


def catalog():
    """Return the catalog with prices of cached tokens, so that their share counts."""
    found = load_catalog("2026-06")
    for spec in found:
        cached = spec.input_usd_per_mtok / 4
        found = found.with_price(spec.id, cached_input_usd_per_mtok=cached)
    return found


def dated(workloads, change=CHANGE):
    """Return workloads that know of a change of price."""
    return [replace(one, price_changes=(change,)) for one in workloads]


class Moves:
    """Changes of a workbook of levers, and the same changes of its workloads and catalog."""

    def __init__(self, cells, random):
        self.cells, self.random = cells, random
        self.workloads, self.catalog = list(LEVERS), catalog()
        self.change, self.added = dict(CHANGE), 0
        self.changed, self.what_if = {}, {}

    def some(self):
        """Return the changes of one to three levers."""
        kinds = ["factor", "contingency", "model", "certainty", "starts", "ends", "growth", "size",
                 "tokens", "cached", "event", "factor of price", "day of price", "price"]  # fmt: skip
        for kind in self.random.sample(kinds, self.random.randint(1, 3)):
            getattr(self, kind.replace(" ", "_"))()
        return self.changed

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
        name, key = self.random.choice(
            [("traffic x", "traffic"), ("answers x", "output"), ("reasoning x", "reasoning")]
        )
        self.what_if[key] = self.changed[self.cells.factor(name)] = self.random.choice(
            [0, 0.5, 1.25, 2]
        )

    def contingency(self):
        self.added = self.changed[self.cells.factor("contingency")] = self.random.choice(
            [0.1, 0.25]
        )

    def model(self):
        place, _ = self.one()
        model = self.random.choice(MODELS)
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
        self.times(place, "requests a day, mean", workload.unit)

    def tokens(self):
        place, _ = self.one()
        head, field = self.random.choice([
            ("prompt tokens a call", "prompt_tokens"),
            ("answer tokens a call", "completion_tokens"),
            ("reasoning tokens a call", "reasoning_tokens"),
        ])  # fmt: skip
        self.times(place, head, field)

    def cached(self):
        place, _ = self.one()
        share = self.random.choice([0, 0.1, 0.9])
        self.put(place, "cached input, share of the prompt", share, cached_share=share)

    def event(self):
        place = self.random.randrange(2)
        event, *others = self.workloads[place].dated_events
        key = "factor" if event.factor is not None else "extra_requests"
        size = self.random.choice([0, 0.5, 4] if key == "factor" else [0, 500, 12000])
        where = self.cells.at("Assumptions", (self.workloads[place].name, event.name), "size")
        self.changed[where] = size
        given = {"name": event.name, "from": event.first, "to": event.last, key: size}
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
        model = self.random.choice(MODELS)
        meter = self.random.choice(list(FIELDS))
        price = self.random.choice(["0", "0.37", "8.25"])
        self.changed[self.cells.price(model, meter)] = float(price)
        self.catalog = self.catalog.with_price(model, **{FIELDS[meter]: price})

    def wanted(self):
        """Return what Python says of the changed plan, in the order of the places that are asked."""
        factors = {key: str(by) for key, by in self.what_if.items()}
        workloads = dated(what_if(self.workloads, **factors), self.change)
        plan = project(workloads, 3, "2027-01", MODELS, AS_OF, n_paths=300, catalog=self.catalog)
        chosen = {one.name: one.model for one in workloads}
        booked = [
            float(amount) * (1 + self.added)
            for name in plan.names
            for amount in plan.of(chosen[name], name).mean()
        ]
        return booked + [
            float(plan.of(model, name).mean().sum()) for name in plan.names for model in MODELS
        ]


@pytest.fixture(scope="module")
def plan():
    """Return the plan with every lever."""
    return recommend(
        dated(LEVERS), months=3, start="2027-01", as_of=AS_OF, n_paths=300, models=MODELS,
        catalog=catalog(),
    )  # fmt: skip


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
    answers = answered(tmp_path, {"r": content}, {"r": asks}, {"r": [one for one, _ in tries]})["r"]
    for (change, fields), got in zip(tries, answers, strict=True):
        moved = (
            what_if(given, traffic="1.3")
            if fields is None
            else [replace(one, **fields.get(one.name, {})) for one in given]
        )
        plan = project(moved, models=found.projection.models, **scope)
        want = [usd for one in moved for usd in plan.of(one.model, one.name).mean().tolist()]
        assert got == pytest.approx(want, abs=0.005), change


def test_every_lever_moves_as_python_does(plan, tmp_path):
    """Each of 250 tries of one to three levers gives each month and each model what Python plans."""
    content = xlsx_report(plan)
    cells, random = Cells(content), Random(20)
    months = list(map(str, plan.projection.months))
    asks = [cells.at("Budget", name, month) for name in plan.names for month in months]
    asks += [
        cells.at("By model", (name, model), "spend USD") for name in plan.names for model in MODELS
    ]
    tries = [Moves(cells, random) for _ in range(TRIES)]
    changes = [one.some() for one in tries]
    [answers] = answered(
        tmp_path, {"levers": content}, {"levers": asks}, {"levers": changes}
    ).values()
    moved = {head for change in changes for head in change}
    assert len(moved) > 40  # cells that were changed
    for change, one, got in zip(changes, tries, answers, strict=True):
        for place, amount, want in zip(asks, got, one.wanted(), strict=True):
            assert amount == pytest.approx(want, abs=0.005), (change, place)
