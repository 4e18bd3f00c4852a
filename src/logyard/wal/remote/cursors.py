"""Where the readers of a remote log stand: in memory, and a moment later beside the journal.

``set`` returns at once; a thread of its own saves the whole table and then purges what all have passed. A crash in
between gives the readers the same segments again, under the same tokens.
"""

import threading
from collections.abc import Mapping
from typing import Final

from logyard.errors import NotNow
from logyard.wal.cursor import is_cursor_name
from logyard.wal.remote.journal import Journal
from logyard.wal.remote.spool import Taken

__all__ = ["RemoteCursors"]

_AGAIN_SECONDS: Final = 1.0


class RemoteCursors:
    """``cursor.CursorTable``. Any thread."""

    def __init__(self, journal: Journal, taken: Taken) -> None:
        """Empty until ``begin``."""
        self._journal = journal
        self._taken = taken
        self._changed = threading.Condition()
        self._next: dict[str, int] = {}
        self._saved: dict[str, int] = {}
        self._purge = self._purged = 0
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="buffer-cursors", daemon=True)

    def begin(self, last: int) -> None:
        """Take up what was saved, for a journal that has been claimed and ends at ``last``. Raises ``StoreFailed``."""
        end = 2 * last + 2
        # One that lies beyond the end is of another journal of the same name: nothing has been passed here.
        self._next = {name: number if number <= end else 0 for name, number in self._journal.load().items()}
        self._saved = dict(self._next)
        self._thread.start()

    def all(self) -> Mapping[str, int]:
        """Number of the next segment by cursor."""
        return dict(self._next)

    def next(self, name: str) -> int:
        """Number of the next segment that ``name`` wants. Raises ``KeyError``."""
        return self._next[name]

    def low(self) -> int:
        """Every cursor has passed what lies below; 0 without cursors."""
        return min(self._next.values(), default=0)

    def set(self, name: str, number: int) -> None:
        """Move. Raises ``ValueError`` for a bad name."""
        if not is_cursor_name(name):
            raise ValueError(f"{name!r} is no name for a cursor")
        with self._changed:
            self._next = {**self._next, name: number}
            self._changed.notify_all()

    def pass_over(self, name: str, number: int) -> None:
        """The same: nothing is written at once anyway."""
        self.set(name, number)

    def remove(self, name: str) -> None:
        """Forget the reader."""
        with self._changed:
            self._next = {other: number for other, number in self._next.items() if other != name}
            self._changed.notify_all()

    def close(self, seconds: float) -> None:
        """Save what has changed, for at most so many seconds."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join(seconds)

    def _run(self) -> None:
        while (table := self._changed_table()) is not None:
            if not self._keep(table) and self._closes_within(_AGAIN_SECONDS):
                return

    def _changed_table(self) -> dict[str, int] | None:
        """The table when it is another than the saved one; None when nothing more will come."""
        with self._changed:
            self._changed.wait_for(lambda: self._closing or self._next != self._saved)
            return self._next if self._next != self._saved else None

    def _closes_within(self, seconds: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._closing, seconds)

    def _keep(self, table: dict[str, int]) -> bool:
        """Save, then purge; False: later again."""
        self._purge = max(self._purge, self._taken.through(min(table.values(), default=0)))
        try:
            self._journal.save(table)
            self._saved = table
            if self._purge > self._purged:
                self._journal.purge(self._purge)
                self._purged = self._purge
        except NotNow:
            return False
        return True
