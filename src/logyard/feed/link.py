"""One node of a group: its storage, whether it answers, what it does not have yet, and the thread that cares for that.

    starting ──► behind ──► ready          behind: it answers, and is being compared with the others
        └──► away ──┘  ◄─────┘             away: it does not answer; asked again every ``health_seconds``

A node that has been away is compared before it counts as ready, however short the outage: what waited for it here may
not be all that it missed.
"""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Literal, TypeVar

import msgspec

from logyard.clock import Clock
from logyard.errors import BadInput, LogyardError, NotNow, StoreFailed
from logyard.feed.backlog import Backlog, Waiting
from logyard.feed.block import Block
from logyard.feed.storage import Storage
from logyard.types import Nanoseconds

__all__ = ["FAILURES", "Link", "LinkSettings", "LinkState", "LinkStatus"]

FAILURES = (NotNow, StoreFailed)
"""What says that a node is away."""
LinkState = Literal["starting", "behind", "ready", "away"]
Answer = TypeVar("Answer")
_log = logging.getLogger("logyard.feed")


class LinkSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How patient a link is."""

    health_seconds: float = 1.0
    """Between two looks at whether the node answers."""
    backlog: int = 100_000
    """Entries that wait for a node; beyond them it is compared when it is back."""


class LinkStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a node."""

    name: str
    state: LinkState
    writes: bool
    """Entries are accepted there first."""
    trouble: str
    """Why it is away; "" when it is not."""
    load: int
    """Calls under way."""
    lag_entries: int
    """Entries that are known to be missing there."""
    lag_seconds: float
    """Age of the oldest of them; 0 when none is missing."""
    refused: int
    """Entries that it will not take, for reasons of its own."""


class Link:
    """Any thread, concurrently."""

    def __init__(self, name: str, storage: Storage, *, settings: LinkSettings, clock: Clock) -> None:
        """Begins with ``start``. The storage is the link's to close."""
        self.name = name
        self.storage = storage
        self._settings = settings
        self._clock = clock
        self._state: LinkState = "starting"
        self._trouble = ""
        self._load = 0
        self._refused = 0
        self._owed = 0
        self._owed_since = 0
        self._backlog = Backlog(settings.backlog)
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._looked = threading.Event()
        self._suspect = False
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._catch_up: Callable[[Link], None] = lambda _: None

    # ------------------------------------------------------------------------------------------ what is known

    @property
    def state(self) -> LinkState:
        """Whether it answers, and whether it has all."""
        return self._state

    @property
    def load(self) -> int:
        """Calls under way."""
        return self._load

    @property
    def complete(self) -> bool:
        """It has everything that this process has acknowledged."""
        return self._state == "ready" and not (self._backlog.rows or self._backlog.skipped or self._owed)

    def status(self, *, writes: bool) -> LinkStatus:
        """Everything, as of now."""
        with self._lock:
            missing = self._backlog.rows + self._backlog.skipped + self._owed
            since = [each for each in (self._backlog.oldest, self._owed and self._owed_since) if each]
            return LinkStatus(
                name=self.name,
                state=self._state,
                writes=writes,
                trouble=self._trouble,
                load=self._load,
                lag_entries=missing,
                lag_seconds=max(0.0, (self._clock.now() - min(since)) / 1e9) if since else 0.0,
                refused=self._refused,
            )

    # ------------------------------------------------------------------------------------------ what is asked of it

    def call(self, work: Callable[[Storage], Answer]) -> Answer:
        """Do something with the storage now; a failure says that the node is away."""
        with self._lock:
            self._load += 1
        try:
            return work(self.storage)
        except FAILURES as error:
            self.fail(error)
            raise
        finally:
            with self._lock:
                self._load -= 1

    def write(self, block: Block, *, fresh: bool) -> None:
        """Write it now; ``fresh`` as ``Storage`` has it."""
        self.call(lambda storage: storage.write([block], fresh=fresh))

    def offer(self, block: Block) -> Future[None]:
        """Write it when the node can take it."""
        with self._lock:
            written = self._backlog.add(block)
            if self._state == "away" and not written.done():
                written.set_exception(NotNow(f"{self.name} is away: {self._trouble}"))
        self._wake.set()
        return written

    def owe(self, rows: int, since: Nanoseconds) -> None:
        """Comparing found so many records missing (or brought them, when negative)."""
        with self._lock:
            self._owed_since = min(self._owed_since, since) if self._owed else since
            self._owed = max(0, self._owed + rows)

    def fail(self, error: LogyardError) -> None:
        """The node does not answer as it should: it is away until it does."""
        with self._lock:
            self._state, self._trouble = "away", str(error).partition("\n")[0]
            self._suspect = True
            self._backlog.disappoint(error)
        self._looked.set()

    # ------------------------------------------------------------------------------------------ its thread

    def start(self, catch_up: Callable[["Link"], None]) -> None:
        """Begin to care; ``catch_up`` compares the node with its siblings."""
        self._catch_up = catch_up
        self._thread = threading.Thread(target=self._run, name=f"feed {self.name}", daemon=True)
        self._thread.start()

    def looked(self, seconds: float) -> bool:
        """Wait until it is known whether the node answers."""
        return self._looked.wait(seconds)

    def stop(self) -> None:
        """Stop caring; what waits is not written. The storage stays open."""
        self._stopping = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping:
            try:
                self._round()
            except FAILURES as error:
                self.fail(error)
            except Exception as error:  # noqa: BLE001 - a node that nobody cares for would lag in silence
                _log.exception("%s: what nobody has foreseen", self.name)
                self.fail(StoreFailed(repr(error)))
            self._wake.wait(self._settings.health_seconds)
            if self._state == "away" and not self._stopping:
                self._pause()
            self._wake.clear()

    def _pause(self) -> None:
        """New blocks do not make a node that is away be asked more often."""
        until = self._clock.monotonic() + self._settings.health_seconds
        while not self._stopping and (left := until - self._clock.monotonic()) > 0:
            self._wake.clear()
            self._wake.wait(left)

    def _round(self) -> None:
        if self._state != "ready" or self._backlog.skipped or self._suspect:
            self._suspect = False
            self.storage.ping()
            self._become("behind")
            skipped = self._backlog.skipped
            self._catch_up(self)
            with self._lock:
                self._backlog.skipped -= skipped
        elif not self._backlog.rows:
            self.storage.ping()
        while not self._stopping and (waiting := self._next()):
            self._write(waiting)
        if not self._backlog.skipped:
            self._become("ready")

    def _become(self, state: LinkState) -> None:
        """Unless a call has failed in the meantime: then the node must be compared again."""
        with self._lock:
            if not self._suspect:
                self._state, self._trouble = state, ""
        self._looked.set()

    def _next(self) -> list[Waiting]:
        with self._lock:
            return self._backlog.next()

    def _write(self, waiting: list[Waiting]) -> None:
        try:
            self.storage.write([each.block for each in waiting])
        except BadInput as error:
            self._write_singly(waiting, error)
            return
        with self._lock:
            self._backlog.done(waiting)

    def _write_singly(self, waiting: list[Waiting], error: BadInput) -> None:
        """One of several is the reason: the others are written."""
        if len(waiting) > 1:
            for each in waiting:
                self._write([each])
            return
        with self._lock:
            self._refused += waiting[0].block.rows
            self._backlog.done(waiting, error)
