"""What a reader of a result must know: every sentence, written once, and what it is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

_OVERFLOW = "{changed} of calls do not fit the window of {models} and"
_UNSTATED = "{silent:,} of {rows:,} rows do not state"
_NO_CACHED_PRICE = (
    "Catalog {catalog} states no cached-input price for {models}; cached tokens are billed as input"
)

#: From a code, which stays the same, to its sentence, which may be worded better. A sentence that
#: does not name its workloads gets their names at its end.
SENTENCES = {
    # A plan: what its ranges do not show, and what it takes for granted.
    "no_range": "Nothing uncertain is stated, so spend is one number, its range not given; state ranges, or certainty.",
    "plain_number": "{what} is one plain number, so the range does not show that it may differ.",
    "check_growth": "growth_per_month = {growth}: {percent:,.0%} a month; did you mean {meant}?",
    "check_mean_factor": "The mean_factor of {key} is {mean} on average, which leaves less than a tenth of the size; did you mean a factor about 1?",
    "check_max_tokens": "max_tokens {cap:,} fills the whole window of {models}, so no call has room there; did you mean fewer?",
    "check_price": "{key} = {price} of {models} is USD per 1,000,000 tokens; if it was meant per 1,000, give {meant}.",
    "certainty": 'certainty = "{word}": levels and means without a range of their own have {factors} ({source}).',
    "no_mean_factor": "No mean_factor is given, so the range does not show that tokens per call may be more or less on average.",
    "outside_plan": "It has traffic only outside of the plan ({first} to {last}), so it costs nothing.",
    "events_outside_plan": "These events lie outside of the plan and count for nothing: {events} ({workloads}).",
    "prices_change": "Prices change {change}.",
    "reasoning_assumed": "reasoning_tokens is not given; on {models} it is assumed to be {ratio} times the answer from P10 to P90 ({on}).",
    "reasoning_unknown": "reasoning_tokens is not given and no data tell how much {models} reasons, so spend there is at least what is shown; it ranks after what is known.",
    "reasoning_not_stated": "Whether {models} reasons is not stated; reasoning_tokens is counted there as given.",
    "effort_unknown": "{models} does not know reasoning_effort {effort}.",
    "no_followup_tokens": "followup_tokens is not given, so each later turn adds as much as the first prompt.",
    "growth_bounded": "Growth is at least -99% and at most 1,000% a month, so its mean is {mean:.4g}, not {given:.4g}.",
    "turns_whole": "Turns are whole and at least 1, so their mean is {mean:.4g}, not {given:.4g}.",
    "of_workload": "{workloads}: {said}.",
    # A catalog.
    "retired": "Left out, as retired before {first}: {models}.",
    "goes": "{models}: {gone}.",
    "prices_from": "{models}, prices from {day} on: {changes}.",
    "prices_by_day": "Each row of {models} is billed at the prices of its day: those {days}.",
    "undated": "Rows of {models} without a date are billed at the prices of {day}.",
    "prices_of_day": "Prices are those of {day}.",
    "not_listed": "The price list in {currency} has no price of {models}, so a plan in it is without them.",
    "without_tax": "Prices of catalog {catalog} are without tax.",
    "fee_not_billed": "Not in the spend{of_workloads}: {fee}, {usd} USD a call.",
    "hour_not_billed": "Not in the spend{of_workloads}: prompts kept in a cache for an hour, whose tokens cost {currency} per 1M {prices}.",
    "no_price": "Catalog {catalog} states no price for {models}, so spend is not known there.",
    "no_cached_price": f"{_NO_CACHED_PRICE}.",
    "no_cached_price_yet": f"{_NO_CACHED_PRICE} until one is given.",
    "no_batch_price": "Catalog {catalog} states no batch price for {models}, so batches are planned there at the price of single calls.",
    "no_write_price": "Catalog {catalog} states no price for writing to a cache for {lifetimes} of {where}; such tokens are billed as input.",
    "no_window": "Catalog {catalog} states no context window for {models}, so no call is taken to be too large.",
    "not_in_catalog": "Catalog {catalog} does not have {models}, whose prices count as unchanged.",
    "only_one_reasons": "{old} and {new}: only {models} is projected with reasoning tokens, as the other does not reason by its catalog.",
    # Calls.
    "calls_reject": f"{_OVERFLOW} are refused, cost nothing and end their conversation.",
    "calls_price_all": f"{_OVERFLOW} are priced whole, as if it held them; it would refuse {{refused}}, those after them included.",
    "calls_drop_oldest": f"{_OVERFLOW} lose the oldest of their history, and {{refused}} are refused.",
    "calls_summarise": f"{_OVERFLOW} have their history summarised first, and {{refused}} are refused.",
    "answers_cut": "max_tokens {cap} cuts {cut:.1%} of answers on {models}.",
    "answers_empty": "max_tokens {cap} cuts {cut:.1%} of answers on {models} and leaves {empty:.1%} empty but billed.",
    "default_reserved": "No max_tokens is given, so a call on {models} reserves {tokens:,} tokens of its window, or its answer where that is longer.",
    "cached_share_derived": "The cached share is worked out for conversations that start at random around the clock, at the mean traffic of a first month without growth or events, with a prefix that never changes.",
    "no_turn_gap": "cache.turn_gap_minutes is not given, so no history of a conversation counts as cached.",
    "mean_cached_share": "Every call has the mean cached share, also after its history was cut or summarised, which changes the prefix that the cache knows.",
    "less_written": "Where a path's cached_share leaves less of the prompt than written_share, only the rest is written to a cache.",
    # A log.
    "model_named": "{name} in the log is taken for {models} of catalog {catalog}.",
    "not_priced": "Not priced, and in no total: {rows:,} rows of {models}. {why} If it is another name of one, say so: alias, --alias LOG=CATALOG.",
    "invoice_outside": "The log covers {first} to {last}; of the invoice, {what} ({usd} USD) lie outside and are held against nothing.",
    "invoice_without": "The invoice has nothing of {what}; the log of then, {usd} USD, is held against nothing.",
    "invoice_part": "The log covers {first} to {last}; what was billed of other days of {what} shows as another quantity.",
    "invoice_unknown": "The catalog does not have {what}, billed at {usd} USD, so whether that is right cannot be told.",
    "cached_unstated": f"{_UNSTATED} cached tokens; all their prompt tokens are billed as uncached.",
    "unstated": f"{_UNSTATED} {{what}} tokens; the totals are those of the others.",
    "sized_by_others": f"{_UNSTATED} reasoning tokens; answers and reasoning are sized by the others.",
    "passed_over": "Not read, as no logs go by such names: {names}.",
    "log_partial": "The log is partial: {why}.",
    "log_doubled": "The log may be doubled: {why}.",
    "log_parents": "{rows:,} entries stand above others of their tree, whose tokens they repeat or add up; only the leaves count.",
    "log_unstated": "{rows:,} calls state no usage and not whether they failed; what they cost is not known.",
    "log_windows": "{rows:,} rows are windows that do not say how many calls they hold; each counts as one.",
    "log_tiers": "Calls of service tier {tiers} are billed at the prices of the standard tier.",
    "no_date": "{rows:,} rows have no date, so their {what} is not known.",
    "bad_rows": "Bad rows of the log, left out: {rows:,}.",
    "rows_outside": "Rows outside start and end, left out: {rows:,}.",
    "windows": "Rows hold several calls, so sizes of single calls are averages of a row.",
    "traffic_extended": "requests_per_day extends {span} of traffic to a month; the rhythm of days and weeks that it does not show is in the range as other services have it.",
    "model_mix": "Models of its calls: {mix}. A plan takes all of them as one model; fit by model for a workload of each.",
    "batch_mix": "{share:.0%} of its calls are in batches; they are planned as single calls. Fit by a column for workloads of their own.",
    # A forecast.
    "few_calls": "Only {calls} to forecast from, so the range is wide.",
    "far_ahead": "The horizon is {times:,.0f} times as long as the log. Beyond {known} times the range was learned from few cases; seasons and changes of use may be more than it allows for.",
    "no_day": "The log is shorter than a day. A daily rhythm of {rhythm:.0%}, as other services have, is assumed in its place; if nights are quiet, give a log of whole days.",
    "no_week": "The log is shorter than a week. A weekly rhythm, {part:.0%} as strong as its drift, as other services have, is assumed in its place; if weekends are quiet, give a log of whole weeks.",
    "no_growth": "No growth is projected, as less than {least} days of log are used; the range allows for {most:.0%} a month either way.",
    "growth": "Growth of {expected:.1%} a month is projected, 80% range {low:.1%} to {high:.1%}, from {of} days of the log; ahead it fades, to a third after {days} days.",
    "past": "As {outcomes} earlier forecasts came out, the range is {change} than a log like this gives.",
    "past_few": "Earlier forecasts whose outcome is known: {outcomes}. From {fewest} on the width of the range follows them.",
    "no_ends": "What the log covers is told from its first and last row. Pass start and end if calls were awaited before or after.",
    "recent_days": "Only the last {days} days are used, in stretches that show the hours of the day.",
    "whole_days": "The last {days} days hold too few calls to show the hours of the day, so the forecast follows whole days.",
    # A latest estimate.
    "spent_before_unknown": "The log begins {begun}. What was spent before, from {start} on, is not in it and not known, so the end is higher and chances are lower bounds. Hold it against what is left of the budget since then.",
    "log_ends_early": "The log ends {ended}, before {day}; what was spent since is forecast.",
    "parts_in_proportion": "Only the total is forecast. It is divided among workloads and models in proportion to their spend in the last {days} days of the log, so they have no ranges of their own.",
    "plan_lacks_months": "{source} does not plan all months of {period}, so the end is not held against it.",
    "plan_ahead": "What is to come is forecast from the log alone, without what the plan has ahead: {what}.",
    "plan_in_proportion": "The period holds months in part; the plan counts in proportion to their days.",
    # Peaks against the limits of tiers.
    "no_peak_hour": "No peak_hour_share is given, so the day is taken as even and the need is at least this.",
    "no_weekdays": "No weekday_profile is given, so every day of a month is taken as alike.",
    "need_without_cap": "No max_tokens is given; the API then counts a default. Where the catalog does not state it, the answer itself is counted, so the need is at least this.",
    "need_without_reasoning": "No reasoning tokens are given, so {models} needs at least this.",
    "no_speed": "No output_tokens_per_second is given, so calls in work at the same time are not known and no tier is ruled out by them.",
    "in_work": "Calls in work count the time in which answers are written; the wait for the first token comes on top.",
    "independent_calls": "Calls of one hour are taken to arrive independently of each other. Batches, retries and agents that call in bursts need more.",
    "limits_checked": "Limits {limits} were checked on {day}.",
    "limits_checked_later": "Limits {limits} were checked on {day}, after the day of the plan.",
    "rule": "{rule}",
    "keeps_tier": "The peaks of all workloads keep the limits of tier {tier}. They are added up as if they came at once, which is on the safe side.",
    "peaks_may_be_higher": "They may be higher, as not every workload gives {keys}.",
    # A choice.
    "split_spread": "A share of a workload spends that share of its spend on every path; the small part of the spread that comes from single calls would be larger.",
    "means": "Means over {paths:,} paths.",
    "quality_is_measured": "Quality is the success rate measured in {source}.",
    "not_on_frontier": "{why}, so not on the frontier: {models}.",
    "conditional": "{models} qualifies for {workloads} if {conditions}.",
    "not_qualified": "{models} does not qualify for {workloads}: {reasons}.",
    "not_evaluated": "{workloads} has no evaluations; the ratings are {judgement}.",
    "not_both_evaluated": "{workloads} has no evaluations of both models, so that only the gain needed is told; the catalog's ratings are {judgement}.",
    "no_such_workload": "Evaluations of {names} are not used: there is no such workload here.{hint}",
    "not_planned": "Evaluations of {models} are not used: it is not planned here.",
    "not_tried": "{workloads} was not tried on {models}.",
    "cost_by_item": "{workloads}: a task costs what its items used on {models}, and what is projected on the others.",
    "cost_billed": "{workloads}: a task costs what its items were billed on {models}, at the prices of that time.",
    "token_use": "{workloads}: {models} is taken to need {factor:.2g} times ({low:.2g} to {high:.2g}) the tokens that are stated, as those of {reference}, by published costs of the same tasks.",
    "one_token_count": "{workloads}: {models} are taken to need the same tokens for a task, which nobody measured here; on the same published tasks models differ by up to {most:.1f} times. Items with tokens or cost_usd tell.",
    "refused_tasks": "Some calls of {workloads} do not fit the window of {models}. A refused one is a task here; count it as failed in the evaluations.",
    "rates_given": "Success rates are those given, and have no interval.",
    "rates_measured": "Success rates are those measured in {source}, half a success and half a failure added where nothing is published.",
    "rates_published": "Published results count in success rates as up to {items:.0f} items of one's own.",
    "same_tasks": "How often models solve and fail the same tasks is that of the {tasks:,} that all of them were tried on.{left}",
    "rescue_rates": "Rescue rates are given for {pairs}.",
    "unknown_dependence": "Nothing tells how often models fail the same tasks: the success of a cascade lies between what fully dependent and what independent failures bring; what is shown is {share:.0%} of the way to dependence, as models fail in public runs. Evaluations that name the items, or rescue_rates, tell.",
    "detector": "The detector errs equally often on every model, and every model is sent the same request.",
    "task_cost": "The cost of a task is expected spend / expected tasks of {span}.",
    "routed_items": "What a rule costs and brings is counted on the {items:,} items in {source} that both models were tried on.",
    "mean_of_items": "On {models} every task of a cascade costs the mean of the items; routing_curve counts each item as it is.",
    "conversations": "A task is a whole conversation; every model that is asked has one of its own.",
    # Planned against actual.
    "no_meters": "{source} states no usage by meter, as plan --format json does: what its spend has beyond prompt, cached and completion tokens at the prices of its catalog (cache writes, batches, fees, planned price changes) counts as planned price change.",
    "lengths_unstated": "Totals of a log do not state conversations; what longer or shorter ones of {workloads} resend stands under prompt tokens.",
    "plan_catalog_unknown": "{source} does not say which catalog it was made with; {catalog} is taken.",
    "days_scaled": "The log covers {days} of the {of} days of {month}; the plan is scaled to them.",
    "days_not_scaled": "The log covers {days} of the {of} days of {month}; the plan is not scaled to them.",
    "approved_differs": "{source} was approved at {approved} (kimi_planner {version}); planned again it is {now}, which is compared.",
    "no_planned_model": "No model is planned for {workloads}: nothing is planned there, and calls are unplanned.",
    "other_models_booked": "The bookable number of {source} is that of the models it recommends; for others what is expected is taken.",
    "not_held_at_list": 'The log is not held against the plan at the list in {currency}, as the plan is in USD; a workload file with currency = "{currency}" is held against it there.',
    "months_not_compared": "Planned months that the log does not cover are not compared: {span}, {usd}.",
    "reasoning_unstated": "Some rows of {workloads} do not state reasoning tokens; answer and reasoning are one cause there, answer tokens.",
    "unnamed_calls": "Calls that belong to no workload stand as {name}.",
    # A check.
    "catalog_changed": "The catalog changed: {old} -> {new}.",
    "paths_changed": "The paths changed: seed {old_seed} -> {new_seed}, paths {old_paths} -> {new_paths}. Part of a change of spend may be chance.",
    "version_changed": "The baseline is of kimi_planner {old}, this is {new}; what changed between them stands under the causes too.",
    "texts_left_out": "Not counted, though they look like prompts: {texts} with {tokens:,} tokens; --coverage lists them.",
    "no_content": "The baseline does not have what prompts say, so one with another name is new; --update-baseline writes it.",
    "not_compared": "Not compared with the baseline, because they cannot be read: {paths}.",
    "braces_as_text": "names in braces are counted as text, because nothing in the file shows that they are filled; give a style if they are",
    "base_config": "Of the commit that is compared with, {path} cannot be used ({why}): its prompts are those of today's configuration.",
    "base_is_newest": "This clone does not show where its history leaves {ref}; compared with the newest commit of it that is here.",
    "base_unread": "Not compared, because they cannot be read in the commit that is compared with: {paths}.",
    "no_month": "What {path} costs in a month is not known: {why}",
    "of_prompt": "{where}: {said}",
}


class Note(str):
    """A sentence that a reader of a result must know, with the data that it was made of.

    It is a `str`: it prints, joins and compares as its sentence.

    Attributes
    ----------
    code
        What it says, the same whatever the wording; a key of `SENTENCES`.
    about
        What its sentence names: tuples of names such as ``workloads`` and ``models``, and values.
    """

    code: str
    about: Mapping[str, Any]

    @property
    def workloads(self) -> tuple[str, ...]:
        """Names of the workloads that it is about; empty where it is about all or none."""
        return self.about.get("workloads", ())  # type: ignore[no-any-return]  # names, by its key

    @property
    def models(self) -> tuple[str, ...]:
        """Ids of the models that it is about; empty where it is about all or none."""
        return self.about.get("models", ())  # type: ignore[no-any-return]  # names, by its key

    def __deepcopy__(self, memo: object) -> Note:
        """Return the note itself, which nothing changes: frames copy what stands in ``attrs`` often."""
        return self


def note(code: str, **about: Any) -> Note:
    """Return the note of a code, its sentence filled.

    Parameters
    ----------
    code : str
        A key of `SENTENCES`.
    **about
        What the sentence names. Several names are joined by commas; ``workloads`` and ``models`` may
        be one name.

    Examples
    --------
    >>> said = note("no_followup_tokens", workloads="chat")
    >>> said
    'followup_tokens is not given, so each later turn adds as much as the first prompt: chat.'
    >>> said.code, said.workloads
    ('no_followup_tokens', ('chat',))
    """
    template = SENTENCES[code]
    about = {key: _kept(key, value) for key, value in about.items()}
    words = {k: ", ".join(v) if isinstance(v, tuple) else v for k, v in about.items()}
    names = words.get("workloads", "")
    words["of_workloads"] = f" of {names}" if names else ""
    text = template.format_map(words)
    if names and "workloads}" not in template:
        text = f"{text.removesuffix('.')}: {names}."
    said = Note(text)
    said.code, said.about = code, about
    return said


def noted(code: str, **about: Any) -> tuple[Note, ...]:
    """Return the note of a code, or none where it would name nothing: where names are empty."""
    said = note(code, **about)
    return (said,) if () not in said.about.values() else ()


def _kept(key: str, value: Any) -> Any:
    """Return names as a tuple, and any other value as it is."""
    if isinstance(value, str):
        return (value,) if key in ("workloads", "models") else value
    return tuple(value) if isinstance(value, Iterable) else value


def counted(number: float, noun: str) -> str:
    """Return a number of things.

    >>> counted(1, "check"), counted(2_000_000, "check"), counted(1.5, "day")
    ('1 check', '2,000,000 checks', '1.5 days')
    """
    return f"{number:,.10g} {noun}{'s' * (number != 1)}"
