"""What counting a corpus gives: totals, files, and every row that could not be counted."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from kimi_planner.errors import needs
from kimi_planner.money import usd_text
from kimi_planner.rich import Page, Shown

if TYPE_CHECKING:
    import pandas as pd


@dataclass(slots=True, kw_only=True)
class FileCount:
    """One file of a corpus.

    Attributes
    ----------
    path, form
        The file, and how it was read.
    rows, tokens
        Rows counted (1 for a text) and their tokens; ``None`` if the file could not be read to its
        end, and for the files of a sample, which are not counted one by one.
    size_bytes
        Bytes of its rows that were read, unpacked.
    rejected
        Rows that could not be counted.
    """

    path: str
    form: str
    rows: int | None = 0
    size_bytes: int = 0
    tokens: int | None = 0
    rejected: int = 0


@dataclass(frozen=True, kw_only=True, repr=False)
class CorpusCount(Shown):
    """Tokens of a corpus.

    Attributes
    ----------
    tokens
        Exact total, or the expected total of a sample.
    low, high
        95% confidence interval of a sample; both are ``tokens`` where all was counted.
    share_read
        Share of the corpus whose tokens were counted.
    rows
        Rows counted; of a sample, those of its part.
    size_bytes
        Bytes of the corpus, unpacked.
    files
        Each file.
    rejected
        Rows and files that could not be counted; they are not in the total. Of a sample, those of
        its part.
    messages
        Why, with file and line; at most the first 1,000.
    left_out
        Binary files found in folders, which hold no text.
    cost_usd
        Model id to the exact cost of sending everything once as input (for a sample, of the
        expected total); chat bodies cost on their own model only.
    catalog_version, seed
        Whose prices, and the seed of a sample (``None`` where all was counted).
    """

    tokens: int
    low: int
    high: int
    share_read: float
    rows: int
    size_bytes: int
    files: tuple[FileCount, ...]
    rejected: int
    messages: tuple[str, ...]
    left_out: int = 0
    cost_usd: dict[str, Decimal] = field(default_factory=dict)
    catalog_version: str = ""
    seed: int | None = None

    @property
    def frame(self) -> pd.DataFrame:
        """One row per file: ``path``, ``form``, ``rows``, ``size_bytes``, ``tokens``, ``rejected``."""
        with needs("pandas"):
            import pandas as pd

        names = list(FileCount.__dataclass_fields__)
        frame = pd.DataFrame(map(asdict, self.files), columns=names)
        return frame.astype({"rows": "Int64", "tokens": "Int64"})

    def sentence(self) -> str:
        """Return the total in one sentence, with its interval where it is a sample."""
        if self.seed is None:
            total = f"{self.tokens:,} tokens in {self.rows:,} rows of {len(self.files):,} files"
        else:
            low, high = _short(self.low, self.high)
            total = f"{low} to {high} tokens (95%), {_percent(self.share_read)} read"
        if self.rejected:
            read = "" if self.seed is None else " of what was read"
            total += f"; {self.rejected:,}{read} could not be counted and are not in it"
        if self.left_out:
            total += f"; {self.left_out:,} binary files left out"
        return f"{total}."

    def __str__(self) -> str:
        return self.sentence()

    def page(self) -> Page:
        """Return the total, what it costs as input, and the tokens of each file."""
        costs = ", ".join(f"{model} {usd_text(cost)}" for model, cost in self.cost_usd.items())
        drawn = "" if self.seed is None else f", seed {self.seed}"
        return Page(
            title=self.sentence() + f" Sent once as input, USD: {costs}." * bool(costs),
            frame=[asdict(one) for one in self.files],
            columns=("path", "rows", "tokens", "size_bytes", "rejected", "form"),
            notes=self.messages,
            provenance=f"Catalog {self.catalog_version}{drawn}." * bool(self.catalog_version),
        )


def _short(low: int, high: int) -> tuple[str, str]:
    """Write two numbers in thousands, millions or billions, with the digits that tell them apart."""
    unit, name = next(
        (unit, name)
        for unit, name in ((10**9, " B"), (10**6, " M"), (10**3, " k"), (1, ""))
        if high >= unit or unit == 1
    )
    places = 0 if unit == 1 else 1
    while unit > 10**places and (high - low) * 10**places < 2 * unit:
        places += 1
    return f"{low / unit:,.{places}f}{name}", f"{high / unit:,.{places}f}{name}"


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.01 else f"{share * 100:.2g}%"
