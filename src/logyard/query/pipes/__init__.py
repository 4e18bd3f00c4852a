"""One file per pipe."""
