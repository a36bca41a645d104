"""Exact token counts.

The way of a text: `vocabulary` (proven by hash) -> `engine` -> `pieces` and `text`. Of a request:
`messages` and `requests` -> `templates` -> `chat`. Of a size alone: `sizes`.
"""

from kimi_planner.lazy import public_names

__all__, __getattr__, __dir__ = public_names(
    __name__,
    {
        "tokens.auditing": "Audit audit",
        "tokens.chat": "count_completion count_messages",
        "billing.corpus.count": "count_corpus",
        "billing.corpus.result": "CorpusCount",
        "tokens.prompts.parts": "PromptTemplate",
        "tokens.prompts.ranges": "TokenRange token_range",
        "tokens.prompts.read": "read_templates",
        "tokens.sizes": "SizeEstimate size_kinds tokens_from_bytes",
        "tokens.text": "count_tokens count_tokens_batch",
    },
)
