"""The expected cost of one request, split into what it is billed for."""
