"""Bytes or lines into a batch, one file per format."""
