"""Logs of containers onto the terminal: one as it comes, several merged; words for people on stderr, on a terminal."""

import contextlib
import math
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec

from logyard.agent.v1 import agent_pb2 as pb
from logyard.cli.agent_remote import Agent
from logyard.cli.log_lines import LogLine, Look, Show, shower
from logyard.cli.log_merge import WINDOW, Merge, Said
from logyard.cli.log_source import LogSource, lines_of
from logyard.cli.output import write_bytes
from logyard.cli.terminal import is_terminal, without_controls
from logyard.clock import SystemClock
from logyard.errors import LogyardError, NotFound

__all__ = ["Wanted", "print_logs"]

_STDOUT: Final = 1
_INTERRUPTED: Final = 130


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Whose logs, which part of them, and how they look."""

    names: tuple[str, ...]
    labels: tuple[str, ...]
    request: pb.LogsRequest
    look: Look
    since: str
    """As it was given."""

    def request_for(self, name: str) -> pb.LogsRequest:
        """The same request for one container."""
        request = pb.LogsRequest()
        request.CopyFrom(self.request)
        request.container_identifier = name
        request.timestamps = not self.look.plain or len(self.names) != 1 or bool(self.labels)
        return request


def print_logs(agent: Agent, wanted: Wanted) -> int:
    """The exit code."""
    try:
        if len(wanted.names) == 1 and not wanted.labels:
            _introduce(wanted, wanted.names[0])
            return _print_one(agent, wanted)
        return _Several(agent, wanted).run()
    except KeyboardInterrupt:
        _say("Log streaming interrupted by user")
        return _INTERRUPTED


def _introduce(wanted: Wanted, name: str) -> None:
    _say(f"{'Following' if wanted.request.follow else 'Getting'} logs for container '{name}'...")
    if wanted.request.tail:
        _say(f"Showing last {wanted.request.tail} lines")
    if wanted.since:
        _say(f"Logs since {wanted.since}{' ago' if wanted.since[-1:] in set('smhdw') else ''}")


def _say(words: str) -> None:
    if is_terminal(sys.stderr):
        write_bytes(b"", f"{without_controls(words)}\n".encode())


def _print_one(agent: Agent, wanted: Wanted) -> int:
    source = LogSource(agent, wanted.request_for(wanted.names[0]))
    show = None if wanted.look.plain else shower(wanted.look)
    try:
        for piece in source.pieces():
            if isinstance(piece, str):
                _notice(piece)
            elif show is None:
                _write_runs(piece)
            else:
                _write_lines(lines_of(piece, 0), (source.name,), show)
    finally:
        source.stop()
    return 0


def _notice(words: str) -> None:
    """Lost lines must be known wherever stderr goes; all else is for people."""
    if "are lost" in words:
        write_bytes(b"", f"logyard: {words}\n".encode())
    else:
        _say(words)


def _write_runs(batch: pb.LogBatch) -> None:
    """Exact bytes, each stream to its own; one write where all are of one."""
    if len(batch.streams) == 1:
        _write(batch.streams[0], batch.data)
        return
    start, at, before = 0, 0, batch.streams[0] if batch.streams else _STDOUT
    for stream, size in zip(batch.streams, batch.sizes, strict=True):
        if stream != before:
            _write(before, batch.data[start:at])
            start, before = at, stream
        at += size
    _write(before, batch.data[start:at])


def _write(stream: int, data: bytes) -> None:
    if stream == _STDOUT:
        write_bytes(data)
    else:
        write_bytes(b"", data)


def _write_lines(lines: Sequence[LogLine], names: Sequence[str], show: Show) -> None:
    for stream, text in _runs(lines, names, show):
        _write(stream, text)


def _runs(lines: Sequence[LogLine], names: Sequence[str], show: Show) -> Iterator[tuple[int, bytes]]:
    held: list[bytes] = []
    before = _STDOUT
    for line in lines:
        if line.stream != before:
            yield before, b"".join(held)
            held, before = [], line.stream
        held.append(show(line, names[line.source]))
    yield before, b"".join(held)


class _Several:
    """Many logs at once: a thread for each, one that prints, and one that looks for new containers."""

    def __init__(self, agent: Agent, wanted: Wanted) -> None:
        self._agent, self._wanted = agent, wanted
        # Logs that end are merged exactly; of logs that go on, a silent one must not hold back the others.
        window = WINDOW if wanted.request.follow else math.inf
        self._merge = Merge(SystemClock().monotonic, window=window)
        self._names: list[str] = []
        """By number; a name may come again."""
        self._open: set[str] = set()
        self._sources: list[LogSource] = []
        self._ended = threading.Event()
        self._lock = threading.Lock()

    def run(self) -> int:
        """The exit code: 1 when one of them failed."""
        failures = 0
        try:
            for name in (*self._wanted.names, *self._matching()):
                self._add(name)
            if self._wanted.labels and self._wanted.request.follow:
                self._merge.open(-1)
                self._start(self._discover, "events")
            show = shower(self._wanted.look)
            for said in self._merge.batches():
                if not isinstance(said, Said):
                    _write_lines(said, self._names, show)
                elif said.error is not None:
                    failures += 1
                    write_bytes(b"", f"Error: {said.error}\n".encode())
                else:
                    _notice(said.words)
        finally:
            self._ended.set()
            self._merge.close()
            for source in list(self._sources):
                source.stop()
        return 1 if failures else 0

    def _matching(self) -> list[str]:
        """Running ones, or all where nothing is followed."""
        if not self._wanted.labels:
            return []
        request = pb.ListRequest(all=not self._wanted.request.follow, labels=self._wanted.labels)
        found = self._agent.ask("List", request, pb.ListResponse).containers
        if not found and not self._wanted.request.follow:
            raise NotFound(f"No container has the label {' and '.join(self._wanted.labels)}")
        return [container.name for container in found]

    def _add(self, name: str) -> None:
        with self._lock:
            if name in self._open:
                return
            self._open.add(name)
            self._names.append(name)
            number = len(self._names) - 1
        _introduce(self._wanted, name)
        source = LogSource(self._agent, self._wanted.request_for(name))
        self._sources.append(source)
        self._merge.open(number)
        self._start(lambda: self._read(source, number), name)

    def _start(self, work: Callable[[], None], name: str) -> None:
        threading.Thread(target=work, name=name, daemon=True).start()

    def _read(self, source: LogSource, number: int) -> None:
        try:
            for piece in source.pieces():
                if isinstance(piece, str):
                    self._merge.put(Said(number, words=piece))
                else:
                    self._merge.put(Said(number, lines=lines_of(piece, number)))
        except LogyardError as error:
            self._merge.put(Said(number, error=error))
            return
        self._forget(source, number)
        self._merge.put(Said(number, over=True))

    def _forget(self, source: LogSource, number: int) -> None:
        """A log that is over may begin again under its name."""
        with self._lock:
            self._sources.remove(source)
            self._open.discard(self._names[number])

    def _discover(self) -> None:
        """Containers that start later; an engine that goes away meanwhile is asked again."""
        while not self._ended.is_set():
            with contextlib.suppress(LogyardError), self._agent.errors():
                for event in self._agent.stream("Events", pb.EventsRequest(), pb.Event):
                    self._look_again(event)
            self._ended.wait(1.0)

    def _look_again(self, event: pb.Event) -> None:
        """Not every engine's events have labels: ask for the list."""
        if event.action in {"connected", "start"}:
            for name in self._matching():
                self._add(name)
