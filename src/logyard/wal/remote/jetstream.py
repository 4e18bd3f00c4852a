"""A journal in a JetStream stream. The client lives on an event loop of its own, in a thread of its own.

Every message says which sequence it expects before it, so the stream is a chain: a message that was lost on the way
cannot be followed by another, a message that was late cannot get in, and a process that was replaced cannot write.
``Nats-Msg-Id`` makes it safe to say the same again when an answer was lost.
"""

import asyncio
import itertools
import json
import logging
import os
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from functools import partial
from typing import Final, TypeVar

from nats.js import JetStreamContext
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DeliverPolicy,
    DiscardPolicy,
    StorageType,
    StreamConfig,
    StreamInfo,
)
from nats.js.errors import NotFoundError

from logyard.errors import Backpressure, DiskFull, LogyardError, NotNow, StoreFailed
from logyard.wal.remote.address import Address
from logyard.wal.remote.journal import Entry, Span
from logyard.wal.remote.nats_client import NotAsExpectedError, check_buffer, connected, message_limit, numbered, told

__all__ = ["OPTIONS", "JetStream"]

OPTIONS: Final[Mapping[str, str]] = {"replicas": "3", "timeout": "5", "start": "30", "max_bytes": "-1"}
"""``timeout``: seconds until an append is refused; ``start``: until a start gives up; ``max_bytes`` of the stream."""

_FETCHED: Final = 16
"""Messages asked for at once ..."""
_PAGE_BYTES: Final = 16 << 20
"""... until there are so many bytes."""
_GRACE: Final = 5.0
"""Seconds that a call may take beyond its own limit."""
_REPEATS_SECONDS: Final = 120
_FIRST_DELAY: Final = 0.05
_LONGEST_DELAY: Final = 1.0
Answer = TypeVar("Answer")
_log = logging.getLogger("logyard")


class JetStream:
    """``journal.Journal`` on NATS."""

    def __init__(self, url: str, node: str) -> None:
        """Connects. Raises ``BadConfig``, ``MissingPart``, ``StoreFailed``."""
        self._address = Address.parse(url, options=OPTIONS)
        self.name = f"{self._address.name}-{node}"
        self._seconds = self._address.number("timeout", least=0.1)
        self._patience = self._address.number("start")
        self._replicas = int(self._address.number("replicas"))
        self._subject = f"logyard.buffer.{self.name}"
        self.capacity = int(self._address.number("max_bytes", least=-1))
        """Bytes that the stream may hold; -1: no limit of its own."""
        self._owner = os.urandom(8).hex()
        self._last = 0
        self._cursors_last = 0
        self._created = ""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="buffer-nats", daemon=True)
        self._thread.start()
        try:
            self._client = self._call(connected(self._address, self._patience), self._patience + _GRACE)
            self._stream: JetStreamContext = self._client.jetstream(timeout=self._seconds)
            self.limit = message_limit(self._client.max_payload)
        except BaseException:
            self._end()
            raise

    def claim(self, entry: Entry) -> Span:
        """Write behind everything there is; whoever was there before finds the chain broken."""
        return self._insist(partial(self._claimed, entry))

    def read(self, span: Span) -> Iterator[tuple[int, bytes]]:
        """The messages of a span, in order."""
        following = span.first
        while following <= span.last:
            page = self._insist(partial(self._page, following, span.last))
            yield from page
            following = page[-1][0] + 1

    def append(self, entries: Sequence[Entry]) -> Sequence[int]:
        """Return when all are kept on a quorum."""
        return self._call(self._appended(entries), self._seconds + _GRACE)

    def refresh(self) -> bytes:
        """Find the end anew."""
        return self._call(self._refreshed(), self._seconds + _GRACE)

    def load(self) -> Mapping[str, int]:
        """The cursors that were saved last; takes them over."""
        return self._insist(self._loaded)

    def save(self, cursors: Mapping[str, int]) -> None:
        """Keep the cursors on a quorum."""
        self._call(self._saved(cursors), self._seconds + _GRACE)

    def purge(self, through: int) -> None:
        """Remove messages up to a sequence, but never the last one: it says who wrote it."""
        self._call(self._purged(min(through, self._last - 1)), self._seconds + _GRACE)

    def close(self) -> None:
        """End the connection and the thread."""
        self._end()

    def _call(self, work: Coroutine[None, None, Answer], seconds: float) -> Answer:
        """From any thread but the client's. Raises ``NotNow`` for what the client raises."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(seconds)
        except TimeoutError as error:
            future.cancel()
            raise NotNow(f"NATS does not answer ({self.name})") from error

    def _insist(self, attempt: Callable[[], Awaitable[Answer]]) -> Answer:
        return self._call(self._within(self._patience, attempt), self._patience + _GRACE)

    def _end(self) -> None:
        client = getattr(self, "_client", None)
        if client is not None:
            try:
                self._call(client.close(), _GRACE)
            except NotNow as error:
                _log.debug("%s", error)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_GRACE)
        if not self._thread.is_alive():
            self._loop.close()

    # On the client's loop.

    async def _within(self, seconds: float, attempt: Callable[[], Awaitable[Answer]]) -> Answer:
        """Try again and again; ``StoreFailed`` in the end."""
        deadline = self._loop.time() + seconds
        delay = _FIRST_DELAY
        while True:
            try:
                return await attempt()
            except NotNow as error:
                if self._loop.time() + delay > deadline:
                    raise StoreFailed(f"cannot open the buffer {self.name}: {error}") from error
            await asyncio.sleep(delay)
            delay = min(2 * delay, _LONGEST_DELAY)

    async def _claimed(self, entry: Entry) -> Span:
        info = await self._made(self._journal_config())
        check_buffer(info.config, self._replicas)
        self._created = str(info.created)
        self._last = info.state.last_seq
        # The answer to an earlier try may have been lost.
        if await self._message(self.name, self._last) != entry.data:
            await self._published([entry], self._seconds)
        return Span((await self._info(self.name)).state.first_seq, self._last)

    async def _made(self, wanted: StreamConfig) -> StreamInfo:
        """The stream, made when there is none."""
        name = str(wanted.name)
        with told(name):
            try:
                return await self._stream.stream_info(name)
            except NotFoundError:
                await self._stream.add_stream(wanted)
                return await self._stream.stream_info(name)

    def _journal_config(self) -> StreamConfig:
        return StreamConfig(
            name=self.name,
            subjects=[self._subject],
            num_replicas=self._replicas,
            storage=StorageType.FILE,
            # Nothing goes by itself: what the stream cannot take is refused.
            discard=DiscardPolicy.NEW,
            max_bytes=self.capacity,
            duplicate_window=_REPEATS_SECONDS,
            deny_delete=True,
        )

    def _cursors_config(self) -> StreamConfig:
        return StreamConfig(
            name=f"{self.name}-cursors",
            subjects=[f"logyard.cursors.{self.name}"],
            num_replicas=self._replicas,
            storage=StorageType.FILE,
            max_msgs=1,
        )

    async def _info(self, name: str) -> "StreamInfo":
        with told(name):
            return await self._stream.stream_info(name)

    async def _appended(self, entries: Sequence[Entry]) -> Sequence[int]:
        try:
            return await self._published(entries, self._seconds)
        except NotAsExpectedError as error:
            raise NotNow(f"the stream {self.name} has been written to by another process") from error

    async def _published(self, entries: Sequence[Entry], seconds: float) -> Sequence[int]:
        """All of them, those again that no answer came for; the chain keeps their order."""
        deadline = self._loop.time() + seconds
        delay = _FIRST_DELAY
        sequences: list[int] = []
        while True:
            left = max(deadline - self._loop.time(), _FIRST_DELAY)
            rest = entries[len(sequences) :]
            tries = (self._publish(entry, self._last + place, left) for place, entry in enumerate(rest))
            answers = await asyncio.gather(*tries)
            kept = list(itertools.takewhile(lambda each: isinstance(each, int), answers))
            failure = answers[len(kept)] if len(kept) < len(answers) else None
            for sequence in kept:
                self._last = int(str(sequence))
                sequences.append(self._last)
            if failure is None:
                return sequences
            if isinstance(failure, Exception) and self._is_final(failure, deadline - delay):
                raise failure
            await asyncio.sleep(delay)
            delay = min(2 * delay, _LONGEST_DELAY)

    async def _publish(self, entry: Entry, after: int, seconds: float) -> int | LogyardError:
        """The sequence, or why there is none."""
        headers = {"Nats-Msg-Id": entry.id, "Nats-Expected-Last-Sequence": str(after)}
        try:
            with told(self.name):
                ack = await self._stream.publish(
                    self._subject, entry.data, timeout=seconds, stream=self.name, headers=headers
                )
        except LogyardError as error:
            return error
        return ack.seq if ack.seq == after + 1 else NotAsExpectedError(f"{entry.id} stands at {ack.seq}")

    async def _refreshed(self) -> bytes:
        self._last = (await self._info(self.name)).state.last_seq
        return await self._message(self.name, self._last)

    async def _message(self, name: str, sequence: int) -> bytes:
        """One message; empty when there is none."""
        if sequence < 1:
            return b""
        with told(name):
            try:
                return (await self._stream.get_msg(name, seq=sequence)).data or b""
            except NotFoundError:
                return b""

    async def _page(self, first: int, last: int) -> list[tuple[int, bytes]]:
        """Some messages from ``first`` on."""
        config = ConsumerConfig(
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=first,
            ack_policy=AckPolicy.NONE,
            inactive_threshold=60,
            mem_storage=True,
            num_replicas=1,
        )
        found: list[tuple[int, bytes]] = []
        size = 0
        with told(self.name):
            source = await self._stream.pull_subscribe(self._subject, stream=self.name, config=config)
            try:
                while first + len(found) <= last and size < _PAGE_BYTES:
                    count = min(_FETCHED, last - first - len(found) + 1)
                    more = numbered(await source.fetch(count, timeout=self._seconds), first + len(found))
                    size += sum(len(data) for _, data in more)
                    found += more
            finally:
                await source.unsubscribe()
        return found

    async def _loaded(self) -> Mapping[str, int]:
        info = await self._made(self._cursors_config())
        self._cursors_last = info.state.last_seq
        saved = json.loads(await self._message(f"{self.name}-cursors", self._cursors_last) or b"{}")
        # Of another stream of the same name, which was deleted: it says nothing about this one.
        table: Mapping[str, int] = saved["cursors"] if saved.get("stream") == self._created else {}
        await self._save(table)
        return table

    async def _saved(self, cursors: Mapping[str, int]) -> None:
        try:
            await self._save(cursors)
        except NotAsExpectedError as error:
            if not await self._mine():
                raise NotNow(f"another process keeps the cursors of {self.name}") from error
            raise NotNow(f"the answer about the cursors of {self.name} was lost") from error

    async def _save(self, cursors: Mapping[str, int]) -> None:
        text = json.dumps({"stream": self._created, "owner": self._owner, "cursors": dict(cursors)}).encode()
        headers = {"Nats-Expected-Last-Sequence": str(self._cursors_last)}
        with told(self.name):
            ack = await self._stream.publish(f"logyard.cursors.{self.name}", text, headers=headers)
        self._cursors_last = ack.seq

    async def _mine(self) -> bool:
        """Whether the last cursors are of this process: then the next ones go behind them."""
        name = f"{self.name}-cursors"
        last = (await self._info(name)).state.last_seq
        mine = bool(json.loads(await self._message(name, last) or b"{}").get("owner") == self._owner)
        if mine:
            self._cursors_last = last
        return mine

    async def _purged(self, through: int) -> None:
        if through < 1:
            return  # 0 would mean everything
        with told(self.name):
            await self._stream.purge_stream(self.name, seq=through + 1)

    def _is_final(self, failure: Exception, deadline: float) -> bool:
        """Not to be tried again: refused for good, or too late."""
        passing = isinstance(failure, NotNow) and not isinstance(failure, Backpressure | DiskFull | NotAsExpectedError)
        return not passing or self._loop.time() > deadline
