"""Which page of how many an export is, where it says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kimi_planner.usage.dialects import spelled

_HOLDERS = ("meta", "metadata", "pagination", "page", "links", "paging", "result_info", "cursors")
_PAGE = ("page", "current_page", "page_number")
_PAGES = ("total_pages", "pages", "page_count", "last_page")
_SIZE = ("page_size", "per_page", "limit", "count")
_TOTAL = ("total", "total_items", "total_count")
_MORE = ("has_more", "has_next_page", "has_next")
_NEXT = ("next_page", "next_cursor", "next_page_token", "next_token", "next", "after", "cursor", "next_page_url")  # fmt: skip


def page_of(value: Mapping[str, Any]) -> Iterator[tuple[int | None, int | None, bool | None]]:
    """Yield number of the page and of all pages, or whether there are more, as often as it is said."""
    for key, inner in value.items():
        if isinstance(inner, dict) and spelled(key) in _HOLDERS:
            yield from page_of(inner)
    names = {spelled(key): one for key, one in value.items()}
    page = _first(names, _PAGE, int)
    pages, size, total = (_first(names, one, int) for one in (_PAGES, _SIZE, _TOTAL))
    if pages is None and total is not None and size:
        pages, page = -(-total // size), 1 if page is None else page
    if page is not None and pages is not None:
        yield page, pages, None
    more = _first(names, _MORE, bool)
    if more is not None or _first(names, _NEXT, str):
        yield None, None, more is not False


def _first(names: Mapping[str, Any], wanted: tuple[str, ...], kind: type) -> Any:
    return next((names[name] for name in wanted if type(names.get(name)) is kind), None)
