"""A format as settings name it: one of ours, or grok expressions of somebody's own."""

from collections.abc import Mapping, Sequence

from logyard.formats.lines.pattern import Pattern, PatternFile
from logyard.ports import LineFormat

__all__ = ["named_or_own"]


def named_or_own(name: str, grok: Sequence[str], types: Mapping[str, str]) -> str | LineFormat:
    """``grok``, tried in order, where there are any; else ``name``. Raises ``BadConfig`` for what cannot be read."""
    if not grok:
        return name
    return Pattern("grok", PatternFile(summary="Own.", rank=0, regex=tuple(grok), types=dict(types)))
