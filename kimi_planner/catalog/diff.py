"""What differs between two catalogs, as changes that can be turned round and applied."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from kimi_planner.arguments import public
from kimi_planner.catalog.catalog import Catalog
from kimi_planner.catalog.load import load_catalog
from kimi_planner.catalog.model import ALL_PRICES, LIFECYCLE, WINDOWS, ModelSpec
from kimi_planner.catalog.provenance import Conflict
from kimi_planner.errors import CatalogError, shown
from kimi_planner.rich import Page, Shown, stated

_HEAD = tuple(one.name for one in fields(Catalog) if one.name != "models")
_MODEL = tuple(one.name for one in fields(ModelSpec) if one.name != "id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One field with two values; ``None`` where a catalog does not state it.

    Attributes
    ----------
    model
        Whose field it is; ``None`` for one of the whole catalog.
    """

    model: str | None
    field: str
    old: Any
    new: Any

    @property
    def relative(self) -> Decimal | None:
        """New over old less 1 for two numbers, else ``None``."""
        numbers = [
            Decimal(value)
            for value in (self.old, self.new)
            if isinstance(value, int | Decimal) and not isinstance(value, bool)
        ]
        if len(numbers) < 2 or not numbers[0]:
            return None
        return numbers[1] / numbers[0] - 1

    def reversed(self) -> Change:
        """Return the change back."""
        return replace(self, old=self.new, new=self.old)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterpart:
    """Two models of which a catalog states that they answer to each other.

    Attributes
    ----------
    old, new
        Ids in the two catalogs.
    changes
        Every field in which they differ.
    """

    old: str
    new: str
    reason: str
    changes: tuple[Change, ...]

    def reversed(self) -> Counterpart:
        """Return the same from the other side."""
        changes = (replace(one.reversed(), model=self.old) for one in self.changes)
        return replace(self, old=self.new, new=self.old, changes=tuple(changes))


@dataclass(frozen=True, kw_only=True, repr=False)
class CatalogDiff(Shown):
    """What turns one catalog into another.

    Attributes
    ----------
    old, new
        The versions.
    head
        Changes of the whole catalog: sources, conflicts, tax and the like.
    changed
        Changes of models that are in both, by id.
    removed, added
        Models that only the old, or only the new one has.
    order
        Ids of the old and of the new catalog, in their order.
    counterparts
        Pairs of a removed and an added model that a catalog states; never guessed from names.
    """

    old: str
    new: str
    head: tuple[Change, ...]
    changed: tuple[Change, ...]
    removed: tuple[ModelSpec, ...]
    added: tuple[ModelSpec, ...]
    order: tuple[tuple[str, ...], tuple[str, ...]]
    counterparts: tuple[Counterpart, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether the two catalogs are the same in everything."""
        return not (self.head or self.changed or self.removed or self.added) and (
            self.order[0] == self.order[1]
        )

    @property
    def common(self) -> tuple[str, ...]:
        """Ids that both catalogs have, in the order of the old one."""
        return tuple(name for name in self.order[0] if name in self.order[1])

    @property
    def prices(self) -> tuple[Change, ...]:
        """Changes of prices, also dated ones, and of the batch multiplier."""
        return self._of((*ALL_PRICES, "batch_multiplier", "price_periods"))

    @property
    def contexts(self) -> tuple[Change, ...]:
        """Changes of context windows and of tokens of output."""
        return self._of(WINDOWS)

    @property
    def capabilities(self) -> tuple[Change, ...]:
        """Changes of what models have and lack."""
        return self._of(("capabilities", "lacks"))

    @property
    def lifecycle(self) -> tuple[Change, ...]:
        """Changes of status, release, retirement and replacement."""
        return self._of(LIFECYCLE)

    @property
    def conflicts(self) -> tuple[tuple[Conflict, ...], tuple[Conflict, ...]]:
        """Conflicts that only the old, and that only the new catalog lists."""
        for one in self.head:
            if one.field == "conflicts":
                gone = tuple(item for item in one.old if item not in one.new)
                return gone, tuple(item for item in one.new if item not in one.old)
        return (), ()

    def _of(self, names: Iterable[str]) -> tuple[Change, ...]:
        known = set(names)
        return tuple(one for one in self.changed if one.field in known)

    def page(self) -> Page:
        """Return prices and windows that differ, of models in both and of counterparts."""
        changes = [(one.model, one) for one in self.changed]
        changes += [(f"{p.old} → {p.new}", one) for p in self.counterparts for one in p.changes]
        names = (*ALL_PRICES, *WINDOWS)
        rows = [
            {
                "model": model,
                "field": one.field,
                "old": _value_text(one.old),
                "new": _value_text(one.new),
                "relative_change": one.relative,
            }
            for model, one in changes
            if one.field in names
        ]
        ids = {word: [spec.id for spec in specs] for word, specs in self._sides()}
        notes = [f"{word}: {', '.join(names)}" for word, names in ids.items() if names]
        others = {one.field for one in (*(one for _, one in changes), *self.head)} - set(names)
        if others:
            notes.append(f"Other fields that differ: {', '.join(sorted(others))}")
        return Page(
            title=f"Catalog {self.old} to {self.new}: "
            + (
                "no difference" if self.is_empty else "prices in USD per million tokens, and tokens"
            ),
            frame=rows or None,
            notes=notes,
        )

    def _sides(self) -> tuple[tuple[str, tuple[ModelSpec, ...]], ...]:
        return (f"Only in {self.old}", self.removed), (f"Only in {self.new}", self.added)

    def reversed(self) -> CatalogDiff:
        """Return what turns the new catalog into the old one."""
        return CatalogDiff(
            old=self.new,
            new=self.old,
            head=tuple(one.reversed() for one in self.head),
            changed=tuple(one.reversed() for one in self.changed),
            removed=self.added,
            added=self.removed,
            order=self.order[::-1],
            counterparts=_sorted(one.reversed() for one in self.counterparts),
        )

    def apply(self, catalog: Catalog) -> Catalog:
        """Return the other catalog.

        Raises
        ------
        CatalogError
            If ``catalog`` is not the old one.
        """
        if catalog.ids != self.order[0]:
            raise CatalogError(
                f"The diff is from {self.old}, with models {', '.join(self.order[0])}; it cannot be applied "
                f"to {catalog.version}, with {', '.join(catalog.ids)}."
            )
        models = {spec.id: spec for spec in (*catalog.models, *self.added)}
        edits: dict[str, dict[str, Any]] = {}
        for one in self.changed:
            assert one.model is not None, "a change of a model"  # noqa: S101 - narrows the type
            self._refuse_other(getattr(models[one.model], one.field), one)
            edits.setdefault(one.model, {})[one.field] = one.new
        for spec in self.removed:
            if models[spec.id] != spec:
                raise CatalogError(
                    f"The diff is from {self.old}; {spec.id!r} of {catalog.version} is another. Make the "
                    "diff anew."
                )
        for one in self.head:
            self._refuse_other(getattr(catalog, one.field), one)
        return replace(
            catalog,
            models=tuple(replace(models[name], **edits.get(name, {})) for name in self.order[1]),
            **{one.field: one.new for one in self.head},
        )

    def _refuse_other(self, found: Any, one: Change) -> None:
        if found != one.old:
            where = f" of {one.model}" if one.model else ""
            raise CatalogError(
                f"The diff is from {self.old}, where {one.field}{where} is {shown(one.old)}, not "
                f"{shown(found)}. Make the diff anew."
            )


@public
def diff_catalogs(old: Catalog | str | Path, new: Catalog | str | Path) -> CatalogDiff:
    """Return what differs between two catalogs.

    Parameters
    ----------
    old, new : Catalog, str or Path
        What :func:`load_catalog` takes.

    Returns
    -------
    CatalogDiff
        Empty for a catalog and itself; ``diff_catalogs(b, a)`` is the reverse of
        ``diff_catalogs(a, b)``; applied to the old catalog it gives the new one.

    Raises
    ------
    CatalogError
        If one does not exist, or breaks a rule.

    Examples
    --------
    >>> found = diff_catalogs("2026-06", "2026-11-public")
    >>> [(one.old, one.new) for one in found.counterparts][:2]
    [('kimi-k2', 'kimi-k2-0711-preview'), ('kimi-k2-5', 'kimi-k2.5')]
    """
    first, second = load_catalog(old), load_catalog(new)
    before, after = ({spec.id: spec for spec in one} for one in (first, second))
    return CatalogDiff(
        old=first.version,
        new=second.version,
        head=_changes(None, first, second, _HEAD),
        changed=tuple(
            change
            for name in sorted(before.keys() & after.keys())
            for change in _changes(name, before[name], after[name], _MODEL)
        ),
        removed=tuple(spec for name, spec in before.items() if name not in after),
        added=tuple(spec for name, spec in after.items() if name not in before),
        order=(first.ids, second.ids),
        counterparts=_counterparts(first, second),
    )


def _value_text(value: Any) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return stated(value)


def _changes(
    model: str | None, old: object, new: object, names: Iterable[str]
) -> tuple[Change, ...]:
    pairs = ((name, getattr(old, name), getattr(new, name)) for name in names)
    return tuple(
        Change(model=model, field=name, old=before, new=after)
        for name, before, after in pairs
        if before != after
    )


def _counterparts(first: Catalog, second: Catalog) -> tuple[Counterpart, ...]:
    stated = {
        (one.model, one.other): one.reason
        for one in first.correspondences
        if one.catalog == second.version
    } | {
        (one.other, one.model): one.reason
        for one in second.correspondences
        if one.catalog == first.version
    }
    both = {*first.ids} & {*second.ids}
    return _sorted(
        Counterpart(
            old=old,
            new=new,
            reason=reason,
            changes=_changes(new, first.model(old), second.model(new), _MODEL),
        )
        for (old, new), reason in stated.items()
        if old in first.ids and new in second.ids and not both & {old, new}
    )


def _sorted(pairs: Iterable[Counterpart]) -> tuple[Counterpart, ...]:
    return tuple(sorted(pairs, key=lambda one: (one.old, one.new)))
