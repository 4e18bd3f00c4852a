"""Files and everything that happens to them: rotation of every kind, compression, restarts, kill -9.

    look at the disk ──► what happened (pure) ──► read in turn ──► inlet: durable ──► offsets move

Woken by inotify where that works; looks at everything every second in any case (of more than a thousand files, every
five), for events may be lost. See
``tailing/`` for the parts.
"""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Annotated, Final, Literal, TypeVar

import msgspec

from logyard.errors import BadInput, Corrupt, LogyardError, NotNow
from logyard.formats.multiline.rules import JoinRules
from logyard.model.civil.customs import Customs
from logyard.ports import Inlet, Place, Submission
from logyard.receivers.tailing.checkpoints import Checkpoints, put_aside
from logyard.receivers.tailing.cut import LongLines
from logyard.receivers.tailing.encoding import InvalidBytes, check_encoding
from logyard.receivers.tailing.events import BytesAbandoned, MemoryLost
from logyard.receivers.tailing.follower import Follower
from logyard.receivers.tailing.line_settings import (
    DateOrder,
    LineSettings,
    assembler_maker,
    hold_seconds,
)
from logyard.receivers.tailing.options import Start, TailOptions
from logyard.receivers.tailing.position import Position, position
from logyard.receivers.tailing.rounds import Delivery
from logyard.receivers.tailing.table import Parts
from logyard.receivers.tailing.wake import Waker
from logyard.registry import component

__all__ = ["Files", "FilesConfig"]

_LOOK_SECONDS: Final = 1.0
_LOOK_SECONDS_WATCHED: Final = 5.0
_MANY: Final = 1000
_LITTLE: Final = 1 << 20
_SAVE_SECONDS: Final = 1.0
_SOON: Final = 0.05
Result = TypeVar("Result")
_BLOCK: Final = 2 << 20
"""Read at once of a file that is behind: to take lines apart costs 5 to 20 ms a block, however few they are."""
Seconds = Annotated[float, msgspec.Meta(ge=0)]
Count = Annotated[int, msgspec.Meta(gt=0)]


class FilesConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which files, and how."""

    include: tuple[str, ...]
    """Paths, directories (every ``*.log`` under one) and patterns: ``*``, ``?``, ``[a-z]``, ``{a,b}``, ``**``."""
    exclude: tuple[str, ...] = ()
    """Patterns of what is left out; one without a slash is for names: ``*.gz``."""
    format: str = "auto"
    """What lines are. auto: found out for each file by itself, and found out anew when it changes; lines of container
    engines are put together and what is in them is found out, too. docker, cri: of those engines, whatever they look
    like. json: one object a line; what is none says so. Any other format by its name (docs/reference/formats.md).
    unparsed: a line that is a JSON object is one, every other is a message. plain: every line is a message."""
    grok: tuple[str, ...] = ()
    """Instead of a format, expressions of one's own, tried in order: ``%{IP:client} %{WORD:verb} (?P<rest>.*)``. The
    fields timestamp, level, message, service, host, trace_id, span_id and correlation_id fill those columns."""
    types: dict[str, str] = {}
    """Kinds of the fields of ``grok``: int, float, bool, ms ..."""
    zone: str = ""
    """Of times without one, an IANA name or an offset like +02:00; UTC by default."""
    date_order: DateOrder = ""
    """Of dates in numbers: MDY, DMY or YMD."""
    year: int = 0
    """Of dates without one; by default the one that puts them last before now."""
    multiline: str | JoinRules = "off"
    """Which lines make one record. off: each is one. auto: by the heads that records have, else by the habits of stack
    traces. python, java, go, javascript, ruby, php, dotnet, rust, dart, or several as ``java,python``. Or a table with
    ``mode`` and ``pattern``, limits and ``timeout`` (the step join_lines has the same)."""
    encoding: str = ""
    """Of files without a byte order mark: utf-16, shift_jis, gb18030, big5, euc_kr, cp1252 ...; UTF-8 by default."""
    invalid: InvalidBytes = "replace"
    """What becomes of bytes that mean nothing in it: replace (by U+FFFD), or latin-1 (taken as ISO 8859-1)."""
    service: str = ""
    """Of records that name none; by default the file's name without its endings."""
    host: str = ""
    """Of records that name none; by default this machine's name."""
    level: str = ""
    """Of records that name none."""
    fields: dict[str, str] = {}
    """Put on every record that has no such key."""
    read_from: Start = "head"
    """Where to begin with the files that are there at the very first start: head or tail."""
    new_files: Start = "head"
    """Where to begin with files that turn up later."""
    ignore_older: Seconds = 0
    """Files that have not changed for so many seconds are left alone until they do; 0: none is."""
    max_line_bytes: Count = 1 << 20
    long_lines: LongLines = "truncate"
    """What happens to longer lines: truncate (and say so in ``truncated``), split or skip. They are counted."""
    flush_idle: Seconds = 0
    """A last line without its end is taken after so many seconds; 0: it waits for its end."""
    rotate_wait: Seconds = 10
    """So many seconds a rotated file is looked after for what late writers add to it."""
    delete_after: Seconds = 0
    """Files that have been read, and have not grown for so many seconds, are removed; 0: never."""
    watch: Literal["auto", "poll"] = "auto"
    """auto: by inotify, and a look at everything now and then; poll: by looking only, as for NFS."""
    batch_seconds: Seconds = 0.5
    """So long lines are gathered while they come slowly."""
    open_files: Count = 512
    """Descriptors kept open."""


@component("files", config=FilesConfig, example='include = ["/var/log/**/*.log"]\nexclude = ["*.gz"]\n')
class Files:
    """Follows files through every kind of rotation, and reads nothing twice."""

    def __init__(self, config: FilesConfig) -> None:
        """Raises ``BadConfig`` for a format, a pattern, a zone or an encoding that cannot be used."""
        self._config = config
        self._options = _options(config)
        assembler_maker(_lines(config), lambda: 0)
        self._follower: Follower | None = None
        self._checkpoints: Checkpoints | None = None
        self._place: Place | None = None
        self._finishing = False
        self._lock = threading.Lock()
        self._thread: ThreadPoolExecutor | None = None
        self._wake = asyncio.Event()
        self.idle = asyncio.Event()
        """Set while everything that there is has been handed in."""

    def resume(self, place: Place) -> None:
        """Read what is remembered. Raises ``Corrupt`` for memories of a newer version."""
        try:
            self._checkpoints = Checkpoints(place.directory, place.marks)
        except Corrupt as error:
            put_aside(place.directory, error)
            place.telemetry.emit(MemoryLost(reason=str(error)))
            self._checkpoints = Checkpoints(place.directory, place.marks)
        self._place = place
        maker = assembler_maker(_lines(self._config), place.clock.now)
        parts = Parts(checkpoints=self._checkpoints, clock=place.clock, emit=place.telemetry.emit, assembler=maker)
        self._follower = Follower(self._options, parts)

    def settle(self, marks: Sequence[str]) -> None:
        """Make these, or newer ones, durable. Any thread."""
        if self._checkpoints is not None:
            self._checkpoints.take(marks)
            self._checkpoints.save()

    def reconfigure(self, config: FilesConfig) -> None:
        """Follow by other settings from now on; nothing is read twice or left out on that account."""
        with self._lock:
            self._config, self._options = config, _options(config)
            if self._follower is not None:
                self._follower.reconfigure(self._options)
        self._wake.set()

    def finish(self) -> None:
        """Take what is there now, unfinished lines too, and return from ``run``."""
        self._finishing = True
        self._wake.set()

    def positions(self) -> Sequence[Position]:
        """Where every file stands. Any thread."""
        if self._follower is None or self._place is None:
            return []
        with self._lock:
            return [position(file, self._place.clock.monotonic()) for file in self._follower.files]

    async def run(self, inlet: Inlet) -> None:
        """Until cancelled, or until all is read after ``finish``."""
        if self._follower is None or self._place is None:
            raise LogyardError("a receiver of files must resume before it runs")
        # One thread for all reading: what it takes and frees comes from one arena.
        with (
            Waker(self._config.include, self._wake, poll=self._config.watch == "poll") as waker,
            ThreadPoolExecutor(1, "logyard-files") as self._thread,
        ):
            try:
                await self._follow(inlet, self._place, waker)
            finally:
                await self._apart(self._close)

    async def _follow(self, inlet: Inlet, place: Place, waker: Waker) -> None:
        looked_at = saved_at = float("-inf")
        while True:
            now = place.clock.monotonic()
            pause = _LOOK_SECONDS_WATCHED if waker.is_watching and self._has_many() else _LOOK_SECONDS
            paths = waker.changed()
            due = now - looked_at >= pause or self._finishing
            deliveries = await self._apart(partial(self._step, paths, due=due))
            looked_at = now if due else looked_at
            await self._deliver(inlet, deliveries)
            if now - saved_at >= _SAVE_SECONDS:
                saved_at = now
                await self._apart(self._save)
            if deliveries:
                self.idle.clear()
                await self._collect_some(deliveries)
            elif self._finishing and due and not self._is_reading():
                return
            else:
                self.idle.set()
                await self._pause(min(_LOOK_SECONDS, pause))

    async def _apart(self, work: Callable[[], Result]) -> Result:
        """In the receiver's own thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _step(self, paths: Sequence[str], *, due: bool) -> list[Delivery]:
        """One round."""
        follower = self._follower
        if follower is None:
            return []
        with self._lock:
            surprised = bool(paths) and follower.poke(paths)
            if due or surprised or follower.in_doubt:
                follower.look()
            return follower.gather(final=self._finishing)

    async def _deliver(self, inlet: Inlet, deliveries: Sequence[Delivery]) -> None:
        """Files side by side, the blocks of one file in their order."""
        by_file: dict[int, list[Delivery]] = {}
        for delivery in deliveries:
            by_file.setdefault(delivery.file.known.serial, []).append(delivery)
        await asyncio.gather(*(self._hand_in(inlet, each) for each in by_file.values()))

    async def _hand_in(self, inlet: Inlet, deliveries: Sequence[Delivery]) -> None:
        follower, place = self._follower, self._place
        if follower is None or place is None:
            return
        wait = 0.0
        for delivery in deliveries:
            if not wait and delivery.body is not None:
                try:
                    await inlet.accept(Submission(body=delivery.body, mark=delivery.mark))
                except BadInput as error:
                    place.telemetry.emit(BytesAbandoned(reason=type(error).__name__, bytes=delivery.bytes))
                except NotNow as error:
                    wait = max(error.retry_after, _SOON)
                except LogyardError:
                    wait = _LOOK_SECONDS
            if wait:
                follower.failed(delivery, seconds=wait)
            else:
                follower.done(delivery)

    def _has_many(self) -> bool:
        """So many files that looking at each of them every second would be felt."""
        return self._follower is not None and len(self._follower.files) > _MANY

    def _is_reading(self) -> bool:
        """Something could not be handed in, and will be tried again; or cannot be told from what has been read yet."""
        follower = self._follower
        if follower is None:
            return False
        return follower.is_waiting or any(
            file.busy or (file.is_ready and not file.trouble and not file.known.finished) for file in follower.files
        )

    async def _collect_some(self, deliveries: Sequence[Delivery]) -> None:
        """Of little at a time the cost is in the times: let more come together."""
        if sum(delivery.bytes for delivery in deliveries) < _LITTLE and len(deliveries) < self._config.open_files:
            await asyncio.sleep(0 if self._finishing else self._config.batch_seconds)

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), seconds)
        self._wake.clear()

    def _save(self) -> None:
        # A full disk keeps nobody from reading: the log has what is not saved.
        if self._checkpoints is not None:
            with contextlib.suppress(NotNow):
                self._checkpoints.save()

    def _close(self) -> None:
        self._save()
        with self._lock:
            if self._follower is not None:
                self._follower.close()


def _lines(config: FilesConfig) -> LineSettings:
    return LineSettings(
        format=config.format,
        grok=config.grok,
        types=config.types,
        multiline=config.multiline,
        customs=Customs(zone=config.zone, date_order=config.date_order, year=config.year),
    )


def _options(config: FilesConfig) -> TailOptions:
    known = {
        "service": config.service,
        "host": config.host or socket.gethostname(),
        "level": config.level,
        **config.fields,
    }
    return TailOptions(
        include=config.include,
        exclude=config.exclude,
        constants={name: text for name, text in known.items() if text},
        read_from=config.read_from,
        new_files=config.new_files,
        ignore_older=config.ignore_older,
        max_line_bytes=config.max_line_bytes,
        long_lines=config.long_lines,
        encoding=check_encoding(config.encoding),
        invalid=config.invalid,
        hold_seconds=hold_seconds(_lines(config)),
        block_bytes=_BLOCK,
        flush_idle=config.flush_idle,
        rotate_wait=config.rotate_wait,
        delete_after=config.delete_after,
        open_files=config.open_files,
    )
