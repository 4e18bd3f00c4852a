"""A replica as a sink of the drain, and which replicas queries may be answered from.

Logyard itself writes every replica of a shard, each from its own cursor of the log: what a replica missed while it was
away waits there, and no server keeps a spool. A replica that was away, or that refused a parcel, is *behind* until it
has what its siblings have; no query is answered from it meanwhile. In the regular flow replicas are apart by a
segment or two: there a query waits for all of them (``ingest/drains.py``).
"""

import threading
from collections.abc import Callable, Sequence

from logyard.errors import LogyardError
from logyard.ports import Parcel, SinkState
from logyard.store.cluster.failures import Away
from logyard.store.cluster.node import Node
from logyard.store.cluster.pinning import Pins
from logyard.types import Nanoseconds

__all__ = ["Replica", "Shard", "ready"]


class Replica:
    """``ports.Sink`` for one server."""

    def __init__(self, node: Node, pins: Pins, store: Callable[[Node, Parcel], None]) -> None:
        """``store`` sends a parcel's part of the shard to the server."""
        self.node = node
        self.name = f"store.{node.slot}"
        self.position = -1
        """Up to which the log is here; -1 until the drain has said it."""
        self.siblings: Shard = Shard([self])
        self._pins = pins
        self._store = store
        self._refused = False
        self._steady_since = -1
        """``node.departures`` when it was seen to have what its siblings have; -1: not yet."""

    @property
    def state(self) -> SinkState:
        """Whether queries see what it has."""
        if self.node.trouble:
            return "away"
        return "ready" if self.is_steady or self.position >= self.siblings.furthest else "behind"

    @property
    def trouble(self) -> str:
        """Why it is not ready."""
        if self.node.trouble:
            return self.node.trouble
        return "" if self.state == "ready" else f"{self.node} takes what it has missed"

    @property
    def is_steady(self) -> bool:
        """Whether it takes parcels as they come since it last had all that its siblings had."""
        return not self._refused and self._steady_since == self.node.departures

    def wants(self, token: str, received: Nanoseconds) -> bool:
        """What its shard wants."""
        return self._pins.wants(self.node.slot.shard, token, received)

    def insert(self, parcel: Parcel) -> None:
        """Store its shard's part of the parcel."""
        try:
            if self.node.trouble:
                raise Away(self.node.trouble)
            self._store(self.node, parcel)
        except LogyardError as error:
            self._refused, self._steady_since = True, -1
            if isinstance(error, Away):
                self.node.check()
            raise
        self._refused = False

    def passed(self, position: int) -> None:
        """Everything up to ``position`` is here."""
        self.position = position
        self.siblings.review()

    def steady(self) -> None:
        """It has what its siblings have."""
        if not self._refused:
            self._steady_since = self.node.departures


class Shard:
    """The replicas of one shard."""

    def __init__(self, replicas: Sequence[Replica]) -> None:
        """They get to know each other with ``join``."""
        self.replicas = replicas
        self._lock = threading.Lock()

    def join(self) -> "Shard":
        """Make each of them a sibling of the others."""
        for replica in self.replicas:
            replica.siblings = self
        return self

    @property
    def number(self) -> int:
        """From 1."""
        return self.replicas[0].node.slot.shard

    @property
    def furthest(self) -> int:
        """The position of the furthest."""
        return max(replica.position for replica in self.replicas)

    def review(self) -> None:
        """Somebody came further: who has all that there is?"""
        with self._lock:
            furthest = self.furthest
            if any(replica.position < 0 for replica in self.replicas):
                return  # not all have said how far they are
            for replica in self.replicas:
                if replica.position >= furthest and not replica.node.trouble:
                    replica.steady()


def ready(shard: Shard) -> list[Node]:
    """The servers of a shard that a query may be answered from. Raises ``Away``, which names the shard."""
    found = [replica.node for replica in shard.replicas if replica.state == "ready"]
    if found:
        return found
    raise Away(f"shard {shard.number} is away: {'; '.join(replica.trouble for replica in shard.replicas)}")
