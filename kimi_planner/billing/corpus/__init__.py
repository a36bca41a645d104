"""Counting corpora: `inputs` finds files, `records` reads them, `count` counts all, `sample` a part."""

from kimi_planner.billing.corpus.count import count_corpus
from kimi_planner.billing.corpus.result import CorpusCount, FileCount

__all__ = ["CorpusCount", "FileCount", "count_corpus"]
