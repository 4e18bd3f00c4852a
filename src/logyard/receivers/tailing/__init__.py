"""Following files: what is there, what became of what was there, what to read next, and what is remembered of it."""
