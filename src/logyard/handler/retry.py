"""When to send again: full jitter, ``Retry-After``, and a circuit that opens after failures in a row. Pure."""

from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["Outcome", "Pause", "after", "fate"]

Fate = Literal["sent", "again", "smaller", "never"]

_FIRST_SECONDS: Final = 0.25
_MOST_SECONDS: Final = 30.0
_MOST_WISHED: Final = 300.0
"""A server may ask for no longer pause than this."""
_OPENS_AFTER: Final = 5
_NEVER_AGAIN: Final = range(400, 500)
_TOO_LARGE: Final = 413
_PASSING: Final = frozenset({408, 421, 425, 429})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one request came to. ``status`` 0: no answer that could be understood."""

    status: int
    detail: str = ""
    retry_after: float = 0.0
    refused: int = 0
    """Records that the server named as bad in a batch that it took."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Between attempts. ``until``: on the monotonic clock."""

    failures: int = 0
    until: float = 0.0

    @property
    def open(self) -> bool:
        """Whether the server is taken for dead: the end of the program tries once more and does not wait."""
        return self.failures >= _OPENS_AFTER


def fate(status: int) -> Fate:
    """What becomes of a batch that was answered so."""
    if 200 <= status < 300:  # noqa: PLR2004 - the class of success
        return "sent"
    if status == _TOO_LARGE:
        return "smaller"
    return "never" if status in _NEVER_AGAIN and status not in _PASSING else "again"


def after(pause: Pause, outcome: Outcome, *, now: float, chance: float) -> Pause:
    """The pause after a failure. ``chance``: evenly from 0 to 1."""
    bound = min(_MOST_SECONDS, _FIRST_SECONDS * 2**pause.failures) if pause.failures < 32 else _MOST_SECONDS  # noqa: PLR2004 - no overflow
    wait = max(chance * bound, min(outcome.retry_after, _MOST_WISHED))
    return Pause(pause.failures + 1, now + wait)
