"""The mixed-integer program: one option for each workload, under linear rows; solved by HiGHS."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from kimi_planner.workload.quantity import Array

#: Rows and values are scaled to this size, so that the tolerances of HiGHS, which are absolute and
#: at most a millionth, are a ten-thousand-millionth of a budget.
SCALE = 1e4
NODES = 20_000
INFEASIBLE = 2
#: A row that holds is never cut off by rounding.
SLACK = 1e-10


@dataclass(frozen=True, eq=False)
class Row:
    """Sum of ``weights`` over what is chosen, at most ``most``; one weight for each option.

    Each unit of `Program`'s spare variable adds ``spare`` to the most.
    """

    weights: Array
    most: float
    spare: float = 0.0

    @classmethod
    def of(cls, parts: Iterable[Sequence[float] | Array], most: float) -> Row:
        """Join the weights of each workload."""
        return cls(np.concatenate([np.asarray(part, float) for part in parts]), most)


@dataclass(frozen=True, eq=False)
class Answer:
    """A choice that HiGHS found, if any, and the bound that it proved.

    Attributes
    ----------
    chosen : list of ndarray, or None
        For each workload, the share of each option; ``None`` if none was found before it stopped.
    bound
        No choice that meets the rows has a larger value; minus infinity if there is none.
    """

    chosen: list[Array] | None
    bound: float


@dataclass(frozen=True, eq=False)
class Program:
    """One option for each workload, or shares of them if ``split``.

    Attributes
    ----------
    sizes
        Number of options of each workload.
    split
        Whether shares may be fractions.
    """

    sizes: tuple[int, ...]
    split: bool = False

    def largest(self, values: Array, rows: Sequence[Row], *, gap: float = 0.0) -> Answer:
        """Find the choice with the largest value that meets all rows.

        Each unit of the spare variable, which is not below 0, takes 1 from the value.

        Parameters
        ----------
        values : ndarray, shape (n_options,)
            Value of each option.
        rows : sequence of Row
            What must hold.
        gap
            Relative gap at which HiGHS may stop.
        """
        rows = [row for row in rows if row.most < np.inf]  # the others hold for every choice
        count = sum(self.sizes)
        width = count + any(row.spare for row in rows)  # no spare variable where no row has it
        is_option = np.arange(width) < count
        top = float(np.abs(values).max()) * len(self.sizes) or 1.0
        columns = np.arange(count, dtype=np.int32)  # older versions of HiGHS take no other
        places = np.repeat(np.arange(len(self.sizes), dtype=np.int32), self.sizes)
        one_each = csr_array((np.ones(count), (places, columns)), shape=(len(self.sizes), width))
        constraints = [LinearConstraint(one_each, 1, 1)]
        if rows:
            weights = np.stack([np.append(row.weights, -row.spare)[:width] for row in rows])
            most = np.array([row.most for row in rows])
            size = np.where(most == 0, np.abs(weights).max(axis=1), np.abs(most)) / SCALE
            size[size == 0] = 1.0
            constraints.append(
                LinearConstraint(
                    csr_array(weights / size[:, None]), -np.inf, most / size + SCALE * SLACK
                )
            )
        with silent():
            found = milp(
                np.append(-values, 1.0)[:width] * (SCALE / top),
                constraints=constraints,
                integrality=None if self.split else is_option.astype(int),
                bounds=Bounds(0, np.where(is_option, 1.0, np.inf)),
                options={"mip_rel_gap": gap, "node_limit": NODES},
            )
        if found.x is None:  # infeasible, or stopped by the limit of nodes or trouble with numbers
            return Answer(None, -np.inf if found.status == INFEASIBLE else np.inf)
        bound = -found.fun if self.split else -found.mip_dual_bound
        return Answer(np.split(found.x[:count], np.cumsum(self.sizes)[:-1]), bound * top / SCALE)


@contextmanager
def silent() -> Iterator[None]:
    """Keep HiGHS, which in some versions prints a line of its own, from writing into our output.

    It writes to the file descriptor behind the back of Python, through a buffer of C.
    """
    try:
        sys.stdout.flush()
        flush = ctypes.CDLL(None).fflush
        flush(None)
        kept = os.dup(1)
    except (AttributeError, OSError, TypeError, ValueError):  # no stdout, or none like this
        yield
        return
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.close(nowhere)
        yield
    finally:
        flush(None)
        os.dup2(kept, 1)
        os.close(kept)
