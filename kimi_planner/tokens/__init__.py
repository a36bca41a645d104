"""Exact token counts.

The way of a text: `vocabulary` (proven by hash) -> `engine` -> `pieces` and `text`. Of a request:
`tools`, `images` and `template` -> `chat`. Of many files: `corpus`. Of a size alone: `sizes`.
"""
