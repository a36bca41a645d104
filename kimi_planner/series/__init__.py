"""A log as a series in time: what it shows, how it grows, and how far what follows strays from it."""
