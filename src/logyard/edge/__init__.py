"""Collecting and shipping: receivers that run by themselves, outputs, and the process that is only these."""
