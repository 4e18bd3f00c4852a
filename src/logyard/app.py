"""The composition root: draws the wiring, and does it.

    [[receivers]] ──► Edge ────────┐              ┌──► Edge ──► [[outputs]]
    serve/http ──► receivers ──► WalInlet ──► Chain ──► Buffer ──► Drains ──► Store: embedded, or a cluster
        │                           │                    │ durable here       │ findable here
        │                           └──► Bus ──► Hub ──► tails, Redis         │
        └──► Search ─── settle: waits for the drains ─────────────────────────┘

A mode is which sections of the configuration are filled in. Starting goes from the store outwards, stopping from the
listener inwards: first nobody new, then what is under way, then the log to the disk, then the store.
"""

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

import msgspec
import uvloop
from litestar.types import ASGIApp

from logyard import registry
from logyard.clock import Clock, SystemClock
from logyard.config import Config
from logyard.edge.stats import watch_files
from logyard.edge.wiring import Edge
from logyard.errors import Backpressure, BadConfig
from logyard.formats.json.lines import LineLimits
from logyard.ingest.inlet import WalInlet
from logyard.model.ids import LogIds
from logyard.pipeline.chain import Chain
from logyard.pipeline.statistics import Processing
from logyard.ports import Store
from logyard.query.budget import Budget
from logyard.query.run import QueryRequest
from logyard.query.search import Search
from logyard.receivers.http_intake import HttpReceiver, HttpRoute, Intake
from logyard.serve.http.listener import HttpServer, Listening
from logyard.serve.http.server import build
from logyard.serve.http.services import Services
from logyard.store.backup import Backup, back_up
from logyard.store.descend import storage_of
from logyard.store.holdings import Holdings
from logyard.store.places import open_place
from logyard.stream.history import TailRequest
from logyard.stream.hub import Hub, Limits
from logyard.stream.opening import Tails
from logyard.stream.stored import StoredRows
from logyard.telemetry import Telemetry
from logyard.types import Json, Nanoseconds
from logyard.wiring.background import background
from logyard.wiring.engine import Engine, StuckStoreError, inlet, open_engine
from logyard.wiring.nodes import open_bus, open_redis
from logyard.wiring.states import soft, unready, watch

__all__ = ["Running", "run", "running", "serve"]

_SWITCH_SECONDS: Final = 0.0005
"""How long a thread may keep Python's lock while the event loop waits for it; the default of 5 ms shows in p99."""
_GARBAGE_OBJECTS: Final = 20_000
"""New objects before the collector looks at the young ones; a request makes dozens, and hardly any cycles."""
_LAST_PORT: Final = 65_535
_LOOPBACK: Final = {"127.0.0.1", "::1", "localhost"}
_log = logging.getLogger("logyard")


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """A Logyard that answers."""

    url: str
    """"" without a listener."""
    web: ASGIApp
    """The web application: everything that can be asked over HTTP, for whoever is in this process."""
    search: Search
    inlet: WalInlet
    telemetry: Telemetry


def run(config: Config, announce: Callable[["Running"], None] | None = None, *, idle: bool = False) -> None:
    """``logyard up``: serve until SIGINT or SIGTERM, then drain. Raises ``LogyardError`` when it cannot start.

    ``idle``: as ``running`` has it.
    """
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    sys.setswitchinterval(_SWITCH_SECONDS)
    try:
        uvloop.run(serve(config, announce, idle=idle))
    except StuckStoreError:
        _log.exception("stopping hard")
        logging.shutdown()
        os._exit(1)  # the engine's threads would hold an orderly exit for ever


async def serve(config: Config, announce: Callable[[Running], None] | None = None, *, idle: bool = False) -> None:
    """The same on a loop of one's own. ``announce`` is called once, when requests are answered."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    async with running(config, idle=idle) as logyard:
        # What is loaded by now stays: a full collection over it (0.1 s) would stall every request that waits.
        gc.collect()
        gc.freeze()
        gc.set_threshold(_GARBAGE_OBJECTS, 10, 10)
        if announce is not None:
            announce(logyard)
        await stopping.wait()


@asynccontextmanager
async def running(
    config: Config, *, store: Store | None = None, listen: bool = True, idle: bool = False
) -> AsyncIterator[Running]:
    """Everything, wired and started; stopped on the way out.

    ``store``: another than the embedded one. ``listen``: without it nothing is on a socket (``inprocess.py``).
    ``idle``: it collects nothing and sends nothing, and leaves in the log what others have yet to send.
    """
    clock, telemetry = SystemClock(), Telemetry()
    async with AsyncExitStack() as stack:
        edge = Edge(config, clock=clock, telemetry=telemetry, idle=idle)
        engine = await open_engine(config, store, edge, telemetry=telemetry, stack=stack)
        hub = Hub(limits=Limits.of(config.tail), nth=engine.ids.nth, telemetry=telemetry, clock=clock)
        await stack.enter_async_context(background(hub.run(), "live"))
        bus = await open_bus(config, hub, engine=engine, parts=(clock, telemetry), stack=stack)
        processing = Processing(clock)
        chain = Chain.of(config.pipeline, telemetry, statistics=processing)
        way_in = inlet(engine, bus or hub, chain=chain, clock=clock, telemetry=telemetry)
        search = _search(config, engine, clock)
        redis = await open_redis(config, hub, engine=engine, telemetry=telemetry, stack=stack)
        services = Services(
            search=search,
            tails=Tails(hub, _stored(search, engine.ids, clock), clock=clock, ids=engine.ids),
            ids=engine.ids,
            clock=clock,
            telemetry=telemetry,
            config=config,
            stats=engine.store.stats,
            holdings=Holdings(engine.store),
            backup=_backup(config, engine.store) if not config.store else None,
            ready=lambda: unready(engine),
            soft=lambda: {**soft(engine, redis, bus), **_away(edge)},
            nodes_lag=bus.lag if bus is not None else str,
            gates=chain.gates(),
            processing=processing if chain else None,
            receivers=_receivers(config, way_in, ids=engine.ids, telemetry=telemetry),
        )
        web = build(services)
        stack.callback(way_in.close)
        url = await _listening(config, web, stack) if listen else ""
        await stack.enter_async_context(edge.running(way_in))
        stack.callback(hub.close)  # before the server: open tails would hold its stop
        watch(engine, telemetry)
        if config.receivers:
            watch_files(telemetry, edge)
        processing.watch(telemetry)
        yield Running(url=url, web=web, search=search, inlet=way_in, telemetry=telemetry)


async def _listening(config: Config, web: ASGIApp, stack: AsyncExitStack) -> str:
    """The URL under which the application answers from now on."""
    host, port = _address(config.listen)
    server = HttpServer(web, Listening(host=host, port=port, drain_seconds=config.http.drain_seconds))
    await stack.enter_async_context(server)
    if host not in _LOOPBACK:
        _log.warning("%s is not loopback: whoever reaches it can read and write (there are no keys yet)", host)
    return f"http://{host}:{server.port}"


def _away(edge: Edge) -> Mapping[str, str]:
    """Outputs that take nothing at the moment."""
    return {f"output {name}": why for name, why in edge.troubles.items()}


def _search(config: Config, engine: Engine, clock: Clock) -> Search:
    async def settle() -> None:
        """A store that is slow must not answer with less than there is; one that takes nothing must still answer."""
        seconds = config.query.settle_seconds
        if await engine.drains.settle(seconds) or engine.drains.trouble:
            return
        rows = engine.wal.stats().backlog_rows
        raise Backpressure(f"{rows} acknowledged records are not findable after {seconds:g} s (query.settle_seconds)")

    return Search(engine.store, settle=settle, budget=Budget(config.query), clock=clock, show_id=engine.ids.text)


def _stored(search: Search, ids: LogIds, clock: Clock) -> StoredRows:
    """The stored side of live tails."""

    def ask(query: str, request: TailRequest) -> AsyncIterator[list[dict[str, Json]]]:
        return search.rows(
            QueryRequest(
                query=query,
                start=request.start,
                limit=request.limit,
                dialect=request.dialect,
                tenant=request.tenant,
                ids=True,
            )
        )

    return StoredRows(ask, parse_id=ids.parse, clock=clock)


def _receivers(config: Config, inlet: WalInlet, *, ids: LogIds, telemetry: Telemetry) -> Sequence[HttpRoute]:
    """The routes of every receiver that lives inside the web server."""
    limits = LineLimits(line_bytes=config.ingest.line_bytes, fields=config.ingest.fields, depth=config.ingest.depth)
    intake = Intake(inlet=inlet, ids=ids, telemetry=telemetry, limits=limits, body_bytes=config.http.body_bytes)
    given = {str(each.get("type")): each for each in config.receivers}
    http = (name for name in registry.names("receivers") if hasattr(registry.load("receivers", name).make, "routes"))
    made = (registry.build("receivers", given.get(name, {"type": name}), path="receivers") for name in http)
    return [route for receiver in made if isinstance(receiver, HttpReceiver) for route in receiver.routes(intake)]


def _backup(config: Config, store: Store) -> Callable[[str, Nanoseconds, bool], Backup]:
    def backup(to: str, now: Nanoseconds, full: bool) -> Backup:  # noqa: FBT001 - as ``Services`` has it
        return back_up(store, open_place(to, storage_of(config)), now=now, full=full)

    return backup


def _address(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    if not port.isdigit() or int(port) > _LAST_PORT:
        raise BadConfig(f"{listen!r} is not HOST:PORT", path="listen")
    return host.strip("[]") or "127.0.0.1", int(port)
