"""The JSON of the Engine API, as structs: only the fields that are used, missing ones forgiven."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from logyard.agent.driver import Container, ContainerEvent, Host, Launch, Sample
from logyard.agent.stamps import Stamps

__all__ = ["Created", "Event", "Info", "Inspected", "Listed", "Stats", "Version", "create_body"]

_ACTIONS: Final = {"init": "", "died": "die", "destroy": "remove", "cleanup": "", "container-start": "start"}
"""Words of one engine for what another calls differently; "" for what only one of them says."""


class _Wire(msgspec.Struct, rename="pascal"):
    """Keys are written ``LikeThis``."""


class Created(_Wire):
    """What a create gives."""

    id: str = ""


class Version(_Wire):
    """Of the engine."""

    version: str = ""


class _State(_Wire):
    status: str = ""
    exit_code: int = 0
    oom_killed: bool = msgspec.field(name="OOMKilled", default=False)
    started_at: str = ""
    finished_at: str = ""


class _Config(_Wire):
    image: str = ""
    cmd: Sequence[str] | None = None
    labels: Mapping[str, str] | None = None
    tty: bool = False


class Inspected(_Wire):
    """One container, looked into."""

    id: str
    name: str = ""
    created: str = ""
    log_path: str = ""
    restart_count: int = 0
    state: _State = msgspec.field(default_factory=_State)
    config: _Config = msgspec.field(default_factory=_Config)

    def container(self, detail: bytes) -> Container:
        """As a value of the port."""
        state, config = self.state, self.config
        return Container(
            id=self.id,
            name=self.name.removeprefix("/"),
            image=config.image,
            command=config.cmd or (),
            state="exited" if state.status == "stopped" else state.status,
            exit_code=state.exit_code,
            oom_killed=state.oom_killed,
            tty=config.tty,
            labels=config.labels or {},
            created=_time(self.created),
            started=_time(state.started_at),
            finished=_time(state.finished_at),
            restarts=self.restart_count,
            detail=detail.decode(),
            log_path=self.log_path,
        )


class Listed(_Wire):
    """One container of a list."""

    id: str
    names: Sequence[str] | None = None
    image: str = ""
    command: str | None = ""
    state: str = ""
    labels: Mapping[str, str] | None = None
    created: int = 0

    def container(self) -> Container:
        """As a value of the port; ``started`` and the like are not in a list."""
        return Container(
            id=self.id,
            name=next(iter(self.names or ()), "").removeprefix("/"),
            image=self.image,
            command=(self.command or "").split(),
            state="exited" if self.state == "stopped" else self.state,
            labels=self.labels or {},
            created=self.created * 1_000_000_000,
        )


class _Actor(_Wire):
    id: str = msgspec.field(name="ID", default="")
    attributes: Mapping[str, str] | None = None


class Event(msgspec.Struct):
    """One event."""

    action: str = msgspec.field(name="Action", default="")
    actor: _Actor = msgspec.field(name="Actor", default_factory=_Actor)
    time_nano: int = msgspec.field(name="timeNano", default=0)

    def event(self) -> ContainerEvent:
        """As a value of the port. Attributes that are no labels of the container's are the engine's own words."""
        attributes = dict(self.actor.attributes or {})
        code = attributes.pop("exitCode", "") or attributes.pop("containerExitCode", "")
        action = self.action.partition(":")[0]
        return ContainerEvent(
            time=self.time_nano,
            action=_ACTIONS.get(action, action),
            id=self.actor.id,
            name=attributes.pop("name", ""),
            image=attributes.pop("image", ""),
            labels=attributes,
            exit_code=int(code) if code.isdecimal() else 0,
        )


class _CpuUse(msgspec.Struct):
    total_usage: int = 0


class _Cpu(msgspec.Struct):
    cpu_usage: _CpuUse = msgspec.field(default_factory=_CpuUse)


class _Memory(msgspec.Struct):
    usage: int = 0
    limit: int = 0
    stats: Mapping[str, int] | None = None


class _Pids(msgspec.Struct):
    current: int = 0


class _Network(msgspec.Struct):
    rx_bytes: int = 0
    tx_bytes: int = 0


class Stats(msgspec.Struct):
    """What a container uses."""

    read: str = ""
    cpu_stats: _Cpu = msgspec.field(default_factory=_Cpu)
    memory_stats: _Memory = msgspec.field(default_factory=_Memory)
    pids_stats: _Pids = msgspec.field(default_factory=_Pids)
    networks: Mapping[str, _Network] | None = None

    def sample(self) -> Sample:
        """As a value of the port."""
        memory, networks = self.memory_stats, (self.networks or {}).values()
        held = memory.stats or {}
        cache = held.get("total_inactive_file", held.get("inactive_file", 0))
        return Sample(
            time=_time(self.read),
            cpu=self.cpu_stats.cpu_usage.total_usage,
            memory=max(0, memory.usage - cache),
            memory_limit=memory.limit,
            received=sum(network.rx_bytes for network in networks),
            sent=sum(network.tx_bytes for network in networks),
            processes=self.pids_stats.current,
        )


class Info(msgspec.Struct):
    """The engine and its machine."""

    name: str = msgspec.field(name="Name", default="")
    system: str = msgspec.field(name="OperatingSystem", default="")
    cpus: int = msgspec.field(name="NCPU", default=0)
    memory: int = msgspec.field(name="MemTotal", default=0)
    containers: int = msgspec.field(name="Containers", default=0)
    running: int = msgspec.field(name="ContainersRunning", default=0)

    def host(self, version: str) -> Host:
        """As a value of the port."""
        return Host(
            name=self.name,
            version=version,
            system=self.system,
            cpus=self.cpus,
            memory=self.memory,
            containers=self.containers,
            running=self.running,
        )


def create_body(launch: Launch) -> Mapping[str, object]:
    """The body of ``POST /containers/create``."""
    host: dict[str, object] = {"RestartPolicy": {"Name": launch.restart or "no"}}
    host |= {"NetworkMode": launch.network} if launch.network else {}
    host |= {"Memory": launch.memory, "MemorySwap": launch.memory} if launch.memory else {}
    return {
        "Image": launch.image,
        **({"Cmd": list(launch.command)} if launch.command else {}),
        "Env": [f"{name}={value}" for name, value in launch.env.items()],
        "Labels": dict(launch.labels),
        "WorkingDir": launch.workdir,
        "User": launch.user,
        "Tty": launch.tty,
        "OpenStdin": launch.tty,
        "HostConfig": host,
    }


def _time(text: str) -> int:
    """Nanoseconds; 0 for the year 1, which stands for never."""
    if not text or text.startswith("0001-"):
        return 0
    try:
        datetime.fromisoformat(text[:10])
    except ValueError:
        return 0
    return Stamps().parse(text.encode())
