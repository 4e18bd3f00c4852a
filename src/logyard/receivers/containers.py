"""Container logs of this machine into the inlet, exactly once, over restarts of us and of the containers.

    engine events ──► which containers ──► a follow each ──► batches ──► inlet.accept ──► cursor on the disk

For each container there is a file ``<folder>/<container id>``: the cursor behind what the inlet has accepted, and,
while a batch is on its way, the cursor behind that batch. A batch is named after the container and both cursors. Should
we die on the way, the same lines are read again as the same batch, and the inlet knows its name: it is stored once. A
container that is gone is forgotten by removing its file.

A line that is a JSON object is taken as one; any other is the message. Added are ``container`` (its name),
``container_id``, ``image``, ``output`` (stdout or stderr; ``stream`` is the store's word for something else), and its
labels under ``labels``. ``service`` is the label ``logyard.service``, else the compose service, else the container's
name, unless the line says one itself. A container labelled ``logyard.collect=false`` is left alone.
"""

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final, cast

import msgspec

from logyard import registry
from logyard.agent.cursor import Cursor
from logyard.agent.cursor import parse as parse_cursor
from logyard.agent.driver import Container, Driver, EngineDown, Line, has_labels
from logyard.agent.follow import Lines, Request, read
from logyard.agent.stamps import iso
from logyard.clock import SystemClock
from logyard.errors import BadInput, LogyardError, NotNow
from logyard.formats.json.lines import validate
from logyard.model.batch import Encoded
from logyard.ports import Inlet, Submission
from logyard.registry import component

__all__ = ["Containers", "ContainersConfig"]

_OPT_OUT: Final = "logyard.collect"
_SERVICE_LABELS: Final = ("logyard.service", "com.docker.compose.service")
_STREAMS: Final = {1: "stdout", 2: "stderr"}
_LOOK_AGAIN: Final = 1.0
_LONGEST_PAUSE: Final = 30.0
_log = logging.getLogger("logyard")


class ContainersConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose logs, and where the cursors lie."""

    driver: str = "docker"
    """A component under ``drivers``."""
    settings: dict[str, object] = {}
    """Of the driver."""
    folder: str = "data/containers"
    """A file for each container: how far its log is stored."""
    labels: tuple[str, ...] = ()
    """Only containers that have all of these, ``key`` or ``key=value``; empty: all."""
    batch_lines: int = 5000
    """Most lines of one batch."""


class _Place(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One file."""

    cursor: str = ""
    pending: str = ""
    """Behind a batch that may or may not have been accepted."""


@component("containers", config=ContainersConfig, example='driver = "docker"\nlabels = ["app=shop"]\n')
class Containers:
    """Logs of this machine's containers, with container, image and labels."""

    name: ClassVar[str] = "containers"

    def __init__(self, config: ContainersConfig) -> None:
        self._config = config
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._collectors: dict[str, _Collector] = {}

    async def run(self, inlet: Inlet) -> None:
        """Until cancelled. An engine that is away is waited for."""
        config = self._config
        driver = cast("Driver", registry.build("drivers", {**config.settings, "type": config.driver}, path="settings"))
        _make(config.folder)
        try:
            while True:
                with contextlib.suppress(EngineDown):
                    await self._watch(driver, inlet)
                await asyncio.sleep(_LOOK_AGAIN)
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _watch(self, driver: Driver, inlet: Inlet) -> None:
        """Follow what is there and what comes, until the engine goes away."""
        async for event in driver.events():
            if event.action in {"connected", "start"}:
                # Not every engine's events have labels: the list has.
                for container in [each for each in await driver.containers() if event.id in {"", each.id}]:
                    self._consider(container, driver, inlet)
            elif event.action == "remove":
                self._forget(event.id)

    def _consider(self, container: Container, driver: Driver, inlet: Inlet) -> None:
        if not has_labels(container.labels, self._config.labels) or container.labels.get(_OPT_OUT) == "false":
            return
        collector, task = self._collectors.get(container.id), self._tasks.get(container.id)
        if collector is not None and task is not None and not task.done():
            collector.due = True
            return
        collector = self._collectors[container.id] = _Collector(driver, inlet, self._config)
        self._tasks[container.id] = asyncio.create_task(collector.run(container), name=f"logs {container.name}")

    def _forget(self, container_id: str) -> None:
        """Its log is gone with it; what was read of it is on its way or stored."""
        task = self._tasks.pop(container_id, None)
        self._collectors.pop(container_id, None)
        path = Path(self._config.folder) / container_id

        def unlink(_: object = None) -> None:
            path.unlink(missing_ok=True)

        if task is None or task.done():
            unlink()
        else:
            task.add_done_callback(unlink)


class _Collector:
    """One container's log into the inlet."""

    def __init__(self, driver: Driver, inlet: Inlet, config: ContainersConfig) -> None:
        self._driver, self._inlet, self._config = driver, inlet, config
        self.due = True
        """It has started (again): there is something to read, or will be."""

    async def run(self, container: Container) -> None:
        """Until the container has ended and all is stored."""
        while self.due:
            self.due = False
            await self._once(container)

    async def _once(self, container: Container) -> None:
        path = Path(self._config.folder) / container.id
        place = _load(path)
        cursor = parse_cursor(place.cursor) if place.cursor else Cursor(container.id)
        if place.pending:
            cursor = await self._again(container, path, place)
        request = Request(name=container.id, follow=True, cursor=cursor, linger=0.0)
        try:
            async for said in read(self._driver, request, SystemClock()):
                if isinstance(said, Lines):
                    cursor = await self._store(container, path, cursor=cursor, lines=said.lines)
        except (EngineDown, BadInput) as error:
            _log.info("logs of %s: %s", container.name, error)

    async def _again(self, container: Container, path: Path, place: _Place) -> Cursor:
        """The batch that was on its way when we died: just these lines, under the same name."""
        start = parse_cursor(place.cursor) if place.cursor else Cursor(container.id)
        end = parse_cursor(place.pending)
        lines: list[Line] = []
        cursor = start
        async for line in self._lines_after(container, start):
            if cursor == end:
                break
            lines.append(line)
            cursor = cursor.after([line])
        if cursor == end:
            await self._send(container, lines, f"{place.cursor}>{place.pending}")
        _save(path, _Place(cursor=place.pending))
        return end

    async def _lines_after(self, container: Container, cursor: Cursor) -> AsyncIterator[Line]:
        request = Request(name=container.id, cursor=cursor if cursor.count else None)
        async for said in read(self._driver, request, SystemClock()):
            for line in said.lines if isinstance(said, Lines) else ():
                yield line

    async def _store(self, container: Container, path: Path, *, cursor: Cursor, lines: Sequence[Line]) -> Cursor:
        """Durable before the cursor moves."""
        for start in range(0, len(lines), self._config.batch_lines):
            part = lines[start : start + self._config.batch_lines]
            end = cursor.after(part)
            before = str(cursor) if cursor.count else ""
            _save(path, _Place(cursor=before, pending=str(end)))
            await self._send(container, part, f"{before}>{end}")
            _save(path, _Place(cursor=str(end)))
            cursor = end
        return cursor

    async def _send(self, container: Container, lines: Sequence[Line], key: str) -> None:
        body = _encoded(container, lines)
        if body is None:
            return
        pause = 0.1
        while True:
            try:
                await self._inlet.accept(Submission(body=body, key=f"containers:{container.id}:{key}"))
            except NotNow as error:
                await asyncio.sleep(max(error.retry_after, pause))
                pause = min(2 * pause, _LONGEST_PAUSE)
            except LogyardError as error:
                _log.error("lines of %s are lost: %s", container.name, error)
                return
            else:
                return


def _encoded(container: Container, lines: Sequence[Line]) -> Encoded | None:
    """The lines as JSON lines: what is an object stays one, with the container's fields in front of its own."""
    known = _known(container)
    texts = [_text(line, known) for line in lines if line.data.strip()]
    if not texts:
        return None
    found = validate(b"\n".join(texts))
    if found.rejected:
        reason = found.rejected[0].reason
        _log.error("%d lines of %s are lost: %s", len(found.rejected), container.name, reason)
    return found.encoded


def _known(container: Container) -> Mapping[str, object]:
    service = next((container.labels[name] for name in _SERVICE_LABELS if container.labels.get(name)), container.name)
    return {
        "service": service,
        "container": container.name,
        "container_id": container.id,
        "image": container.image,
        **({"labels": dict(container.labels)} if container.labels else {}),
    }


def _text(line: Line, known: Mapping[str, object]) -> bytes:
    row = {**known, "output": _STREAMS[line.stream], "timestamp": iso(line.time)}
    if line.data.startswith(b"{"):
        with contextlib.suppress(msgspec.DecodeError):
            said = msgspec.json.decode(line.data, type=dict[str, object])
            return msgspec.json.encode(said | {name: value for name, value in row.items() if name not in said})
    return msgspec.json.encode(row | {"message": line.data.rstrip(b"\r\n").decode(errors="replace")})


def _make(folder: str) -> None:
    Path(folder).mkdir(parents=True, exist_ok=True)


def _load(path: Path) -> _Place:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Place)
    except FileNotFoundError:
        return _Place()


def _save(path: Path, place: _Place) -> None:
    """Whole or not at all, and before what follows."""
    new = path.with_suffix(".new")
    with new.open("wb") as file:
        file.write(msgspec.json.encode(place))
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
