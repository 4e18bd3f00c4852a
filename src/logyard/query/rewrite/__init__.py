"""Rewrites of queries: independent passes, one file each."""
