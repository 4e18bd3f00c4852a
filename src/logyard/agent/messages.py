"""Values of the driver's port as messages of the .proto, and back."""

from collections.abc import Iterator, Sequence
from typing import Final

from logyard import __version__
from logyard.agent.driver import STDERR, STDOUT, Container, ContainerEvent, Exec, Host, Launch, Line, Sample
from logyard.agent.follow import Gap, Lines, Marker, Said
from logyard.agent.stamps import iso
from logyard.agent.v1 import agent_pb2 as pb

__all__ = [
    "batches",
    "container",
    "entries",
    "event",
    "exec_command",
    "host",
    "launch",
    "notice",
    "sample",
]

_STREAMS: Final = {STDOUT: "stdout", STDERR: "stderr"}
_MOST_BYTES: Final = 1 << 20
"""Bytes of lines in one response; gRPC takes 4 MB."""
_MOST_LINE: Final = 3 << 20


def container(found: Container) -> pb.Container:
    """One container."""
    return pb.Container(
        id=found.id,
        name=found.name,
        image=found.image,
        command=found.command,
        state=found.state,
        exit_code=found.exit_code,
        oom_killed=found.oom_killed,
        tty=found.tty,
        labels=found.labels,
        created_ns=found.created,
        started_ns=found.started,
        finished_ns=found.finished,
        restarts=found.restarts,
        detail_json=found.detail,
    )


def launch(asked: pb.LaunchRequest) -> Launch:
    """What to launch."""
    return Launch(
        image=asked.image,
        name=asked.name,
        command=tuple(asked.command),
        env=dict(asked.env),
        labels=dict(asked.labels),
        workdir=asked.workdir,
        user=asked.user,
        tty=asked.tty,
        network=asked.network,
        memory=asked.memory_bytes,
        restart=asked.restart,
    )


def exec_command(asked: pb.ExecStart) -> Exec:
    """What to run in a container."""
    return Exec(
        command=tuple(asked.command),
        tty=asked.tty,
        interactive=asked.interactive,
        env=dict(asked.env),
        workdir=asked.workdir,
        user=asked.user,
        columns=asked.size.columns,
        rows=asked.size.rows,
    )


def event(happened: ContainerEvent) -> pb.Event:
    """One event."""
    return pb.Event(
        time_ns=happened.time,
        action=happened.action,
        container_id=happened.id,
        container_name=happened.name,
        image=happened.image,
        labels=happened.labels,
        exit_code=happened.exit_code,
    )


def sample(now: Sample, before: Sample | None) -> pb.StatsSample:
    """What a container uses; the cores since the sample before."""
    cores = 0.0
    if before is not None and now.time > before.time:
        cores = (now.cpu - before.cpu) / (now.time - before.time)
    return pb.StatsSample(
        time_ns=now.time,
        cpu_cores=cores,
        cpu_ns=now.cpu,
        memory_bytes=now.memory,
        memory_limit_bytes=now.memory_limit,
        received_bytes=now.received,
        sent_bytes=now.sent,
        processes=now.processes,
    )


def host(found: Host, driver: str) -> pb.HostInfoResponse:
    """The agent's machine."""
    return pb.HostInfoResponse(
        host=found.name,
        driver=driver,
        engine_version=found.version,
        system=found.system,
        cpus=found.cpus,
        memory_bytes=found.memory,
        containers=found.containers,
        running=found.running,
        agent_version=__version__,
    )


def notice(said: Said) -> pb.LogsResponse:
    """What is said besides lines."""
    if isinstance(said, Gap):
        return pb.LogsResponse(gap=pb.LogGap(after_ns=said.after, before_ns=said.before))
    if isinstance(said, Marker):
        return pb.LogsResponse(marker=pb.LogMarker(kind=said.kind, container_id=said.container))
    return pb.LogsResponse(cursor=str(said.cursor))


def entries(said: Lines) -> Iterator[pb.LogsResponse]:
    """A response for each line; the last has the cursor. A line beyond what gRPC takes comes in pieces."""
    lines = list(_pieces(said.lines))
    for index, line in enumerate(lines):
        entry = pb.LogEntry(data=line.data, stream_type=_STREAMS[line.stream], timestamp=iso(line.time))
        last = index == len(lines) - 1 and said.cursor is not None
        yield pb.LogsResponse(entry=entry, cursor=str(said.cursor) if last else "")


def batches(said: Lines, *, timestamps: bool) -> Iterator[pb.LogsResponse]:
    """As few responses as gRPC takes; the last has the cursor."""
    held: list[Line] = []
    size = 0
    for line in _pieces(said.lines):
        if held and size + len(line.data) > _MOST_BYTES:
            yield pb.LogsResponse(batch=_batch(held, timestamps=timestamps))
            held, size = [], 0
        held.append(line)
        size += len(line.data)
    cursor = "" if said.cursor is None else str(said.cursor)
    yield pb.LogsResponse(batch=_batch(held, timestamps=timestamps), cursor=cursor)


def _batch(lines: Sequence[Line], *, timestamps: bool) -> pb.LogBatch:
    streams = bytes([line.stream for line in lines])
    alike = streams[:1] if streams.count(streams[:1]) == len(streams) else streams
    return pb.LogBatch(
        data=b"".join([line.data for line in lines]),
        sizes=[len(line.data) for line in lines],
        streams=alike,
        times=[line.time for line in lines] if timestamps else (),
    )


def _pieces(lines: Sequence[Line]) -> Iterator[Line]:
    for line in lines:
        if len(line.data) <= _MOST_LINE:
            yield line
            continue
        for at in range(0, len(line.data), _MOST_LINE):
            yield Line(line.time, line.stream, line.data[at : at + _MOST_LINE])
