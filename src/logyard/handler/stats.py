"""What became of the records: counts that only rise, and what waits."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Stats"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Stats:
    """A moment of one handler. Every record is in exactly one place: sent, dropped, waiting or spooled."""

    sent: int = 0
    """Acknowledged by the server."""
    dropped: Mapping[str, int] = field(default_factory=Counter)
    """By reason: ``full`` (no room, and the policy says so), ``refused`` (the server will never take them), ``exit``
    (the end of the program came first), ``spool`` (the spool is full or broken)."""
    waiting: int = 0
    """In memory."""
    spooled: int = 0
    """In files, of this process."""
    requests: int = 0
    retries: int = 0
    last_error: str = ""
    """What the latest failed request met; "" after a good one."""
