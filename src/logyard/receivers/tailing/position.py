"""Where a file stands, for statistics and metrics."""

import msgspec

from logyard.receivers.tailing.followed import Followed

__all__ = ["Position", "position"]


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """One file."""

    path: str
    source: str
    offset: int
    lag_bytes: int
    """What lies in it unread; of a compressed file it is not known, and 0."""
    lag_seconds: float
    """Since when it has had something unread."""
    unknown_format: int = 0
    """Its source's records that no format fitted, since this process began."""
    parse_errors: int = 0
    """Its source's records that are not in the format that the settings name."""
    trouble: str = ""


def position(file: Followed, now: float) -> Position:
    """Of the file, at the monotonic time ``now``."""
    known = file.known
    lag = 0 if known.finished or file.is_packed else max(0, known.size - known.offset)
    return Position(
        path=known.path,
        source=known.source,
        offset=known.offset,
        lag_bytes=lag,
        lag_seconds=max(0.0, now - file.changed_at) if lag else 0.0,
        unknown_format=file.tally.unknown,
        parse_errors=file.tally.errors,
        trouble=file.trouble,
    )
