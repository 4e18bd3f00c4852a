"""Formats that are data: one TOML file each (``formats/lines/pattern.py`` says what may stand in it)."""
