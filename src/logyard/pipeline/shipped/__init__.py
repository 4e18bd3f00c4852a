"""Pipelines that are ready to use, as data: one TOML file each, in the language of the configuration."""
