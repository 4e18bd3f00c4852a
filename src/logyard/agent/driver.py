"""The port of the agent: what it asks of whatever runs containers, and the values that go through it.

A driver is a component of the family ``drivers``. All methods are called on one event loop, concurrently. A container
is named by its name, its id, or the beginning of its id. Besides what is said at each method, all raise ``EngineDown``
when the engine cannot be reached (try again later) and ``EngineFailed`` with the engine's own words.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import ClassVar, Final, NamedTuple, Protocol

import msgspec

from logyard.errors import BadInput, LogyardError, NotFound, NotNow

__all__ = [
    "STDERR",
    "STDOUT",
    "AlreadyExists",
    "Container",
    "ContainerEvent",
    "Driver",
    "EngineDown",
    "EngineFailed",
    "Exec",
    "ExecSession",
    "Host",
    "Launch",
    "Line",
    "NoSuchContainer",
    "Reading",
    "Sample",
    "WrongState",
    "has_labels",
]

STDOUT: Final = 1
STDERR: Final = 2


class NoSuchContainer(NotFound):
    """There is no container of this name or id."""

    def __init__(self, name: str) -> None:
        """``name`` as it was asked for."""
        super().__init__(f"Container '{name}' not found")
        self.name = name


class AlreadyExists(BadInput):
    """The name is taken."""


class WrongState(BadInput):
    """The container does not run, or runs and must not."""


class EngineDown(NotNow):
    """The engine cannot be reached."""


class EngineFailed(LogyardError):
    """The engine refused or broke; carries its own words."""


class Line(NamedTuple):
    """One line of a log, or, in a reading without times, a run of the output of one stream."""

    time: int
    """Nanoseconds since the Unix epoch; 0 in a reading without times."""
    stream: int
    """``STDOUT`` or ``STDERR``."""
    data: bytes
    """With its line feed, if it has one."""


class Container(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one container."""

    id: str
    name: str
    image: str
    command: Sequence[str] = ()
    state: str = ""
    """created, running, paused, restarting, exited or dead."""
    exit_code: int = 0
    oom_killed: bool = False
    tty: bool = False
    labels: Mapping[str, str] = {}
    created: int = 0
    """Nanoseconds since the Unix epoch, as ``started`` and ``finished``; 0 for never."""
    started: int = 0
    finished: int = 0
    restarts: int = 0
    detail: str = ""
    """What the engine says, as JSON; empty in a list."""
    log_path: str = ""
    """Where the engine writes the log, when it says so."""

    @property
    def alive(self) -> bool:
        """It runs, or will at once."""
        return self.state in {"running", "paused", "restarting"}


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """What to launch."""

    image: str
    """For the process driver a program."""
    name: str = ""
    command: Sequence[str] = ()
    env: Mapping[str, str] = {}
    labels: Mapping[str, str] = {}
    workdir: str = ""
    user: str = ""
    tty: bool = False
    network: str = ""
    memory: int = 0
    """Bytes; 0: no limit."""
    restart: str = ""


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of a log a driver is asked for. It may give more, before and after; ``window.py`` cuts exactly."""

    since: int = 0
    """Nanoseconds; at least all lines from then on."""
    tail: int = 0
    """At least the last N lines; 0: all. Never together with ``follow``."""
    follow: bool = False
    """Go on until the container ends."""
    timed: bool = True
    """False: runs of output will do, and ``stdout`` and ``stderr`` choose among them."""
    stdout: bool = True
    stderr: bool = True


class Exec(msgspec.Struct, frozen=True, kw_only=True):
    """A command to run in a container."""

    command: Sequence[str]
    tty: bool = False
    interactive: bool = False
    env: Mapping[str, str] = {}
    workdir: str = ""
    user: str = ""
    columns: int = 0
    rows: int = 0


class ContainerEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Something happened to a container."""

    time: int
    action: str
    """connected (no container: nothing after it is missed), create, start, die, oom, stop, kill, restart, pause,
    unpause, rename or remove."""
    id: str = ""
    name: str = ""
    image: str = ""
    labels: Mapping[str, str] = {}
    exit_code: int = 0


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """What a container uses."""

    time: int
    cpu: int = 0
    """Nanoseconds of processor time since its start."""
    memory: int = 0
    """Bytes, without what is only cache."""
    memory_limit: int = 0
    received: int = 0
    sent: int = 0
    processes: int = 0


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """Where the containers are."""

    name: str
    version: str
    """Of the engine."""
    system: str
    cpus: int
    memory: int
    containers: int
    running: int


class ExecSession(Protocol):
    """A command under way. One caller; ``output`` at the same time as the others."""

    def output(self) -> AsyncIterator[Sequence[Line]]:
        """What it writes, until it ends; with a terminal all of it is ``STDOUT``."""
        ...

    async def write(self, data: bytes) -> None:
        """To its stdin. Returns when there is room for more."""
        ...

    async def close_stdin(self) -> None:
        """End of its stdin."""
        ...

    async def resize(self, columns: int, rows: int) -> None:
        """Of its terminal; nothing without one."""
        ...

    async def signal(self, number: int) -> None:
        """Send it a signal. Raises ``WrongState`` where that cannot be done."""
        ...

    async def exit_code(self) -> int:
        """After ``output`` has ended; 128 + n for a signal n."""
        ...

    async def close(self) -> None:
        """Let go of it; a command that still runs is left alone where the engine cannot end it."""
        ...


class Driver(Protocol):
    """An engine, seen by the agent."""

    name: ClassVar[str]

    async def launch(self, launch: Launch) -> Container:
        """Create and start. Raises ``NotFound`` (no such image), ``AlreadyExists``, ``BadInput``."""
        ...

    async def stop(self, name: str, timeout: float) -> None:  # noqa: ASYNC109 - between two signals
        """Return when it has stopped; at once when it had. ``timeout`` in seconds, 0 for the engine's default."""
        ...

    async def remove(self, name: str, *, force: bool) -> None:
        """Raises ``WrongState`` for one that runs, without ``force``."""
        ...

    async def containers(self) -> Sequence[Container]:
        """All of them, running or not."""
        ...

    async def inspect(self, name: str) -> Container:
        """Raises ``NoSuchContainer``."""
        ...

    def lines(self, container: Container, reading: Reading) -> AsyncIterator[Sequence[Line]]:
        """The log, in the engine's order, many lines at a time. Lines are whole, however the engine cuts them. Ends
        where the log ends, in a following one where the container does. Nothing is read ahead of a slow caller.
        """
        ...

    async def exec(self, name: str, command: Exec) -> ExecSession:
        """Begin. Raises ``NoSuchContainer``, or ``WrongState`` when it does not run."""
        ...

    def events(self) -> AsyncIterator[ContainerEvent]:
        """From now on, first of all ``connected``; ends, or raises ``EngineDown``, when the engine goes away."""
        ...

    async def sample(self, name: str) -> Sample:
        """What it uses now. Raises ``WrongState`` when it does not run."""
        ...

    async def host(self) -> Host:
        """Where this is."""
        ...

    async def ping(self) -> None:
        """Return when the engine answers; cheap."""
        ...

    async def close(self) -> None:
        """Let everything go; nothing may be called afterwards."""
        ...


def has_labels(labels: Mapping[str, str], selectors: Sequence[str]) -> bool:
    """Whether all selectors hold: ``key`` or ``key=value``."""
    pairs = (selector.partition("=") for selector in selectors)
    return all(key in labels and (not equals or labels[key] == value) for key, equals, value in pairs)
