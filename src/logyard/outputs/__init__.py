"""Ways out, one file per target."""
