"""Exact token counts: `vocabulary` proven by hash, `engine` for text, `chat` for conversations."""
