"""Container logs: ``logyard logs`` beside ``docker logs``, on the same container of the same Docker Engine.

Both are whole commands, from their start to their end, in turns; ratios are of the medians. A command of ours starts a
Python, which takes longer than the whole of ``docker logs --tail``; the figure "within the agent" is the call alone.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Final

import grpc

from bench import machine
from bench.report import Figure, at_least, at_most, figure
from bench.run import Run
from bench.server import python
from logyard.agent.v1 import agent_pb2 as pb
from logyard.testing.containers import IMAGE, DockerEngine

__all__ = ["measure"]

_NAME: Final = "containers"
_LINES: Final = 1_000_000
_LINE: Final = "2026-01-31 14:03:11 INFO a line of a log that is about a hundred bytes long, as many are in the world"
_TRICKLE: Final = "while true; do echo tick; usleep 100000; done"
_FLOOD: Final = (
    'awk \'BEGIN { while (1) { for (i = 0; i < 1000; i++) print "one of ten thousand lines in a second"; '
    'fflush(); system("usleep 97000") } }\''
)
_TICKS: Final = 60
_FLOOD_SECONDS: Final = 5.0
_MIB: Final = 1 << 20


def measure(run: Run) -> Iterator[Figure]:
    """As root, with Docker installed."""
    home = Path(tempfile.mkdtemp(prefix="ly-bench-", dir="/tmp"))
    try:
        with DockerEngine(home / "e") as engine, _agent(engine, home) as (process, address):
            ours = ["env", f"LOGYARD_HOST={address}", *python("logyard"), "logs"]
            yield figure((_NAME, "agent idle"), machine.resident_bytes(process) / _MIB, "MB", at_most(80))
            yield from _whole(engine, ours, run.rounds)
            yield from _tail(engine, ours, address)
            yield from _followed(engine, ours, process)
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def _agent(engine: DockerEngine, home: Path) -> Iterator[tuple[int, str]]:
    address = f"unix:{home}/agent"
    command = [*python("logyard"), "agent", "--engine", engine.url, "--listen", address]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            next(line for line in process.stderr or () if "logs -f NAME" in line)
            yield process.pid, address
        finally:
            process.terminate()


def _started(engine: DockerEngine, name: str, script: str) -> None:
    engine.run("run", "--detach", "--network", "none", "--name", name, IMAGE, "sh", "-c", script)


def _seconds(command: Sequence[str]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begun


def _in_turns(first: Callable[[], float], second: Callable[[], float], rounds: int) -> tuple[float, float]:
    pairs = [(first(), second()) for _ in range(rounds)]
    return median(one for one, _ in pairs), median(two for _, two in pairs)


def _whole(engine: DockerEngine, ours: list[str], rounds: int) -> Iterator[Figure]:
    _started(engine, "big", f"awk 'BEGIN {{ for (i = 0; i < {_LINES}; i++) print \"{_LINE}\" }}'")
    engine.run("wait", "big")
    theirs, mine = _in_turns(
        lambda: _seconds([*engine.client(), "logs", "big"]), lambda: _seconds([*ours, "big"]), rounds
    )
    yield figure((_NAME, "a million lines: docker logs"), theirs, "s")
    yield figure((_NAME, "a million lines: logyard logs"), mine, "s")
    yield figure((_NAME, "a million lines: speed by docker logs"), theirs / mine, "", at_least(1))


def _tail(engine: DockerEngine, ours: list[str], address: str) -> Iterator[Figure]:
    theirs, mine = _in_turns(
        lambda: _seconds([*engine.client(), "logs", "--tail", "100", "big"]),
        lambda: _seconds([*ours, "--tail", "100", "big"]),
        9,
    )
    yield figure((_NAME, "tail 100: docker logs"), theirs * 1e3, "ms")
    yield figure((_NAME, "tail 100: logyard logs"), mine * 1e3, "ms", at_most(1.5 * theirs * 1e3))
    with grpc.insecure_channel(address) as channel:
        call = channel.unary_stream(
            "/logyard.agent.v1.Agent/GetLogs",
            request_serializer=pb.LogsRequest.SerializeToString,
            response_deserializer=pb.LogsResponse.FromString,
        )
        asked = pb.LogsRequest(container_identifier="big", tail=100, batches=True)
        calls = []
        for _ in range(20):
            begun = time.perf_counter()
            list(call(asked))
            calls.append(time.perf_counter() - begun)
    yield figure((_NAME, "tail 100: within the agent"), median(calls) * 1e3, "ms", at_most(1.5 * theirs * 1e3))


def _followed(engine: DockerEngine, ours: list[str], agent: int) -> Iterator[Figure]:
    _started(engine, "trickle", _TRICKLE)
    delays = []
    with subprocess.Popen([*ours, "-f", "-t", "-n", "1", "trickle"], stdout=subprocess.PIPE, text=True) as follower:
        for _, line in zip(range(_TICKS), follower.stdout or (), strict=False):
            delays.append(time.time() - datetime.fromisoformat(line.split(" ")[0][:26] + "+00:00").timestamp())
        follower.kill()
    yield figure((_NAME, "followed line appears: median"), median(delays[5:]) * 1e3, "ms", at_most(50))
    engine.run("rm", "--force", "trickle")
    _started(engine, "flood", _FLOOD)
    with subprocess.Popen([*ours, "-f", "flood"], stdout=subprocess.PIPE) as follower:
        source = follower.stdout
        if source is None:
            raise RuntimeError("no stdout")
        os.read(source.fileno(), 1)
        lines, cpu, begun = 0, machine.cpu_seconds(agent), time.perf_counter()
        while time.perf_counter() - begun < _FLOOD_SECONDS:
            lines += os.read(source.fileno(), 1 << 20).count(b"\n")
        seconds = time.perf_counter() - begun
        cpu = machine.cpu_seconds(agent) - cpu
        follower.kill()
    note = f"{lines / seconds:.0f} lines/s came"
    cores = cpu / seconds * (10_000 * seconds / max(1, lines))
    yield figure((_NAME, "agent CPU, 10,000 lines/s followed"), cores, "cores", at_most(0.2), note=note)
