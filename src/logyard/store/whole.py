"""The one sink of a store that is one piece."""

from logyard.ports import Parcel, SinkState, Store
from logyard.types import Nanoseconds

__all__ = ["WholeSink"]


class WholeSink:
    """``ports.Sink``: takes every parcel, and is always ready."""

    name = "store"
    state: SinkState = "ready"
    trouble = ""

    def __init__(self, store: Store) -> None:
        """Parcels go to ``store.insert``."""
        self._store = store

    def wants(self, token: str, received: Nanoseconds) -> bool:
        """Everything."""
        return True

    def insert(self, parcel: Parcel) -> None:
        """Into the store."""
        self._store.insert(parcel)

    def passed(self, position: int) -> None:
        """Nothing depends on it."""
