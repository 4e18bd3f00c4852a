"""The composition root: draws the wiring, and does it.

    [[receivers]] ──► Edge ────────┐             ┌──► Edge ──► [[outputs]]
    serve/http ──► receivers ──► WalInlet ──► Chain ──► Wal ──► Drain ──► EmbeddedStore
        │                           │                    │ durable here      │ findable here
        │                           └──► Hub ──► tails, Redis                │
        └──► Search ─── settle: waits for the drain ─────────────────────────┘

A mode is which sections of the configuration are filled in. Starting goes from the store outwards, stopping from the
listener inwards: first nobody new, then what is under way, then the log to the disk, then the store.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec
import uvloop

from logyard import registry
from logyard.clock import Clock, SystemClock
from logyard.config import Config
from logyard.edge.wiring import Edge
from logyard.errors import Backpressure, BadConfig, StoreFailed
from logyard.formats.json.lines import LineLimits
from logyard.ingest.dead_letter import DeadLetters
from logyard.ingest.drain import CURSOR, Drain
from logyard.ingest.inlet import InletParts, WalInlet
from logyard.ingest.ledger import Ledger
from logyard.model.ids import LogIds, SequentialIds, SnowflakeIds, UuidIds
from logyard.pipeline.chain import Chain
from logyard.ports import Retention, Statement, Store
from logyard.query.budget import Budget
from logyard.query.run import QueryRequest
from logyard.query.search import Search
from logyard.receivers.http_intake import HttpReceiver, HttpRoute, Intake
from logyard.serve.http.listener import HttpServer, Listening
from logyard.serve.http.server import build
from logyard.serve.http.services import Services
from logyard.store.embedded import EmbeddedStore
from logyard.store.retire import retire
from logyard.stream.history import TailRequest
from logyard.stream.hub import Hub, Limits
from logyard.stream.opening import Tails
from logyard.stream.records import RecordsWatch
from logyard.stream.redis import RedisPublisher
from logyard.stream.stored import StoredRows
from logyard.telemetry import Telemetry
from logyard.types import Json, LogId
from logyard.wal.disk import RealDisk
from logyard.wal.log import Wal, WalSettings

__all__ = ["Running", "run", "running", "serve"]

_STOP_SECONDS = 30.0
_SWITCH_SECONDS = 0.0005
"""How long a thread may keep Python's lock while the event loop waits for it; the default of 5 ms shows in p99."""
_LAST_PORT = 65_535
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_log = logging.getLogger("logyard")


class _StuckStoreError(StoreFailed):
    """The engine is still at work when the process must go."""


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """A Logyard that answers."""

    url: str
    search: Search
    inlet: WalInlet
    telemetry: Telemetry


class _Engine(msgspec.Struct, frozen=True, kw_only=True):
    """What lies under the web server: log, drain, store."""

    wal: Wal
    store: Store
    drain: Drain
    dead: DeadLetters
    ids: LogIds


def run(config: Config, announce: Callable[["Running"], None] | None = None) -> None:
    """``logyard up``: serve until SIGINT or SIGTERM, then drain. Raises ``LogyardError`` when it cannot start."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    sys.setswitchinterval(_SWITCH_SECONDS)
    try:
        uvloop.run(serve(config, announce))
    except _StuckStoreError:
        _log.exception("stopping hard")
        logging.shutdown()
        os._exit(1)  # the engine's threads would hold an orderly exit for ever


async def serve(config: Config, announce: Callable[[Running], None] | None = None) -> None:
    """The same on a loop of one's own. ``announce`` is called once, when requests are answered."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    async with running(config) as logyard:
        if announce is not None:
            announce(logyard)
        await stopping.wait()


@asynccontextmanager
async def running(config: Config, *, store: Store | None = None) -> AsyncIterator[Running]:
    """Everything, wired and started; stopped on the way out. ``store``: another than the embedded one."""
    clock, telemetry = SystemClock(), Telemetry()
    async with AsyncExitStack() as stack:
        edge = Edge(config, clock=clock, telemetry=telemetry)
        engine = await _engine(config, store, edge, telemetry=telemetry, stack=stack)
        hub = Hub(limits=Limits.of(config.tail), nth=engine.ids.nth, telemetry=telemetry, clock=clock)
        await stack.enter_async_context(_background(hub.run(), "live"))
        inlet = _inlet(config, engine, hub, clock=clock, telemetry=telemetry)
        search = _search(config, engine, clock)
        redis = await _redis(config, hub, engine=engine, telemetry=telemetry, stack=stack)
        services = Services(
            search=search,
            tails=Tails(hub, _stored(search, engine.ids, clock), clock=clock, ids=engine.ids),
            ids=engine.ids,
            clock=clock,
            telemetry=telemetry,
            config=config,
            stats=engine.store.stats,
            ready=lambda: _unready(engine),
            soft=lambda: _soft(engine, redis),
            receivers=_receivers(config, inlet, ids=engine.ids, telemetry=telemetry),
        )
        host, port = _address(config.listen)
        server = HttpServer(build(services), Listening(host=host, port=port, drain_seconds=config.http.drain_seconds))
        stack.callback(inlet.close)
        await stack.enter_async_context(server)
        await stack.enter_async_context(edge.running(inlet))
        stack.callback(hub.close)  # before the server: open tails would hold its stop
        _watch(engine, telemetry)
        if host not in _LOOPBACK:
            _log.warning("%s is not loopback: whoever reaches it can read and write (there are no keys yet)", host)
        yield Running(url=f"http://{host}:{server.port}", search=search, inlet=inlet, telemetry=telemetry)


async def _engine(
    config: Config, given: Store | None, edge: Edge, *, telemetry: Telemetry, stack: AsyncExitStack
) -> _Engine:
    clock = SystemClock()
    settings = WalSettings(**msgspec.structs.asdict(config.wal))
    wal = await asyncio.to_thread(Wal.open, config.data / "wal", settings=settings, disk=RealDisk(), clock=clock)
    stack.callback(wal.close)
    wal.register(CURSOR)
    await asyncio.to_thread(edge.attach, wal)
    store = given
    if store is None:
        sequential = config.ingest.ids == "sequential"
        store = await asyncio.to_thread(EmbeddedStore, config.data / "store", sequential_ids=sequential)
    ids = await asyncio.to_thread(_ids, config, clock, wal=wal, store=store)
    dead = DeadLetters(config.data / "dead_letters")
    drain = Drain(wal, store, dead, clock=clock, telemetry=telemetry)
    drain.start()
    stack.push_async_callback(_stop, drain, store)
    stack.push_async_callback(asyncio.to_thread, wal.close)
    rules = Retention(
        age_days=config.retention.age_days,
        max_bytes=config.retention.max_bytes,
        max_disk_percent=config.retention.max_disk_percent,
    )
    await stack.enter_async_context(
        _background(retire(store, rules, config.retention.check_seconds, clock=clock, telemetry=telemetry), "retention")
    )
    return _Engine(wal=wal, store=store, drain=drain, dead=dead, ids=ids)


async def _stop(drain: Drain, store: Store) -> None:
    """A store that is still at work cannot be closed: what it has not taken lies in the log."""
    if await asyncio.to_thread(drain.stop, _STOP_SECONDS):
        await asyncio.to_thread(store.close)
        return
    raise _StuckStoreError(f"the store did not stop within {_STOP_SECONDS:g} s; what it has not taken stays in the log")


def _ids(config: Config, clock: Clock, *, wal: Wal, store: Store) -> LogIds:
    """Ids that go on after the highest there is, in the store or still in the log."""
    sequential = config.ingest.ids == "sequential"
    kinds = {"snowflake": SnowflakeIds, "uuid": UuidIds}
    kind = kinds.get(config.ingest.ids)
    if kind is None and not sequential:
        raise BadConfig(f"{config.ingest.ids!r} is none of snowflake, uuid, sequential", path="ingest.ids")

    def after(newest: LogId) -> LogIds:
        if kind is None:
            return SequentialIds(LogId(newest + 1))
        return kind(config.ingest.machine, clock, after=newest)

    found = store.query(Statement(sql="SELECT max(id) AS newest FROM logs"))
    stored = LogId(int(found["newest"][0]) if found.height else 0)
    nth = after(stored).nth
    logged = (nth(batch.first, batch.rows - 1) for segment in wal.sealed(CURSOR) for batch in segment.batches())
    return after(max(logged, default=stored))


def _inlet(config: Config, engine: _Engine, hub: Hub, *, clock: Clock, telemetry: Telemetry) -> WalInlet:
    ledger = Ledger(
        engine.store.known,
        engine.drain.passed,
        backlog=engine.wal.keyed_backlog(),
        position=engine.wal.position(),
    )
    parts = InletParts(
        ids=engine.ids,
        chain=Chain.of(config.pipeline),
        ledger=ledger,
        tap=hub,
        clock=clock,
        telemetry=telemetry,
    )
    return WalInlet(engine.wal, parts)


def _search(config: Config, engine: _Engine, clock: Clock) -> Search:
    async def settle() -> None:
        """A store that is slow must not answer with less than there is; one that takes nothing must still answer."""
        seconds = config.query.settle_seconds
        if await engine.drain.settle(seconds) or engine.drain.trouble:
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


async def _redis(
    config: Config, hub: Hub, *, engine: _Engine, telemetry: Telemetry, stack: AsyncExitStack
) -> RedisPublisher | None:
    if not config.redis_url:
        return None
    publisher = RedisPublisher(hub, RecordsWatch(engine.ids.text), url=config.redis_url, telemetry=telemetry)
    await stack.enter_async_context(_background(publisher.run(), "redis"))
    stack.push_async_callback(publisher.finish, 2)
    return publisher


def _unready(engine: _Engine) -> Mapping[str, str]:
    """What keeps this process from being of use."""
    return {} if engine.drain.alive else {"drain": "has ended"}


def _soft(engine: _Engine, redis: RedisPublisher | None) -> Mapping[str, str]:
    """What is wrong but stops nobody."""
    dead = engine.dead.count()
    states = {
        "store": engine.drain.trouble,
        "redis": redis.trouble if redis is not None else "",
        "dead_letters": f"{dead} segments could not be stored" if dead else "",
    }
    return {part: state for part, state in states.items() if state}


def _watch(engine: _Engine, telemetry: Telemetry) -> None:
    telemetry.watch(
        "logyard_wal_backlog_bytes", "Bytes that wait for the store.", lambda: engine.wal.stats().backlog_bytes
    )
    telemetry.watch(
        "logyard_wal_backlog_rows", "Records that wait for the store.", lambda: engine.wal.stats().backlog_rows
    )
    telemetry.watch(
        "logyard_wal_lag_seconds", "Age of the oldest of them.", lambda: engine.wal.stats().lag.get(CURSOR, 0.0)
    )
    telemetry.watch("logyard_wal_commits", "Commits, one fsync each.", lambda: engine.wal.stats().commits_total)
    telemetry.watch(
        "logyard_wal_fsync_seconds", "Seconds spent in fsync.", lambda: engine.wal.stats().fsync_seconds_total
    )
    telemetry.watch("logyard_dead_letters", "Segments that could not be stored.", engine.dead.count)


def _address(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    if not port.isdigit() or int(port) > _LAST_PORT:
        raise BadConfig(f"{listen!r} is not HOST:PORT", path="listen")
    return host.strip("[]") or "127.0.0.1", int(port)


@asynccontextmanager
async def _background(work: Coroutine[None, None, None], name: str) -> AsyncIterator[None]:
    """A task that lives as long as the context."""
    task = asyncio.create_task(work, name=name)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
