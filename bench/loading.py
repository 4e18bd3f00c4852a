"""The corpus into a server by HTTP, from two client processes at once, and what that took."""

import json
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bench import machine
from bench.run import Run, progress
from bench.server import ROOT, Server, python

__all__ = ["Load", "load"]

_CLIENTS: Final = 2
_FINDABLE_SECONDS: Final = 600.0


@dataclass(frozen=True, slots=True)
class Load:
    """What one load took. Seconds count from the moment at which both clients began to send."""

    rows: int
    acknowledged_seconds: float
    findable_seconds: float
    server_cpu: float
    client_cpu: float
    others_cpu: float
    """CPU seconds of everybody else on the machine in the meantime."""
    peak_bytes: int
    stored_bytes: int
    """What the store said that its rows take, as soon as all of them could be found."""
    latencies: Sequence[float]
    refused: int
    metrics: Mapping[str, float]
    """How much each sample of ``/metrics`` rose."""
    threads: Mapping[str, float]
    """CPU seconds of the server's threads by name."""

    @property
    def acknowledged(self) -> float:
        """Rows a second."""
        return self.rows / self.acknowledged_seconds

    @property
    def findable(self) -> float:
        """Rows a second."""
        return self.rows / self.findable_seconds


def load(run: Run, server: Server) -> Load:
    """Send everything once and wait until all of it can be found."""
    clients = [_client(run, server, number) for number in range(_CLIENTS)]
    before = server.metrics()
    server_cpu, all_cpu = machine.cpu_seconds(server.pid), machine.busy_seconds()
    threads = machine.cpu_by_thread(server.pid)
    started = time.monotonic()
    for client in clients:
        _tell(client, "go")
    answers = [_answer(client) for client in clients]
    acknowledged = max(answer["acknowledged"] for answer in answers)
    _until_findable(run, server)
    findable = time.monotonic()
    server_cpu = machine.cpu_seconds(server.pid) - server_cpu
    client_cpu = sum(answer["cpu"] for answer in answers)
    found = Load(
        rows=run.rows,
        acknowledged_seconds=acknowledged - started,
        findable_seconds=findable - started,
        server_cpu=server_cpu,
        client_cpu=client_cpu,
        others_cpu=max(0.0, machine.busy_seconds() - all_cpu - server_cpu - client_cpu),
        peak_bytes=machine.peak_bytes(server.pid),
        stored_bytes=server.stats()["bytes_on_disk"],
        latencies=sorted(latency for answer in answers for latency in answer["latencies"]),
        refused=sum(answer["refused"] for answer in answers),
        metrics=_rise(before, server.metrics()),
        threads=_rise(threads, machine.cpu_by_thread(server.pid)),
    )
    progress(
        f"acknowledged {found.acknowledged:,.0f} rows/s, findable {found.findable:,.0f} rows/s; others used "
        f"{found.others_cpu / found.findable_seconds / (os.cpu_count() or 1):.0%} of the machine"
    )
    return found


def _until_findable(run: Run, server: Server) -> None:
    """Each question waits for the store by itself, so that asking again at once costs little."""
    deadline = time.monotonic() + _FINDABLE_SECONDS
    while (count := server.count()) != run.rows:
        if count > run.rows or time.monotonic() > deadline:
            raise RuntimeError(f"{count} rows can be found, {run.rows} were acknowledged")
        time.sleep(0.02)


def _client(run: Run, server: Server, number: int) -> "subprocess.Popen[str]":
    command = [*python("bench.clients.batches"), str(server.port), str(run.corpus)]
    client = subprocess.Popen(command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    _tell(client, json.dumps([[piece.offset, piece.length] for piece in run.pieces[number::_CLIENTS]]))
    _line(client)
    return client


def _tell(client: "subprocess.Popen[str]", line: str) -> None:
    assert client.stdin is not None
    client.stdin.write(line + "\n")
    client.stdin.flush()


def _line(client: "subprocess.Popen[str]") -> str:
    assert client.stdout is not None
    line = client.stdout.readline()
    if not line:
        raise RuntimeError(f"a client ended with {client.wait()}")
    return line


def _answer(client: "subprocess.Popen[str]") -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(_line(client))
    client.communicate()
    return answer


def _rise(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    return {name: value - before.get(name, 0.0) for name, value in after.items()}
