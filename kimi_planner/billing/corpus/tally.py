"""What is counted so far of a corpus: by file, by model, and what could not be counted."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from itertools import islice

from kimi_planner.billing.corpus.records import Record, Reject
from kimi_planner.billing.corpus.result import FileCount
from kimi_planner.billing.meters import Usage
from kimi_planner.billing.tariff import Tariff
from kimi_planner.catalog import Catalog
from kimi_planner.money import exact_decimal, plain
from kimi_planner.tokens.text import count_many

BATCH_CHARS = 1_000_000
BATCH_TEXTS = 20_000
MAX_MESSAGES = 1_000


class Tally:
    """Counts so far, with the texts that wait to be counted together."""

    def __init__(self, engine_name: str) -> None:
        self.rejected = 0
        self.messages: list[str] = []
        self._engine = engine_name
        self._counts: dict[int, tuple[FileCount, Counter[str | None]]] = {}
        self._texts: list[str] = []
        self._owners: list[tuple[FileCount, str | None, int]] = []
        self._chars = 0

    def add(self, file: FileCount, record: Record | Reject) -> None:
        """Take a record of a file, or count that there was one that cannot be counted."""
        file.size_bytes += record.size
        if isinstance(record, Reject):
            file.rejected += 1
            self.reject(record.message)
            return
        file.rows = (file.rows or 0) + record.is_new
        self._count(file, record.model, record.fixed_tokens)
        self._owners.append((file, record.model, len(record.texts)))
        self._texts += record.texts
        self._chars += sum(map(len, record.texts))
        if self._chars >= BATCH_CHARS or len(self._texts) >= BATCH_TEXTS:
            self.flush()

    def flush(self) -> None:
        """Count the texts that wait."""
        counts = iter(count_many(self._texts, self._engine))
        for file, model, texts in self._owners:
            self._count(file, model, sum(islice(counts, texts)))
        self._texts, self._owners, self._chars = [], [], 0

    def reject(self, message: str) -> None:
        """Count what could not be counted, and keep the reason."""
        self.rejected += 1
        if len(self.messages) < MAX_MESSAGES:
            self.messages.append(message)

    def fail(self, file: FileCount, message: str) -> None:
        """Take back what was counted of a file that cannot be read to its end: it is no total."""
        self.flush()
        self.drop(file)
        self.reject(message)

    def drop(self, file: FileCount) -> None:
        """Leave a file out of the totals."""
        self._counts.pop(id(file), None)
        file.tokens = file.rows = None

    def by_model(self) -> Counter[str | None]:
        """Return the tokens of all files by model; ``None`` is plain text."""
        self.flush()
        together: Counter[str | None] = Counter()
        for _, counts in self._counts.values():
            for model, tokens in counts.items():  # `update` and `+` would drop or skip zeros
                together[model] += tokens
        return together

    def _count(self, file: FileCount, model: str | None, tokens: int) -> None:
        file.tokens = (file.tokens or 0) + tokens
        self._counts.setdefault(id(file), (file, Counter()))[1][model] += tokens


def costs(by_model: Counter[str | None], catalog: Catalog, model: str | None) -> dict[str, Decimal]:
    """Return the exact cost as input: plain text on each model, chat bodies on their own."""
    found: dict[str, Decimal] = {}
    for spec in catalog.select(model):
        counts = [by_model[key] for key in (None, spec.id) if key in by_model]
        if counts and spec.input_usd_per_mtok is not None:
            total = Tariff.of(spec).bill(Usage.of(sum(counts), 0)).total
            found[spec.id] = plain(exact_decimal(total))  # of no tokens at all it is no decimal
    return found
