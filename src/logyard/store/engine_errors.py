"""What the engine's exceptions mean here: the one place where its codes are read."""

import re
from typing import Final

from logyard.errors import (
    Backpressure,
    BadQuery,
    DiskFull,
    LogyardError,
    QueryTimeout,
    QueryTooLarge,
    StoreFailed,
)

__all__ = ["meaning"]

_CODE: Final = re.compile(r"Code: (\d+)")
_TIMEOUT: Final = {159, 160}
_TOO_LARGE: Final = {158, 307, 396, 241, 198, 191}
_BUSY: Final = {202, 252}
_DISK: Final = {243, 1000000}
_QUERY: Final = {
    6, 8, 10, 16, 27, 36, 41, 42, 43, 44, 46, 47, 49, 50, 53, 60, 62, 63, 69, 70, 81, 115, 130, 131, 134, 137, 153, 164,
    179, 184, 190, 206, 215, 279, 386, 407, 427, 446, 452, 457, 497, 636,
}  # fmt: skip
_NO_SPACE: Final = ("No space left on device", "Disk quota exceeded", "errno: 28", "os error 28", "Cannot reserve")
_NO_DESCRIPTOR: Final = ("Too many open files", "errno: 24", "os error 24")
_LONGEST: Final = 600


def meaning(error: Exception, *, query: str = "") -> LogyardError:
    """The error of ours for one of the engine's. ``query`` is what the user asked, if a user did."""
    text = _short(str(error))
    found = _CODE.search(text)
    code = int(found[1]) if found else 0
    if code in _DISK or any(sign in text for sign in _NO_SPACE):
        return DiskFull(f"the store's disk is full: {text}", retry_after=5)
    if any(sign in text for sign in _NO_DESCRIPTOR):
        return Backpressure(f"too many open files (raise the limit, see 'logyard doctor'): {text}", retry_after=5)
    if code in _TIMEOUT:
        return QueryTimeout(f"longer than query.timeout allows: {text}")
    if code in _TOO_LARGE:
        return QueryTooLarge(f"more than the query limits allow: {text}")
    if code in _BUSY:
        return Backpressure(f"the store is busy: {text}")
    if query and code in _QUERY:
        return BadQuery(text)
    return StoreFailed(text)


def _short(text: str) -> str:
    """The engine repeats the whole query in its messages; the reader wants the reason."""
    reason = text.split(": In scope ", 1)[0].split(": while ", 1)[0]
    return reason if len(reason) <= _LONGEST else reason[:_LONGEST] + " ..."
