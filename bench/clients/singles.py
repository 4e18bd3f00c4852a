"""A client process that POSTs single events on many connections, without pipelining.

``python -m bench.clients.singles PORT FILE CONNECTIONS SECONDS RATE`` sends the file's lines one by one. RATE 0: each
connection sends again as soon as it was answered (closed loop). Otherwise so many events a second fall due whatever the
server does (open loop), and a latency counts from the moment at which the event was due. Prints
``{"sent": n, "acknowledged": n, "seconds": s, "latencies": [s...], "failed": n, "cpu": s}``.
"""

import asyncio
import itertools
import json
import sys
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import uvloop

__all__ = ["main"]

_EVENTS = 20_000
_END = b"\r\n\r\n"
_LENGTH = b"content-length: "
_TICK = 0.001


class _Load:
    """What all connections share."""

    def __init__(self, requests: Iterator[bytes], rate: float) -> None:
        self.requests = requests
        self.rate = rate
        self.idle: deque[_Connection] = deque()
        self.due: deque[float] = deque()
        self.latencies: list[float] = []
        self.sent = self.failed = 0
        self.over = False

    def answered(self, connection: "_Connection", *, good: bool) -> None:
        """A connection has its answer: on with the next."""
        self.latencies.append(time.monotonic() - connection.since)
        self.failed += not good
        if self.over:
            return
        if not self.rate:
            connection.send(time.monotonic())
        elif self.due:
            connection.send(self.due.popleft())
        else:
            self.idle.append(connection)

    def fall_due(self, at: float) -> None:
        """An event is to be sent, now or as soon as a connection is free."""
        if self.idle:
            self.idle.popleft().send(at)
        else:
            self.due.append(at)


class _Connection(asyncio.Protocol):
    """One request at a time."""

    def __init__(self, load: _Load) -> None:
        self.since = 0.0
        self._load = load
        self._got = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own class is none of asyncio's

    def send(self, since: float) -> None:
        self.since = since
        self._load.sent += 1
        self._transport.write(next(self._load.requests))

    def data_received(self, data: bytes) -> None:
        self._got += data
        end = self._got.find(_END)
        if end < 0:
            return
        at = self._got.find(_LENGTH) + len(_LENGTH)
        length = int(self._got[at : self._got.index(b"\r", at)])
        if len(self._got) < end + len(_END) + length:
            return
        good = self._got.startswith(b"HTTP/1.1 201")
        self._got = b""
        self._load.answered(self, good=good)


def main() -> None:
    port, connections = int(sys.argv[1]), int(sys.argv[3])
    seconds, rate = float(sys.argv[4]), float(sys.argv[5])
    load = _Load(itertools.cycle(_requests(Path(sys.argv[2]))), rate)
    took = uvloop.run(_run(load, port, connections, seconds))
    done = {
        "sent": load.sent,
        "acknowledged": len(load.latencies) - load.failed,
        "seconds": took,
        "latencies": load.latencies,
        "failed": load.failed,
        "cpu": time.process_time(),
    }
    print(json.dumps(done), flush=True)


async def _run(load: _Load, port: int, connections: int, seconds: float) -> float:
    loop = asyncio.get_running_loop()
    opened = [await loop.create_connection(lambda: _Connection(load), "127.0.0.1", port) for _ in range(connections)]
    load.idle.extend(protocol for _, protocol in opened)
    started = time.monotonic()
    if load.rate:
        await _on_schedule(load, started, seconds)
    else:
        while load.idle:
            load.idle.popleft().send(time.monotonic())
        await asyncio.sleep(seconds)
    took = time.monotonic() - started
    load.over = True
    await asyncio.sleep(0.5)  # what is under way comes in
    for transport, _ in opened:
        transport.close()
    return took


async def _on_schedule(load: _Load, started: float, seconds: float) -> None:
    fallen = 0
    while (elapsed := time.monotonic() - started) < seconds:
        while fallen < elapsed * load.rate:
            load.fall_due(started + fallen / load.rate)
            fallen += 1
        await asyncio.sleep(_TICK)


def _requests(path: Path) -> list[bytes]:
    head = "POST /logs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n"
    with path.open("rb") as file:
        bodies = [line.rstrip(b"\n") for line in itertools.islice(file, _EVENTS)]
    return [head.format(len(body)).encode() + body for body in bodies]


if __name__ == "__main__":
    main()
