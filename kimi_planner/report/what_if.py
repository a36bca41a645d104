"""The numbers that the what-if panel of a page computes with."""

from __future__ import annotations

import json
from decimal import Decimal

from kimi_planner.choose.recommendation import Recommendation
from kimi_planner.plan.response import Response

__all__ = ["what_if_json"]


def what_if_json(response: Response, recommendation: Recommendation) -> str:
    """Return the response as JSON that can stand inside a page.

    Amounts are whole thousandths of tokens, and USD as decimal text, so that the page computes the
    same sums as `Response.usd`. Where all stops of reasoning are alike, there is one.
    """
    projection = response.projection
    best = recommendation.best
    fixed = {model for (_, model, *_), amounts in response.amounts.items() if amounts.is_fixed}
    data = {
        "months": len(projection.months),
        "outputs": [_text(stop) for stop in response.outputs],
        "reasonings": [_text(stop) for stop in response.reasonings],
        "models": [
            {
                "id": spec.id,
                "input": _stated(spec.input_usd_per_mtok),
                "cached": _stated(spec.cached_input_usd_per_mtok),
                "output": _stated(spec.output_usd_per_mtok),
                "fixed": spec.id in fixed,
            }
            for spec in projection.specs
        ],
        "workloads": [
            {
                "name": name,
                "recommended": projection.models.index(best[name]) if name in best else None,
                "amounts": [_grid(response, name, model) for model in projection.models],
            }
            for name in recommendation.names
        ],
    }
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _grid(response: Response, workload: str, model: str) -> list[list[list[str]]]:
    grid = []
    for output in response.outputs:
        found = [response.amounts[workload, model, output, one] for one in response.reasonings]
        cells = [
            [str(one.uncached), str(one.cached), str(one.output), _text(one.other_usd)]
            for one in found
        ]
        grid.append(cells[:1] if all(cell == cells[0] for cell in cells) else cells)
    return grid


def _stated(price: Decimal | None) -> str | None:
    return None if price is None else _text(price)


def _text(number: Decimal) -> str:
    return f"{number:f}"
