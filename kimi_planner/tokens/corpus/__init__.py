"""Counting corpora: `inputs` finds files, `records` reads them, `count` counts all, `sample` a part."""

from kimi_planner.tokens.corpus.count import count_corpus
from kimi_planner.tokens.corpus.result import CorpusCount, FileCount

__all__ = ["CorpusCount", "FileCount", "count_corpus"]
