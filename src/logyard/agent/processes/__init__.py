"""Plain processes, kept as an engine keeps containers: for hosts and tests without one."""
