"""What the web server is given: everything its routes call, and nothing that they could reach around it."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from logyard.clock import Clock
from logyard.config import Config
from logyard.model.ids import LogIds
from logyard.pipeline.gate import Gates
from logyard.pipeline.statistics import Processing
from logyard.ports import StoreStats
from logyard.receivers.http_intake import HttpRoute
from logyard.serve.http.searching import Searching
from logyard.store.backup import Backup
from logyard.store.holdings import Holdings
from logyard.stream.opening import Tails
from logyard.telemetry import Telemetry
from logyard.types import Nanoseconds

__all__ = ["Services", "nothing"]


def nothing() -> Mapping[str, str]:
    """No state worth a word."""
    return {}


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """The parts behind the routes; ``app.py`` fills it in."""

    search: Searching
    tails: Tails
    """Live tails."""
    ids: LogIds
    clock: Clock
    telemetry: Telemetry
    config: Config
    stats: Callable[[], StoreStats]
    """Blocking; called in a worker thread."""
    ready: Callable[[], Mapping[str, str]] = nothing
    """What is not ready, by part, and why; empty when all is. Cheap."""
    soft: Callable[[], Mapping[str, str]] = nothing
    """What is wrong but stops nobody (``redis``: away since ...), by part. Cheap."""
    nodes_lag: Callable[[], str] = str
    """How far the other nodes of the bus may lag, for the header of answers; empty where there is no bus. Cheap."""
    holdings: Holdings | None = None
    """Rows by partition; without it there are no routes of administration."""
    backup: Callable[[str, Nanoseconds, bool], Backup] | None = None
    """Back up to a place, everything received before a moment; True for a full one. Blocking."""
    gates: Gates = {}
    """Levels of the pipeline that can be changed, by step."""
    processing: Processing | None = None
    """What the pipeline has done."""
    receivers: Sequence[HttpRoute] = ()
    """What the HTTP receivers brought."""
