"""Let levels pass, and change which while running."""

from pathlib import Path

import msgspec
import polars as pl

from logyard.pipeline.gate import Gate, Levels
from logyard.registry import component

__all__ = ["LevelFilter", "LevelFilterConfig"]


class LevelFilterConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``minimum``: the lowest level that passes. ``services``: another one for some services. A record without a level
    passes.

    Both can be changed while running: with ``PUT /api/v1/admin/levels``, and in ``file``, a TOML file with the same two
    settings, which then counts instead of them; it is read again when it has changed, and what is put over HTTP is
    written to it.
    """

    minimum: str = "INFO"
    services: dict[str, str] = {}
    file: str = ""


_EXAMPLE = """\
minimum = "INFO"
file = "levels.toml"

[services]
checkout = "DEBUG"
"""


@component("level_filter", config=LevelFilterConfig, example=_EXAMPLE)
class LevelFilter:
    """Leave out records below a level, which can be changed while running."""

    def __init__(self, config: LevelFilterConfig) -> None:
        """Raises ``BadConfig`` for what is no level."""
        levels = Levels(minimum=config.minimum, services=config.services)
        self.gate = Gate(levels, Path(config.file) if config.file else None)

    def __call__(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The records that pass."""
        return frame.filter(self.gate.passes(frame))
