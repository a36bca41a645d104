"""Which calls of a log were seen: 8 bytes of memory a call, and on disk what else tells them apart."""

from __future__ import annotations

from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from typing import Any
from weakref import finalize

import numpy as np
import pandas as pd

from kimi_planner.errors import UsageError

#: Ids of calls, numbers that stand for their counts, and where they are; int64 of shape (3, n).
Calls = np.ndarray[Any, np.dtype[np.int64]]
Ids = np.ndarray[Any, np.dtype[np.int64]]
NO_CALLS: Calls = np.empty((3, 0), dtype=np.int64)

#: Ids are kept in so many parts, by their first bits, so that few are moved where some are added.
_PARTS = 16
_EDGES = (np.arange(1, _PARTS, dtype=np.int64) - _PARTS // 2) << 60
_IN_MEMORY = 1 << 22
_BLOCK = 3 * 8 << 16


class Seen:
    """The calls that were seen, in the order of the log."""

    def __init__(self) -> None:
        self._runs: list[list[Ids]] = [[] for _ in range(_PARTS)]
        self._again: list[Ids] = []
        self._told: set[int] = set()
        self._file = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - closed with this
        finalize(self, self._file.close)

    def __getstate__(self) -> Calls:
        return self.calls

    def __setstate__(self, calls: Calls) -> None:
        self.__init__()  # type: ignore[misc]  # an empty one, to which all is added
        self.add(calls)

    @property
    def calls(self) -> Calls:
        """Return all calls, each where it was seen first."""
        calls = np.concatenate([NO_CALLS, *self._written()], axis=1)
        return calls[:, ~pd.Series(calls[0]).duplicated().to_numpy()]

    def add(self, calls: Calls) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Add calls, and return which of them are new, the first of each id.

        Raises
        ------
        UsageError
            If there is no room for what tells them apart.
        """
        ids = calls[0]
        is_new = np.ones(len(ids), dtype=bool)
        ordered = np.sort(ids)
        parts = np.split(ordered, np.searchsorted(ordered, _EDGES))
        is_again = np.append(False, ordered[1:] == ordered[:-1])[: len(ids)]
        start = 0
        for runs, part in zip(self._runs, parts, strict=True):
            for run in runs:
                is_again[start : start + len(part)] |= places_in(run, part) >= 0
            start += len(part)
        if is_again.any():
            again = np.unique(ordered[is_again])
            known = np.concatenate([
                again[places >= 0] for runs in self._runs for run in runs
                if (places := places_in(run, again)).size
            ] or [again[:0]])  # fmt: skip
            is_new = ~(pd.Series(ids).duplicated().to_numpy() | np.isin(ids, known))
            self._again.append(again)
            ordered = np.sort(ids[is_new])
            parts = np.split(ordered, np.searchsorted(ordered, _EDGES))
        for runs, part in zip(self._runs, parts, strict=True):
            if part.size:
                _add_run(runs, part)
        try:
            self._file.seek(0, 2)
            self._file.write(np.ascontiguousarray(calls.T).data)
        except OSError as error:
            raise UsageError(
                f"no room for the ids of the calls in the folder for temporary files ({error}). Name another "
                "one: TMPDIR=FOLDER."
            ) from None
        return is_new

    def contradictions(self) -> Iterator[tuple[int, int]]:
        """Yield where a call stands that was seen first elsewhere with other counts, and where; once."""
        if not self._again:
            return
        again = np.unique(np.concatenate(self._again))
        self._again.clear()
        first = np.zeros((2, len(again)), dtype=np.int64)
        is_known = np.zeros(len(again), dtype=bool)
        for calls in self._written():
            at = places_in(again, calls[0])
            marks, places, at = calls[1, at >= 0], calls[2, at >= 0], at[at >= 0]
            own, rows = np.unique(at, return_index=True)
            own, rows = own[~is_known[own]], rows[~is_known[own]]
            first[:, own], is_known[own] = (marks[rows], places[rows]), True
            differs = marks != first[0, at]
            pairs = zip(places[differs].tolist(), first[1, at[differs]].tolist(), strict=True)
            for place, other in pairs:
                if place not in self._told:
                    self._told.add(place)
                    yield place, other

    def _written(self) -> Iterator[Calls]:
        self._file.seek(0)
        while block := self._file.read(_BLOCK):
            yield np.frombuffer(block, dtype=np.int64).reshape(-1, 3).T


def places_in(known: Ids, ids: Ids) -> Ids:
    """Return where each id stands among sorted ones, -1 for one that is not there."""
    if not known.size:
        return np.full(len(ids), -1)
    at = np.minimum(np.searchsorted(known, ids), len(known) - 1)
    return np.where(known[at] == ids, at, -1)


def _add_run(runs: list[Ids], ids: Ids) -> None:
    """Add sorted ids to sorted runs, longer and shorter ones, so that few are ever merged."""
    runs.append(ids.copy())
    while len(runs) > 1 and len(runs[-2]) < 2 * len(runs[-1]):
        runs[-2:] = [np.sort(np.concatenate(runs[-2:]), kind="stable")]
