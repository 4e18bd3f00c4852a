"""What lies under the web server: the log, the drains, the store, and the ids that go on from both."""

import asyncio
import logging
from collections.abc import Iterable
from contextlib import AsyncExitStack
from typing import Final

import msgspec

from logyard.clock import Clock
from logyard.config import Config
from logyard.edge.wiring import Edge
from logyard.errors import BadConfig, NotNow, StoreFailed
from logyard.ingest.dead_letter import DeadLetters
from logyard.ingest.drain import Drain
from logyard.ingest.drains import Drains
from logyard.ingest.inlet import InletParts, WalInlet
from logyard.ingest.ledger import Ledger
from logyard.ingest.replay import replay
from logyard.model.ids import LogIds, SequentialIds, SnowflakeIds, UuidIds
from logyard.pipeline.chain import Chain
from logyard.ports import Buffer, Retention, Sealed, Statement, Store, Tap
from logyard.store.descend import descend, tiers_of
from logyard.store.open import open_store
from logyard.store.retire import retire
from logyard.telemetry import Telemetry
from logyard.types import LogId
from logyard.wal.buffers import open_buffer
from logyard.wiring.background import background

__all__ = ["Engine", "StuckStoreError", "inlet", "open_engine"]

_STOP_SECONDS: Final = 30.0
_log = logging.getLogger("logyard")


class StuckStoreError(StoreFailed):
    """The engine is still at work when the process must go."""


class Engine(msgspec.Struct, frozen=True, kw_only=True):
    """What lies under the web server: log, drain, store."""

    wal: Buffer
    store: Store
    drains: Drains
    dead: DeadLetters
    ids: LogIds


async def open_engine(
    config: Config, given: Store | None, edge: Edge, *, telemetry: Telemetry, stack: AsyncExitStack
) -> Engine:
    """Started; stopped by ``stack``. ``given``: another store than the configuration names."""
    clock = edge.clock
    wal = await asyncio.to_thread(open_buffer, config, clock)
    stack.push_async_callback(asyncio.to_thread, wal.release)
    store = given if given is not None else await asyncio.to_thread(open_store, config, clock)
    dead = DeadLetters(config.data / "dead_letters")
    drains = Drains(
        [[Drain(wal, sink, dead, clock=clock, telemetry=telemetry) for sink in group] for group in store.sinks()],
        clock=clock,
    )
    _forget_others(wal, drains)
    await asyncio.to_thread(edge.attach, wal)
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
        background(retire(store, rules, config.retention.check_seconds, clock=clock, telemetry=telemetry), "retention")
    )
    await stack.enter_async_context(background(replay(dead, store, telemetry), "dead letters"))
    if given is None and not config.store:
        descending = descend(store, tiers_of(config), config.tiers.check_seconds, clock=clock, telemetry=telemetry)
        await stack.enter_async_context(background(descending, "tiers"))
    return Engine(wal=wal, store=store, drains=drains, dead=dead, ids=ids)


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
    raise StuckStoreError(f"the store did not stop within {_STOP_SECONDS:g} s; what it has not taken stays in the log")


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


def inlet(engine: Engine, tap: Tap, *, chain: Chain, clock: Clock, telemetry: Telemetry) -> WalInlet:
    """The way in."""
    ledger = Ledger(
        engine.store.known,
        engine.drains.passed,
        backlog=engine.wal.keyed_backlog(),
        position=engine.wal.position(),
    )
    parts = InletParts(
        ids=engine.ids,
        chain=chain,
        ledger=ledger,
        tap=tap,
        clock=clock,
        telemetry=telemetry,
    )
    return WalInlet(engine.wal, parts)
