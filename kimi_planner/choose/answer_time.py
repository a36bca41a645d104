"""How long a model takes for an answer, as its trials or its catalog tell it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kimi_planner.calls.sizes import CallSizes
from kimi_planner.catalog import ModelSpec
from kimi_planner.choose.evaluations.read import Trials
from kimi_planner.workload import Workload
from kimi_planner.workload.quantity import number_text


@dataclass(frozen=True, kw_only=True)
class AnswerTime:
    """How long answers take from the request to the last token.

    Attributes
    ----------
    p50_seconds, p90_seconds
        Percentiles over single calls: half, and nine of ten, are complete within these.
    is_least
        Whether it may take longer, as the time to the first token is not known.
    source
        What it rests on, in words.
    """

    p50_seconds: float
    p90_seconds: float
    is_least: bool
    source: str


def answer_time(
    workload: Workload, spec: ModelSpec, trials: Trials | None = None
) -> AnswerTime | None:
    """Return how long answers to the calls of a workload take, ``None`` if nothing tells.

    Notes
    -----
    Where every item of the trials has its seconds, and a task is one call, it is their percentiles.
    Else it is ``completion tokens / tokens per second``, reasoning included, over the calls of the
    workload. A catalog states the speed once measured and no time to the first token, so that this
    is the least.

    Examples
    --------
    >>> from kimi_planner.catalog import load_catalog
    >>> chat = Workload(name="chat", requests_per_day=9, prompt_tokens=900, completion_tokens=244,
    ...                 reasoning_tokens=0)
    >>> answer_time(chat, load_catalog("2026-11-public-3").model("kimi-k3.1-pro")).p90_seconds
    4.0
    >>> answer_time(chat, load_catalog("2026-06").model("kimi-k2")) is None
    True
    """
    load = workload.resolve()
    seconds = trials.of_items("seconds") if trials is not None and load.sizes.calls == 1 else {}
    if seconds:
        p50, p90 = np.quantile(list(seconds.values()), [0.5, 0.9]).tolist()
        source = f"measured on {len(seconds):,} items"
        return AnswerTime(p50_seconds=p50, p90_seconds=p90, is_least=False, source=source)
    speed = spec.output_tokens_per_second
    if speed is None:
        return None
    completion = CallSizes.on(load.sizes, spec.profile).drawn().completion
    p50, p90 = (
        np.quantile(np.asarray(completion, dtype=float), [0.5, 0.9]) / float(speed)
    ).tolist()
    return AnswerTime(
        p50_seconds=p50,
        p90_seconds=p90,
        is_least=True,
        source=f"{number_text(speed)} tokens a second, catalog {spec.catalog_version}",
    )
