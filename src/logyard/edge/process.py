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
from functools import partial
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

__all__ = ["Left", "Shipping", "check", "ship"]

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
    unread: int
    """Bytes in files that were not read yet."""
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


def check(config: Config) -> None:
    """Whether there is anything to ship, and a place for it. Raises ``BadConfig``."""
    if not config.outputs:
        raise BadConfig("nothing to ship to: name an output, or give --to URL", path="outputs")
    if not config.receivers:
        raise BadConfig("nothing to collect: name a receiver, or give a path", path="receivers")


async def _ship(shipping: Shipping) -> Left:
    config, before = shipping.load(), None
    while True:
        life = _Life(shipping, config, is_new=before is not None)
        try:
            ending, left, changed = await life.run()
        except LogyardError as error:
            if before is None or life.has_begun:
                raise
            _log.warning("the new configuration cannot be used, the old one is taken again: %s", error)
            config, before = before, None
            continue
        if ending != "reload":
            return left
        config, before = changed, config


class _Tap:
    """Nobody listens on an edge."""

    def publish(self, batch: Batch) -> None:
        """Nothing."""


class _Life:
    """From one start to the next."""

    def __init__(self, shipping: Shipping, config: Config, *, is_new: bool) -> None:
        """``is_new``: there was another configuration before."""
        self._shipping = shipping
        self._config = config
        self._is_new = is_new
        self.has_begun = False
        """Everything that the configuration asks for is there."""

    async def run(self) -> tuple[Ending, Left, Config]:
        """How it ended, and the configuration to go on with. Raises ``LogyardError``."""
        config = self._config
        check(config)
        edge, telemetry = _edge(config)
        async with AsyncExitStack() as stack:
            wal = await _begun(config, edge, telemetry, stack=stack)
            signals = await stack.enter_async_context(_signals())
            self.has_begun = True
            if self._is_new:
                _log.info("the new configuration is in use")
            ending, changed = await _until_ended(self._shipping, config, edge, signals=signals)
            await edge.stop_receiving()
            seconds = {"reload": 0.0, "stop": config.collect.drain_seconds, "done": float("inf")}[ending]
            left = await _drained(edge, wal, seconds=seconds, signals=signals)
        return ending, left, changed


def _edge(config: Config) -> tuple[Edge, Telemetry]:
    telemetry = Telemetry()
    return Edge(config, clock=SystemClock(), telemetry=telemetry), telemetry


async def _begun(config: Config, edge: Edge, telemetry: Telemetry, *, stack: AsyncExitStack) -> Wal:
    """Log, pages, receivers and outputs at work, until the stack is unwound."""
    clock = edge.clock
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
    found = partial(statistics, edge, wal, telemetry)
    if config.collect.listen:
        await stack.enter_async_context(Pages(config.collect.listen, telemetry, statistics=found).serving())
    await _report(config.collect, found, processing.as_json, stack=stack)
    await stack.enter_async_context(edge.running(WalInlet(wal, parts)))
    return wal


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
    """Those of the configuration; what it leaves as it is has the size that fits an edge."""
    usual = msgspec.structs.asdict(WalConfig())
    given = msgspec.structs.asdict(config)
    return WalSettings(
        **{name: _SMALL.get(name, value) if value == usual[name] else value for name, value in given.items()}
    )


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
        if changed.data != config.data:
            raise BadConfig("another directory would know nothing of what was read: start anew", path="data")
        check(changed)
        # Made once to see whether it can be.
        Edge(changed, clock=SystemClock(), telemetry=Telemetry())
        Chain.of(changed.pipeline)
    except LogyardError as error:
        _log.warning("the new configuration cannot be used, the old one stays: %s", error)
        return None
    return changed


def _stamp(file: Path | None) -> tuple[int, ...]:
    """Changes with the file; the size too, for two writes may fall into one tick of the kernel's clock."""
    if file is None:
        return ()
    try:
        found = file.stat()
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_ino, found.st_size


async def _drained(edge: Edge, wal: Buffer, *, seconds: float, signals: "_Signals") -> Left:
    """Go on sending; what is left when the time is over, or somebody asks a second time."""
    clock = SystemClock()
    deadline = clock.monotonic() + seconds
    signals.stop.clear()
    wal.seal()
    while wal.stats().backlog_rows and clock.monotonic() < deadline and not signals.stop.is_set():
        await signals.wait(_LOOK_SECONDS)
    stats = wal.stats()
    unread = sum(each.lag_bytes for each in edge.positions())
    return Left(rows=stats.backlog_rows, bytes=stats.backlog_bytes, unread=unread, troubles=dict(edge.troubles))


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
