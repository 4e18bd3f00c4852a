"""Plain processes instead of containers: the agent works where no engine does.

What would be an image is a program. Each process has a folder named by its id, with ``state`` (JSON) and ``log`` (the
CRI format, read as Podman's logs are), so that logs and exit codes outlive the agent. The processes themselves do not:
they end with it, and one that was left over by a killed agent is ended by the next.
"""

import asyncio
import contextlib
import os
import re
import secrets
import shutil
import signal
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import ClassVar, Final

import msgspec
from msgspec.structs import replace

from logyard.agent.cri_file import cri_lines
from logyard.agent.driver import (
    AlreadyExists,
    Container,
    ContainerEvent,
    Exec,
    ExecSession,
    Host,
    Launch,
    Line,
    NoSuchContainer,
    Reading,
    Sample,
    WrongState,
)
from logyard.agent.processes import exec as process_exec
from logyard.agent.processes.child import Child, Home
from logyard.agent.processes.proc import machine, started_at, used
from logyard.clock import SystemClock
from logyard.errors import BadInput
from logyard.registry import component

__all__ = ["Process", "ProcessConfig"]

_NAME: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")
_UNNAMED: Final = re.compile(r"[^a-zA-Z0-9_.-]+")
_WAITING_EVENTS: Final = 1000
_ID_BYTES: Final = 32


class ProcessConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the processes' logs are."""

    folder: str = "data/processes"
    log_bytes: int = 64 << 20
    """Bytes after which a log is rotated; the one before it is kept."""


class _State(msgspec.Struct, frozen=True, kw_only=True):
    """What lies on the disk beside a log."""

    container: Container
    pid: int = 0
    started_at: str = ""


@component("process", config=ProcessConfig, example='folder = "data/processes"\n')
class Process:
    """Processes of this machine, kept and logged as containers are."""

    name: ClassVar[str] = "process"

    def __init__(self, config: ProcessConfig) -> None:
        self._config = config
        self._clock = SystemClock()
        self._children: dict[str, Child] = {}
        self._listeners: set[asyncio.Queue[ContainerEvent]] = set()
        self._loaded = False

    async def launch(self, launch: Launch) -> Container:
        """Start a program."""
        children = self._all()
        id = secrets.token_hex(_ID_BYTES)  # noqa: A001 - the API's word
        name = launch.name or f"{_UNNAMED.sub('-', Path(launch.image).name).strip('-') or 'process'}-{id[:6]}"
        self._check(launch, name)
        if any(child.container.name == name for child in children.values()):
            raise AlreadyExists(f"Container '{name}' already exists")
        container = Container(
            id=id,
            name=name,
            image=launch.image,
            command=tuple(launch.command),
            state="created",
            tty=launch.tty,
            labels=launch.labels,
            created=self._clock.now(),
        )
        child = self._child(launch, container)
        child.home.folder.mkdir(parents=True)
        children[id] = child
        self._tell("create", container)
        try:
            await child.start()
        except BadInput:
            await self.remove(id, force=True)
            raise
        return child.container

    async def stop(self, name: str, timeout: float) -> None:  # noqa: ASYNC109 - the time between two signals
        """TERM, then KILL."""
        child = self._find(name)
        if child.pid or child.container.alive:
            await child.stop(timeout)
            self._tell("stop", child.container)

    async def remove(self, name: str, *, force: bool) -> None:
        """With its log."""
        child = self._find(name)
        if child.container.alive and not force:
            raise WrongState(f"Container '{name}' is running: stop it first, or remove it with force")
        if child.container.alive:
            child.signal(signal.SIGKILL)
            await child.stop(0)
        del self._children[child.container.id]
        shutil.rmtree(child.home.folder, ignore_errors=True)
        self._publish("remove", child.container)

    async def containers(self) -> Sequence[Container]:
        """All."""
        return [child.container for child in self._all().values()]

    async def inspect(self, name: str) -> Container:
        """One; the detail is what was asked for at its launch."""
        child = self._find(name)
        return replace(child.container, detail=msgspec.json.encode(child.launch).decode())

    async def lines(self, container: Container, reading: Reading) -> AsyncIterator[Sequence[Line]]:
        """Its log; the file before the present one first."""
        home = self._find(container.id).home

        async def ended() -> bool:
            child = self._children.get(container.id)
            return child is None or not child.pid or child.container.started != container.started

        old, old_reading = home.log.with_suffix(".old"), replace(reading, follow=False)
        if reading.tail:
            newest = [lines async for lines in cri_lines(home.log, reading, ended)]
            if sum(map(len, newest)) >= reading.tail:
                old = home.folder / "none"
        async for lines in cri_lines(old, old_reading, ended):
            yield lines
        async for lines in cri_lines(home.log, reading, ended):
            yield lines

    async def exec(self, name: str, command: Exec) -> ExecSession:
        """A command beside it."""
        child = self._find(name)
        child.running()
        return await process_exec.begin(child.launch, command)

    async def events(self) -> AsyncIterator[ContainerEvent]:
        """From now on."""
        queue: asyncio.Queue[ContainerEvent] = asyncio.Queue(_WAITING_EVENTS)
        self._listeners.add(queue)
        try:
            yield ContainerEvent(time=self._clock.now(), action="connected")
            while True:
                yield await queue.get()
        finally:
            self._listeners.discard(queue)

    async def sample(self, name: str) -> Sample:
        """What its session uses."""
        return used(self._find(name).running(), self._clock.now())

    async def host(self) -> Host:
        """This machine."""
        children = self._all().values()
        return machine(containers=len(children), running=sum(child.container.alive for child in children))

    async def ping(self) -> None:
        """The machine is always there."""

    async def close(self) -> None:
        """End all processes, politely; their logs stay."""
        await asyncio.gather(*(child.stop(0) for child in self._children.values() if child.container.alive))

    def _check(self, launch: Launch, name: str) -> None:
        if not _NAME.fullmatch(name):
            raise BadInput(f"{name!r} cannot be a name: letters, digits, '_', '.' and '-' can be in one")
        if launch.user or launch.network not in {"", "host"}:
            raise BadInput("a process has neither a user nor a network of its own")

    def _child(self, launch: Launch, container: Container) -> Child:
        folder = Path(self._config.folder) / container.id
        home = Home(folder=folder, log_bytes=self._config.log_bytes, clock=self._clock)
        return Child(launch, container, home, tell=self._tell)

    def _find(self, name: str) -> Child:
        children = self._all().values()
        for child in children:
            if name in {child.container.name, child.container.id}:
                return child
        found = [child for child in children if name and child.container.id.startswith(name)]
        if len(found) != 1:
            raise NoSuchContainer(name)
        return found[0]

    def _all(self) -> dict[str, Child]:
        """Everything there is; the first time, what an agent before us has left is found."""
        if not self._loaded:
            self._loaded = True
            for path in sorted(Path(self._config.folder).glob("*/state")):
                self._adopt(msgspec.json.decode(path.read_bytes(), type=_State))
        return self._children

    def _adopt(self, state: _State) -> None:
        container = state.container
        if container.alive:
            if state.pid and started_at(state.pid) == state.started_at:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(state.pid, signal.SIGKILL)
            container = replace(container, state="exited", exit_code=128 + signal.SIGKILL, finished=self._clock.now())
        launch = Launch(image=container.image, name=container.name, command=container.command, labels=container.labels)
        self._children[container.id] = self._child(launch, container)
        self._save(container)

    def _tell(self, action: str, container: Container) -> None:
        self._save(container)
        self._publish(action, container)

    def _save(self, container: Container) -> None:
        child = self._children.get(container.id)
        pid = child.pid if child is not None else 0
        state = _State(container=container, pid=pid, started_at=started_at(pid) if pid else "")
        folder = Path(self._config.folder) / container.id
        (folder / "state.new").write_bytes(msgspec.json.encode(state))
        (folder / "state.new").replace(folder / "state")

    def _publish(self, action: str, container: Container) -> None:
        event = ContainerEvent(
            time=self._clock.now(),
            action=action,
            id=container.id,
            name=container.name,
            image=container.image,
            labels=container.labels,
            exit_code=container.exit_code if action == "die" else 0,
        )
        for queue in self._listeners:
            with contextlib.suppress(asyncio.QueueFull):
                queue.put_nowait(event)
