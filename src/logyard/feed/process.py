"""A Logyard server of our own, in a process of its own: where a service has several directories, each has one, for a
process has one engine.

    us ──stdin──► sh ──► logyard up --data DIRECTORY --listen 127.0.0.1:0

The shell ends the server when its input ends, and the kernel ends that for us when we are killed: no server is left
behind. One that has ended by itself is started again (``revive``).
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Final

from logyard.client import Client
from logyard.config import inherited
from logyard.errors import BadConfig, NotNow

__all__ = ["ServerProcess"]

_GUARD: Final = (
    '"$@" </dev/null & server=$!; echo "process $server" >&2; exec 2>/dev/null; read -r _; kill $server; wait'
)
"""The server alone keeps the pipe that it speaks into: when that ends, the server has ended."""
_SAID: Final = re.compile(r"^process (\d+)|listens on (https?://\S+?:\d+)")
_LINES_KEPT: Final = 50
_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 60.0


class ServerProcess:
    """``yard.Source``: a client of a server that lives as long as this does. Any thread."""

    def __init__(self, data: Path, settings: Mapping[str, str], *, timeout: float) -> None:
        """Starts it, and returns when it answers. ``settings`` by their dotted names. Raises ``NotNow``."""
        self._data = data
        self._settings = settings
        self._timeout = timeout
        self._lock = threading.Lock()
        self._words: deque[str] = deque(maxlen=_LINES_KEPT)
        self._client: Client | None = None
        self._gone: list[Client] = []
        self._closed = False
        self._process: subprocess.Popen[str] | None = None
        self.pid = 0
        """Of the server."""
        self.revive()

    def client(self) -> Client:
        """Raises ``NotNow`` when the server has ended."""
        found = self._client
        if found is None:
            raise NotNow(f"the server on {self._data} has ended; it said: {self._last_words()}")
        return found

    def revive(self) -> None:
        """Start the server again when it has ended."""
        with self._lock:
            if self._closed:
                raise NotNow(f"the server on {self._data} has been stopped")
            if self._client is None:
                self._start()

    def close(self) -> None:
        """Let it end in good order, and wait for that."""
        with self._lock:
            self._closed = True
            self._forget()
            self._end()
            while self._gone:
                self._gone.pop().close()

    def _start(self) -> None:
        self._end()
        self._words.clear()
        try:
            self._data.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadConfig(f"{self._data} cannot be made a directory: {error.strerror}", path="storage") from error
        server = [sys.executable, "-m", "logyard", "up", "--data", str(self._data), "--listen", "127.0.0.1:0"]
        self._process = subprocess.Popen(  # noqa: S603 - our own program, with a directory as its argument
            ["/bin/sh", "-c", _GUARD, "sh", *server],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            start_new_session=True,  # Ctrl-C is for us: we end it in good order
            env=_environment(self._settings),
        )
        started = threading.Event()
        threading.Thread(target=self._listen, args=(self._process.stderr, started), daemon=True).start()
        if not started.wait(_START_SECONDS) or self._client is None:
            self._end()
            raise NotNow(f"no server can be started on {self._data}; it said: {self._last_words()}")

    def _listen(self, words: IO[str], started: threading.Event) -> None:
        """Until the server has ended: its pid, its address, its last words."""
        with contextlib.suppress(ValueError):  # closed under us
            for line in words:
                self._words.append(line)
                found = _SAID.search(line)
                if found and found[1]:
                    self.pid = int(found[1])
                elif found:
                    self._client = Client(found[2], timeout=self._timeout)
                    started.set()
        self._forget()
        started.set()

    def _forget(self) -> None:
        """The client is closed at the very end: whoever is amid a call learns from the connection what has happened."""
        found, self._client = self._client, None
        if found is not None:
            self._gone.append(found)

    def _end(self) -> None:
        if self._process is None or self._process.stdin is None or self._process.stderr is None:
            return
        self._process.stdin.close()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._process.stderr.close()
        self._process = None

    def _last_words(self) -> str:
        return "".join(self._words)[-2000:].strip() or "nothing"


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Ours, without settings that are meant for another server."""
    ours = {name: value for name, value in inherited().items() if not name.startswith("LOGYARD__")}
    return ours | {f"LOGYARD__{name.upper().replace('.', '__')}": value for name, value in settings.items()}
