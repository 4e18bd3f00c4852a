"""A real redis-server on a loopback port, to be started, killed and started again by tests."""

import contextlib
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Final, Self

from logyard.testing.ports import free_port

__all__ = ["RedisServer"]

_SECONDS: Final = 120.0
_LOOK_AGAIN: Final = 0.02


class RedisServer:
    """Keeps its port over restarts. A context starts it, and kills it at the end."""

    def __init__(self, directory: Path) -> None:
        """Starts nothing."""
        self._port = free_port()
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def url(self) -> str:
        """Of its first database."""
        return f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        """Start it and return when it answers."""
        server = shutil.which("redis-server")
        if server is None:
            raise AssertionError("redis-server is not installed (Debian package redis-server)")
        self._directory.mkdir(parents=True, exist_ok=True)
        options = ["--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self._directory)]
        self._process = subprocess.Popen([server, *options], stdout=subprocess.DEVNULL)  # noqa: S603 - our own command
        deadline = time.monotonic() + _SECONDS
        while not self._answers():
            if time.monotonic() > deadline:
                raise AssertionError(f"redis-server did not answer within {_SECONDS:g} s")
            time.sleep(_LOOK_AGAIN)

    def kill(self) -> None:
        """SIGKILL, when it runs at all; returns when it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port), 1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(5) == b"+PONG"
        return False
