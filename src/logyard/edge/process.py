"""``logyard ship``: the process that collects and ships, and does nothing else. No engine, no web framework: < 80 MB.

    [[receivers]] ──► WalInlet ──► Chain ──► Wal ──► [[outputs]]
                                    steps     │ durable here

It stops on SIGTERM and SIGINT: receivers first, then it goes on sending until all is sent or ``collect.drain_seconds``
are over, and says what is left. SIGHUP, and a change of its file, make it take the new configuration: everything is
stopped, durably, and started again; one that cannot be used leaves it as it was.
"""

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final, Literal

import msgspec
import uvloop

from logyard.clock import SystemClock
from logyard.config import CollectConfig, Config, WalConfig
from logyard.edge.pages import Pages
from logyard.edge.stats import reporting, statistics, watch
from logyard.edge.wiring import Edge
from logyard.errors import BadConfig, LogyardError
from logyard.ingest.inlet import InletParts, WalInlet
from logyard.ingest.ledger import Ledger
from logyard.model.batch import Batch
from logyard.model.ids import SnowflakeIds
from logyard.pipeline.chain import Chain
from logyard.pipeline.statistics import Processing
from logyard.ports import Buffer
from logyard.telemetry import Telemetry
from logyard.types import Json
from logyard.wal.disk import RealDisk
from logyard.wal.log import Wal, WalSettings

__all__ = ["Left", "Shipping", "ship"]

_LOOK_SECONDS: Final = 0.05
_RELOAD_SECONDS: Final = 1.0
_SMALL: Final = {"segment_bytes": 4 << 20, "segment_seconds": 0.5}
"""Segments of a log that nothing but outputs reads: small, for each is held in memory while it is sent."""
_log = logging.getLogger("logyard")

Ending = Literal["stop", "reload", "done"]


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """What had not been sent when it stopped; it lies in the log."""

    rows: int
    bytes: int
    troubles: Mapping[str, str]


class Shipping(msgspec.Struct, frozen=True, kw_only=True):
    """How to ship."""

    load: Callable[[], Config]
    """The configuration as it is now. Raises ``BadConfig``."""
    file: Path | None = None
    """Watched for changes."""
    once: bool = False
    """End when all that is there has been sent."""
    progress: Callable[[Edge, Buffer], None] | None = None
    """Called a few times a second."""


def ship(shipping: Shipping) -> Left:
    """Until it is told to stop, or all is done. Raises ``LogyardError`` when it cannot start."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    return uvloop.run(_ship(shipping))


async def _ship(shipping: Shipping) -> Left:
    config = shipping.load()
    while True:
        ending, left, config = await _life(shipping, config)
        if ending != "reload":
            return left
        _log.info("the new configuration is in use")


class _Tap:
    """Nobody listens on an edge."""

    def publish(self, batch: Batch) -> None:
        """Nothing."""


async def _life(shipping: Shipping, config: Config) -> tuple[Ending, Left, Config]:
    """From one start to the next."""
    clock, telemetry = SystemClock(), Telemetry()
    edge = Edge(config, clock=clock, telemetry=telemetry)
    if not config.outputs:
        raise BadConfig("nothing to ship to: name an output, or give --to URL", path="outputs")
    if not config.receivers:
        raise BadConfig("nothing to collect: name a receiver, or give a path", path="receivers")
    async with AsyncExitStack() as stack:
        wal = await asyncio.to_thread(
            Wal.open, config.data / "wal", settings=_settings(config.wal), disk=RealDisk(), clock=clock
        )
        stack.push_async_callback(asyncio.to_thread, wal.close)
        await asyncio.to_thread(edge.attach, wal)
        processing = Processing(clock)
        parts = InletParts(
            ids=SnowflakeIds(config.ingest.machine, clock),
            chain=Chain.of(config.pipeline, telemetry, statistics=processing),
            ledger=Ledger(lambda _: {}, wal.position, backlog=wal.keyed_backlog(), position=wal.position()),
            tap=_Tap(),
            clock=clock,
            telemetry=telemetry,
            is_store=False,
        )
        watch(telemetry, edge, wal)
        processing.watch(telemetry)
        signals = await stack.enter_async_context(_signals())
        if config.collect.listen:
            pages = Pages(config.collect.listen, telemetry, statistics=lambda: statistics(edge, wal, clock))
            await stack.enter_async_context(pages.serving())
        await _report(config.collect, lambda: statistics(edge, wal, clock), processing.as_json, stack=stack)
        await stack.enter_async_context(edge.running(WalInlet(wal, parts)))
        ending, config = await _until_ended(shipping, config, edge, signals=signals)
        await edge.stop_receiving()
        seconds = 0.0 if ending == "reload" else config.collect.drain_seconds
        left = await _drained(edge, wal, seconds=float("inf") if ending == "done" else seconds, signals=signals)
    return ending, left, config


async def _report(
    config: CollectConfig,
    collected: Callable[[], dict[str, Json]],
    processed: Callable[[], dict[str, Json]],
    *,
    stack: AsyncExitStack,
) -> None:
    """Statistics into their files, for as long as ``stack`` lasts."""
    await stack.enter_async_context(reporting(config.stats, config.stats_seconds, collected))
    seconds = config.processing_stats_seconds
    await stack.enter_async_context(reporting(config.processing_stats, seconds, processed))


def _settings(config: WalConfig) -> WalSettings:
    given = (
        {**msgspec.structs.asdict(WalConfig()), **_SMALL} if config == WalConfig() else msgspec.structs.asdict(config)
    )
    return WalSettings(**given)


async def _until_ended(shipping: Shipping, config: Config, edge: Edge, *, signals: "_Signals") -> tuple[Ending, Config]:
    """Wait for the end of this life."""
    stamp = _stamp(shipping.file)
    finished = asyncio.ensure_future(edge.finished()) if shipping.once else None
    while True:
        if shipping.progress is not None and edge.wal is not None:
            shipping.progress(edge, edge.wal)
        if signals.stop.is_set():
            if finished is not None:
                finished.cancel()
            return "stop", config
        if finished is not None and finished.done():
            finished.result()
            return "done", config
        newer = _stamp(shipping.file)
        if signals.reload.is_set() or newer != stamp:
            stamp = newer
            signals.reload.clear()
            changed = _reloaded(shipping, config)
            if changed is not None:
                return "reload", changed
        await signals.wait(_RELOAD_SECONDS if finished is None else _LOOK_SECONDS)


def _reloaded(shipping: Shipping, config: Config) -> Config | None:
    """The new configuration, if it is another and can be used."""
    try:
        changed = shipping.load()
        if changed == config:
            return None
        if any(each.get("type") == "stdin" for each in config.receivers):
            raise BadConfig("standard input cannot be opened again: start anew", path="receivers")
        # Made once to see whether it can be.
        Edge(changed, clock=SystemClock(), telemetry=Telemetry())
        Chain.of(changed.pipeline)
        if not changed.receivers or not changed.outputs:
            raise BadConfig("nothing to collect or nothing to ship to", path="receivers")
    except LogyardError as error:
        _log.warning("the new configuration cannot be used, the old one stays: %s", error)
        return None
    return changed


def _stamp(file: Path | None) -> tuple[int, int]:
    if file is None:
        return 0, 0
    try:
        found = file.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_ino


async def _drained(edge: Edge, wal: Buffer, *, seconds: float, signals: "_Signals") -> Left:
    """Go on sending; what is left when the time is over, or somebody asks a second time."""
    clock = SystemClock()
    deadline = clock.monotonic() + seconds
    signals.stop.clear()
    wal.seal()
    while wal.stats().backlog_rows and clock.monotonic() < deadline and not signals.stop.is_set():
        await signals.wait(_LOOK_SECONDS)
    stats = wal.stats()
    return Left(rows=stats.backlog_rows, bytes=stats.backlog_bytes, troubles=dict(edge.troubles))


class _Signals:
    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.reload = asyncio.Event()
        self.any = asyncio.Event()

    def set(self, event: asyncio.Event) -> None:
        event.set()
        self.any.set()

    async def wait(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.any.wait(), seconds)
        self.any.clear()


@asynccontextmanager
async def _signals() -> AsyncIterator[_Signals]:
    signals, loop = _Signals(), asyncio.get_running_loop()
    numbers = {signal.SIGTERM: signals.stop, signal.SIGINT: signals.stop, signal.SIGHUP: signals.reload}
    for number, event in numbers.items():
        loop.add_signal_handler(number, signals.set, event)
    yield signals
