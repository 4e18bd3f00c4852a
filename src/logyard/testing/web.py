"""The whole web side on a real socket, with parts in memory behind it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from logyard.clock import Clock, SystemClock
from logyard.config import Config
from logyard.formats.json.line import LineLimits
from logyard.model.ids import SequentialIds
from logyard.ports import StoreStats
from logyard.receivers.http_intake import Intake
from logyard.receivers.http_json import HttpJson, HttpJsonConfig
from logyard.receivers.http_jsonline import HttpJsonline, HttpJsonlineConfig
from logyard.receivers.http_replica import HttpReplica, HttpReplicaConfig
from logyard.serve.http.listener import HttpServer, Listening
from logyard.serve.http.server import build
from logyard.serve.http.services import Services
from logyard.stream.chunk import Chunk
from logyard.stream.history import TailRequest
from logyard.stream.hub import Hub, Limits
from logyard.stream.opening import Tails
from logyard.stream.recent import Behind
from logyard.telemetry import Telemetry
from logyard.testing.inlet import MemoryInlet
from logyard.testing.search import MemorySearch

__all__ = ["Web", "web"]

_STATS = StoreStats(rows=3, bytes_on_disk=10, bytes_uncompressed=45, parts=1, partitions=1, oldest=None, newest=None)


class _NothingStored:
    async def newest(self, request: TailRequest, behind: Behind | None) -> Chunk:
        return Chunk(ids=(), lines=())


class _Ids(SequentialIds):
    """1, 2, 3 ... and from 1 again when a test begins."""

    def restart(self) -> None:
        super().__init__()


class Web:
    """A running server and the parts that a test turns."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self.ids = _Ids()
        self.telemetry = Telemetry()
        self.inlet = MemoryInlet(self.ids)
        self.search = MemorySearch(self.inlet)
        self.missing: dict[str, str] = {}
        """What ``/readyz`` finds missing."""
        self.soft: dict[str, str] = {}
        self.config = config
        self.clock = clock
        self.port = 0

    def reset(self) -> None:
        """As new, but for what telemetry has counted."""
        self.ids.restart()
        self.inlet.reset()
        self.search.reset()
        self.missing.clear()
        self.soft.clear()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def services(self) -> Services:
        """The same parts as the routes see them."""
        ingest = self.config.ingest
        limits = LineLimits(line_bytes=ingest.line_bytes, fields=ingest.fields, depth=ingest.depth)
        intake = Intake(
            inlet=self.inlet,
            ids=self.ids,
            telemetry=self.telemetry,
            limits=limits,
            body_bytes=self.config.http.body_bytes,
        )
        hub = Hub(limits=Limits(), nth=self.ids.nth, telemetry=self.telemetry, clock=self.clock)
        receivers = (HttpJson(HttpJsonConfig()), HttpJsonline(HttpJsonlineConfig()), HttpReplica(HttpReplicaConfig()))
        return Services(
            search=self.search,
            tails=Tails(hub, _NothingStored(), clock=self.clock, ids=self.ids),
            ids=self.ids,
            clock=self.clock,
            telemetry=self.telemetry,
            config=self.config,
            stats=lambda: _STATS,
            ready=lambda: self.missing,
            soft=lambda: self.soft,
            receivers=[route for receiver in receivers for route in receiver.routes(intake)],
        )


@asynccontextmanager
async def web(config: Config | None = None, listening: Listening | None = None) -> AsyncIterator[Web]:
    """Start it on a free port of the loopback, stop it at the end."""
    running = Web(config or Config(), SystemClock())
    async with HttpServer(build(running.services()), listening or Listening(drain_seconds=1)) as server:
        running.port = server.port
        yield running
