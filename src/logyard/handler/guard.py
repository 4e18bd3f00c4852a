"""Whether this thread is at work for a handler already: what is logged meanwhile would come back for ever."""

import threading
from typing import Final

__all__ = ["guard"]


class _Guard(threading.local):
    inside = False


guard: Final = _Guard()
"""``guard.inside`` is True on a sender's thread, and on a caller's while a record is caught."""
