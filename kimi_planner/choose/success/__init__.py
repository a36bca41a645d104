"""What a solved task costs on each model, how sure that is, and what it is worth."""
