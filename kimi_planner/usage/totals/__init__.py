"""Logs added up, exactly, by any keys, and what the totals cost."""
