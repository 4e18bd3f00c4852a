"""The composition root: draws the wiring, and does it.

    serve/http ──► receivers ──► WalInlet ──► Chain ──► Buffer ──► Drains ──► Store: embedded, or a cluster
        │                           │                    │ durable here       │ findable here
        │                           └──► Bus ──► Hub ──► tails, Redis         │
        └──► Search ─── settle: waits for the drains ─────────────────────────┘

A mode is which sections of the configuration are filled in. Starting goes from the store outwards, stopping from the
listener inwards: first nobody new, then what is under way, then the log to the disk, then the store.
"""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec
import uvloop
from litestar.types import ASGIApp

from logyard import registry
from logyard.clock import Clock, SystemClock
from logyard.config import Config
from logyard.errors import Backpressure, BadConfig, NotNow, StoreFailed
from logyard.formats.json.lines import LineLimits
from logyard.ingest.dead_letter import DeadLetters
from logyard.ingest.drain import Drain
from logyard.ingest.drains import Drains
from logyard.ingest.inlet import InletParts, WalInlet
from logyard.ingest.ledger import Ledger
from logyard.model.ids import LogIds, SequentialIds, SnowflakeIds, UuidIds
from logyard.pipeline.chain import Chain
from logyard.ports import Buffer, Retention, Sealed, Statement, Store, Tap
from logyard.query.budget import Budget
from logyard.query.run import QueryRequest
from logyard.query.search import Search
from logyard.receivers.http_intake import HttpReceiver, HttpRoute, Intake
from logyard.serve.http.listener import HttpServer, Listening
from logyard.serve.http.server import build
from logyard.serve.http.services import Services
from logyard.store.backup import Backup, back_up
from logyard.store.descend import descend, storage_of, tiers_of
from logyard.store.holdings import Holdings
from logyard.store.open import open_store
from logyard.store.places import open_place
from logyard.store.retire import retire
from logyard.stream.bus.bus import Bus, Itself
from logyard.stream.bus.opening import link_of
from logyard.stream.history import TailRequest
from logyard.stream.hub import Hub, Limits
from logyard.stream.opening import Tails
from logyard.stream.records import RecordsWatch
from logyard.stream.redis import RedisPublisher
from logyard.stream.stored import StoredRows
from logyard.telemetry import Telemetry
from logyard.types import Json, LogId, Nanoseconds
from logyard.wal.buffers import node_name, open_buffer

__all__ = ["Running", "run", "running", "serve"]

_STOP_SECONDS = 30.0
_SWITCH_SECONDS = 0.0005
"""How long a thread may keep Python's lock while the event loop waits for it; the default of 5 ms shows in p99."""
_GARBAGE_OBJECTS = 20_000
"""New objects before the collector looks at the young ones; a request makes dozens, and hardly any cycles."""
_LAST_PORT = 65_535
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_log = logging.getLogger("logyard")


class _StuckStoreError(StoreFailed):
    """The engine is still at work when the process must go."""


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """A Logyard that answers."""

    url: str
    """"" without a listener."""
    web: ASGIApp
    """The web application: everything that can be asked over HTTP, for whoever is in this process."""
    search: Search
    inlet: WalInlet
    telemetry: Telemetry


class _Engine(msgspec.Struct, frozen=True, kw_only=True):
    """What lies under the web server: log, drain, store."""

    wal: Buffer
    store: Store
    drains: Drains
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
        # What is loaded by now stays: a full collection over it (0.1 s) would stall every request that waits.
        gc.collect()
        gc.freeze()
        gc.set_threshold(_GARBAGE_OBJECTS, 10, 10)
        if announce is not None:
            announce(logyard)
        await stopping.wait()


@asynccontextmanager
async def running(config: Config, *, store: Store | None = None, listen: bool = True) -> AsyncIterator[Running]:
    """Everything, wired and started; stopped on the way out.

    ``store``: another than the embedded one. ``listen``: without it nothing is on a socket (``inprocess.py``).
    """
    clock, telemetry = SystemClock(), Telemetry()
    async with AsyncExitStack() as stack:
        engine = await _engine(config, store, clock=clock, telemetry=telemetry, stack=stack)
        hub = Hub(limits=Limits.of(config.tail), nth=engine.ids.nth, telemetry=telemetry, clock=clock)
        await stack.enter_async_context(_background(hub.run(), "live"))
        bus = await _bus(config, hub, engine=engine, parts=(clock, telemetry), stack=stack)
        inlet = _inlet(config, engine, bus or hub, clock=clock, telemetry=telemetry)
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
            holdings=Holdings(engine.store),
            backup=_backup(config, engine.store) if not config.store else None,
            ready=lambda: _unready(engine),
            soft=lambda: _soft(engine, redis, bus),
            nodes_lag=bus.lag if bus is not None else str,
            receivers=_receivers(config, inlet, ids=engine.ids, telemetry=telemetry),
        )
        web = build(services)
        stack.callback(inlet.close)
        url = await _listening(config, web, stack) if listen else ""
        stack.callback(hub.close)  # before the server: open tails would hold its stop
        _watch(engine, telemetry)
        yield Running(url=url, web=web, search=search, inlet=inlet, telemetry=telemetry)


async def _listening(config: Config, web: ASGIApp, stack: AsyncExitStack) -> str:
    """The URL under which the application answers from now on."""
    host, port = _address(config.listen)
    server = HttpServer(web, Listening(host=host, port=port, drain_seconds=config.http.drain_seconds))
    await stack.enter_async_context(server)
    if host not in _LOOPBACK:
        _log.warning("%s is not loopback: whoever reaches it can read and write (there are no keys yet)", host)
    return f"http://{host}:{server.port}"


async def _engine(
    config: Config, given: Store | None, *, clock: Clock, telemetry: Telemetry, stack: AsyncExitStack
) -> _Engine:
    wal = await asyncio.to_thread(open_buffer, config, clock)
    stack.push_async_callback(asyncio.to_thread, wal.release)
    store = given if given is not None else await asyncio.to_thread(open_store, config, clock)
    dead = DeadLetters(config.data / "dead_letters")
    drains = Drains(
        [[Drain(wal, sink, dead, clock=clock, telemetry=telemetry) for sink in group] for group in store.sinks()],
        clock=clock,
    )
    _forget_others(wal, drains)
    waiting = {segment.number: segment for drain in drains for segment in wal.sealed(drain.sink.name)}
    ids = await asyncio.to_thread(_ids, config, clock, store=store, waiting=waiting.values())
    drains.start()
    stack.push_async_callback(_stop, drains, store)
    stack.push_async_callback(asyncio.to_thread, wal.close)
    rules = Retention(
        age_days=config.retention.age_days,
        max_bytes=config.retention.max_bytes,
        max_disk_percent=config.retention.max_disk_percent,
    )
    await stack.enter_async_context(
        _background(retire(store, rules, config.retention.check_seconds, clock=clock, telemetry=telemetry), "retention")
    )
    if given is None and not config.store:
        descending = descend(store, tiers_of(config), config.tiers.check_seconds, clock=clock, telemetry=telemetry)
        await stack.enter_async_context(_background(descending, "tiers"))
    return _Engine(wal=wal, store=store, drains=drains, dead=dead, ids=ids)


def _forget_others(wal: Buffer, drains: Drains) -> None:
    """Cursors of a store that this process no longer writes to would hold the log for ever.

    What they had not passed goes to the present store: its own cursors begin at the oldest segment.
    """
    names = {drain.sink.name for drain in drains}
    for name in wal.stats().lag.keys() - names:
        if name.partition(".")[0] == "store":
            _log.warning("forgetting cursor %s: the store is another one than before", name)
            wal.forget(name)


async def _stop(drains: Drains, store: Store) -> None:
    """A store that is still at work cannot be closed: what it has not taken lies in the log."""
    if await asyncio.to_thread(drains.stop, _STOP_SECONDS):
        await asyncio.to_thread(store.close)
        return
    raise _StuckStoreError(f"the store did not stop within {_STOP_SECONDS:g} s; what it has not taken stays in the log")


def _backup(config: Config, store: Store) -> Callable[[str, Nanoseconds, bool], Backup]:
    def backup(to: str, now: Nanoseconds, full: bool) -> Backup:  # noqa: FBT001 - as ``Services`` has it
        return back_up(store, open_place(to, storage_of(config)), now=now, full=full)

    return backup


def _ids(config: Config, clock: Clock, *, store: Store, waiting: Iterable[Sealed]) -> LogIds:
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

    stored = _newest(store, needed=sequential)
    nth = after(stored).nth
    logged = (nth(batch.first, batch.rows - 1) for segment in waiting for batch in segment.batches())
    return after(max(logged, default=stored))


def _newest(store: Store, *, needed: bool) -> LogId:
    """The highest id in the store. Of a store that is away, not ``needed``: ids of the clock are above it anyway."""
    try:
        found = store.query(Statement(sql="SELECT max(id) AS newest FROM logs"))
    except NotNow as error:
        if needed:
            raise
        _log.warning("starting without a look at the newest ids: %s", error)
        return LogId(0)
    return LogId(int(found["newest"][0]) if found.height else 0)


def _inlet(config: Config, engine: _Engine, tap: Tap, *, clock: Clock, telemetry: Telemetry) -> WalInlet:
    ledger = Ledger(
        engine.store.known,
        engine.drains.passed,
        backlog=engine.wal.keyed_backlog(),
        position=engine.wal.position(),
    )
    parts = InletParts(
        ids=engine.ids,
        chain=Chain.of(config.pipeline),
        ledger=ledger,
        tap=tap,
        clock=clock,
        telemetry=telemetry,
    )
    return WalInlet(engine.wal, parts)


def _search(config: Config, engine: _Engine, clock: Clock) -> Search:
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
    made = (registry.build("receivers", {"type": name}) for name in registry.names("receivers"))
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


async def _bus(
    config: Config, hub: Hub, *, engine: _Engine, parts: tuple[Clock, Telemetry], stack: AsyncExitStack
) -> Bus | None:
    if not config.bus:
        return None
    if config.ingest.ids == "sequential":
        raise BadConfig("nodes that share a bus cannot count their ids by one", path="ingest.ids")
    clock, telemetry = parts
    itself = Itself(
        node=node_name(config),
        machine=config.ingest.machine,
        acknowledged=engine.wal.position,
        stored=engine.drains.passed,
        lag=lambda: max(engine.wal.stats().lag.values(), default=0.0),
    )
    bus = Bus(link_of(config.bus), hub, itself, telemetry=telemetry, clock=clock)
    await stack.enter_async_context(_background(bus.run(), "bus"))
    return bus


def _unready(engine: _Engine) -> Mapping[str, str]:
    """What keeps this process from being of use."""
    missing = {} if engine.drains.alive else {"drain": "has ended"}
    return missing if engine.wal.alive else {"buffer": engine.wal.trouble, **missing}


def _soft(engine: _Engine, redis: RedisPublisher | None, bus: Bus | None) -> Mapping[str, str]:
    """What is wrong but stops nobody."""
    dead = engine.dead.count()
    states = {
        **engine.drains.trouble,
        "buffer": engine.wal.trouble,
        "redis": redis.trouble if redis is not None else "",
        "bus": bus.trouble if bus is not None else "",
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
        "logyard_wal_lag_seconds", "Age of the oldest of them.", lambda: max(engine.wal.stats().lag.values(), default=0)
    )
    telemetry.watch_each(
        "logyard_wal_cursor_lag_seconds",
        "Age of the oldest record that this reader of the log has not passed.",
        label="cursor",
        read=lambda: engine.wal.stats().lag,
    )
    telemetry.watch("logyard_wal_available", "1 while records can be kept.", lambda: float(not engine.wal.trouble))
    telemetry.watch("logyard_wal_commits", "Commits, one fsync each.", lambda: engine.wal.stats().commits_total)
    telemetry.watch(
        "logyard_wal_fsync_seconds",
        "Seconds spent in fsync.",
        lambda: engine.wal.stats().fsync_seconds_total,
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
