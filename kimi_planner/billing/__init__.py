"""What a bill has lines for, what each costs, and the cost of one call."""
