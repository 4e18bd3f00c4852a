"""One server of the cluster: its wire, and whether it is of use at present.

A server is of use when it answers, is the replica it should be, and has the tables of this version. That is looked at
once a second in the background, and at once when a statement met a broken connection.
"""

import threading
from typing import Final

from logyard.store.cluster.failures import Slow
from logyard.store.cluster.schema import bring_up, is_replicated
from logyard.store.cluster.topology import Place, check_place
from logyard.store.cluster.url import ClusterUrl
from logyard.store.cluster.wire import NO_DATABASE, Wire

__all__ = ["Node"]

_MISSES: Final = 2
"""Silences in a row after which it counts as away: one may be a busy machine's."""


class Node:
    """Any thread."""

    def __init__(self, place: Place, url: ClusterUrl) -> None:
        """Of no use until ``check`` has found it well."""
        self.slot = place.slot
        self.wire = Wire(place.address, url)
        self.trouble = "has not been reached yet"
        """Why it is of no use; "" while it is."""
        self.departures = 0
        """How often it has been found away; grows before ``trouble`` is set."""
        self._url = url
        self._misses = 0
        self._admitted = False
        self._replicated = False
        self._checks = 0
        self._lock = threading.Lock()

    def __str__(self) -> str:
        """For messages: ``s1r2 (h2:8123)``."""
        return f"{self.slot} ({self.wire.address})"

    def check(self) -> None:
        """Look at it now, or wait for whoever does. Never raises."""
        seen = self._checks
        with self._lock:
            if self._checks != seen:
                return
            self._checks += 1
            try:
                self.wire.query("SELECT 1", NO_DATABASE, seconds=self._url.patience)
                if not self._admitted:
                    self._admit()
            except Slow as error:
                self._misses += 1
                if self._misses >= _MISSES:
                    self._leave(error)
            except Exception as error:  # noqa: BLE001 - a server may say anything, and whoever looks after it must go on
                self._leave(error)
            else:
                self._misses = 0
                self.trouble = ""

    def synchronise(self) -> None:
        """Wait for what other replicas have: a token that one of them had is dropped here before its part arrives."""
        if self._replicated:
            self.wire.execute(f"SYSTEM SYNC REPLICA logs{self._url.suffix} LIGHTWEIGHT")

    def _admit(self) -> None:
        check_place(self.wire, self.slot, self._url.cluster)
        self._replicated = bool(self._url.cluster) and is_replicated(self.wire)
        bring_up(self.wire, self._url, replicated=self._replicated)
        self._admitted = True

    def _leave(self, error: Exception) -> None:
        self.departures += 1
        self.trouble = str(error) or repr(error)
        self._admitted = False
        self.wire.cut()
