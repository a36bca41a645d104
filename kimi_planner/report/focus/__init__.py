"""FOCUS 1.2 rows of token charges: of what a log cost, and, marked, of what a plan expects."""
