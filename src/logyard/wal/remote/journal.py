"""What the log on a quorum asks of the thing that keeps it: one journal per node, messages in one order."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

__all__ = ["Entry", "Journal", "Span"]


class Entry(NamedTuple):
    """A message to write, and its name: the same name is the same message again."""

    id: str
    data: bytes


class Span(NamedTuple):
    """Sequences of the messages there are: first and last. Sequences rise, perhaps with gaps."""

    first: int
    last: int


class Journal(Protocol):
    """Blocking. The methods that write are called from one thread, the others from any.

    ``NotNow`` of any kind comes within a bounded time (``timeout`` in the URL).
    """

    name: str
    """Told apart from every other journal that feeds the same store."""

    limit: int
    """Bytes of the longest message."""

    capacity: int
    """Bytes that it may hold, beyond which ``append`` raises ``Backpressure``; -1: no limit of its own."""

    def claim(self, entry: Entry) -> Span:
        """Write behind everything there is, and let nobody who was there before write any more.

        What there is now, that message included. Raises ``StoreFailed`` when the journal cannot be had.
        """
        ...

    def read(self, span: Span) -> Iterator[tuple[int, bytes]]:
        """The messages of a span, in order, with their sequences. Raises ``StoreFailed``."""
        ...

    def append(self, entries: Sequence[Entry]) -> Sequence[int]:
        """Return their sequences when all are kept on a quorum, in order, right behind the last that this process
        wrote.

        Raises ``NotNow``: it is unknown which of them are kept, and ``refresh`` must come next.
        """
        ...

    def refresh(self) -> bytes:
        """After a failed ``append``: find the end anew; what follows is written behind it.

        The last message there is; empty when it cannot be had. Raises ``NotNow``.
        """
        ...

    def load(self) -> Mapping[str, int]:
        """The cursors that were saved last, after ``claim``: whoever was there before saves none any more.

        Raises ``StoreFailed``.
        """
        ...

    def save(self, cursors: Mapping[str, int]) -> None:
        """Keep the cursors on a quorum. Raises ``NotNow``: perhaps they are not."""
        ...

    def purge(self, through: int) -> None:
        """Nobody needs the messages up to this sequence any more. Raises ``NotNow``."""
        ...

    def close(self) -> None:
        """Nothing may be called afterwards."""
        ...
