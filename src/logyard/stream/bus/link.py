"""What the bus asks of the thing that carries its letters."""

from collections.abc import Callable
from typing import Protocol

__all__ = ["Link", "Receive"]

Receive = Callable[[bytes], None]
"""Takes a letter; never raises."""


class Link(Protocol):
    """One channel for all nodes. On one event loop; after a ``NotNow`` comes ``close``, then ``open`` again."""

    limit: int
    """Bytes of the longest letter; known after ``open``."""

    async def open(self, receive: Receive) -> None:
        """Connect, and hear from now on. The own letters may come back. Raises ``NotNow`` within some seconds."""
        ...

    async def send(self, letter: bytes) -> None:
        """Hand a letter to the carrier. Raises ``NotNow`` within some seconds."""
        ...

    async def settle(self) -> None:
        """Return when the carrier has taken what was sent. Raises ``NotNow`` within some seconds, also when nothing
        more will be heard.
        """
        ...

    async def close(self) -> None:
        """Let go; never raises."""
        ...
