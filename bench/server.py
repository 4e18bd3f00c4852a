"""A Logyard in a process of its own, as a user starts it: started, asked, watched, stopped by its pid."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

__all__ = ["ROOT", "Server", "free_port", "python", "start"]

ROOT: Final = Path(__file__).resolve().parent.parent
_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 60.0
_SAMPLE: Final = re.compile(r"^(\w+)(?:\{[^}]*\})? ([-+0-9.eE]+|NaN)$")


class NotYet(RuntimeError):
    """A query that gave up waiting for what was acknowledged before it (429): to be asked again."""


class Server:
    """One that answers."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, data: Path) -> None:
        """``ready_seconds``: from the start of the process until ``/readyz`` said yes."""
        self.pid = process.pid
        self.port = port
        self.data = data
        self.ready_seconds = 0.0
        self._process = process
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def get(self, path: str, **parameters: str | int) -> bytes:
        """The body of a 200; anything else is an error."""
        target = f"{path}?{urlencode(parameters)}" if parameters else path
        self._connection.request("GET", target)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != http.client.OK:
            kind = NotYet if answer.status == http.client.TOO_MANY_REQUESTS else RuntimeError
            raise kind(f"GET {target}: {answer.status} {body[:500]!r}")
        return body

    def count(self, query: str = "*") -> int:
        """How many rows match, of all that was acknowledged before; -1 while the server cannot say that yet."""
        try:
            found: dict[str, Any] = json.loads(self.get("/api/v1/query", query=f"{query} | stats count() rows"))
        except NotYet:
            return -1
        return int(found["rows"])

    def metrics(self) -> Mapping[str, float]:
        """Every sample of ``/metrics``, summed over its labels."""
        found: dict[str, float] = {}
        for line in self.get("/metrics").decode().splitlines():
            match = _SAMPLE.match(line)
            if match:
                found[match[1]] = found.get(match[1], 0.0) + float(match[2])
        return found

    def stats(self) -> Mapping[str, Any]:
        """What the store says about itself."""
        found: dict[str, Any] = json.loads(self.get("/api/v1/logs/stats"))
        return found

    def alive(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        """Gracefully, and then not."""
        self._connection.close()
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextlib.contextmanager
def start(data: Path, *, config: Path | None = None) -> Iterator[Server]:
    """A server on a free port of the loopback, stopped on the way out. Its log is ``server.log`` beside its data."""
    data.mkdir(parents=True, exist_ok=True)
    port = free_port()
    command = [*python("logyard"), "up", "--data", str(data), "--listen", f"127.0.0.1:{port}"]
    command += ["--config", str(config)] if config else []
    with (data / "server.log").open("ab") as log:
        began = time.monotonic()
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT)
    server = Server(process, port, data)
    try:
        _await_ready(server, began)
        yield server
    finally:
        server.stop()


def python(module: str) -> list[str]:
    """The command that runs a module as a process of its own."""
    return [sys.executable, "-m", module]


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _await_ready(server: Server, began: float) -> None:
    while time.monotonic() - began < _START_SECONDS:
        if not server.alive():
            break
        try:
            server.get("/readyz")
        except (OSError, RuntimeError, http.client.HTTPException):
            server._connection.close()
            time.sleep(0.01)
            continue
        server.ready_seconds = time.monotonic() - began
        return
    tail = (server.data / "server.log").read_bytes()[-2000:].decode(errors="replace")
    raise RuntimeError(f"the server did not become ready{os.linesep}{tail}")
