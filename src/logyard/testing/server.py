"""A real ``logyard up`` in a process of its own, to be started, asked, stopped and killed by tests.

    with Server(directory) as server:
        httpx.get(f"{server.url}/healthz")
        server.kill()
        server.start()

The same directory may be started again and again. What the process says on stderr is kept over all its lives.
"""

import contextlib
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Final, NoReturn, Self

import httpx
import msgspec

__all__ = ["Server", "ServerFailed", "ServerOptions"]

_URL: Final = re.compile(r"listens on (https?://\S+?:\d+)")
_LOOK_AGAIN: Final = 0.02
_OUTPUT_KEPT: Final = 400_000
_KIB: Final = 1024
_PATIENT: Final[Mapping[str, str | int | float]] = {"query.settle_seconds": 100, "query.timeout": 100}
"""On a machine that tests share, a query waits for what was acknowledged, and does not give up over it."""


class ServerFailed(AssertionError):
    """The process ended or kept silent where it should have answered; carries what it said."""


class ServerOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How the process is started."""

    config: Path | None = None
    """A file of settings."""
    settings: Mapping[str, str | int | float] = {}
    """Settings by their dotted names, handed over in the environment: ``{"wal.max_bytes": 1_000_000}``. Queries are
    given more time than by default."""
    port: int = 0
    """0 takes a free one, another with every start."""
    descriptors: int = 0
    """Limit of open files (``RLIMIT_NOFILE``, soft and hard); 0 leaves it as it is."""
    ready_seconds: float = 180.0
    """How long a start may take. Generous: tests share their machine."""


class Server:
    """One data directory and the process that serves it. A context starts it, and kills it at the end.

    May be used from one thread at a time.
    """

    def __init__(self, data: Path, options: ServerOptions | None = None) -> None:
        """Starts nothing."""
        self.data = data
        self.url = ""
        """Where it answers, once ready; changes with every start."""
        self._options = options or ServerOptions()
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._output: list[str] = []
        self._announced = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def alive(self) -> bool:
        """Whether a process runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Of the running process. Raises ``ServerFailed`` when none runs."""
        return self._running().pid

    def start(self) -> None:
        """Start it and return when it is ready; one that does not become ready is killed."""
        self.spawn()
        try:
            self.wait_ready()
        except BaseException:
            self.kill()
            raise

    def spawn(self) -> None:
        """Start it and return at once."""
        if self.alive:
            raise ServerFailed(f"a server runs already on {self.data}")
        self._collect()
        self.url = ""
        self._announced.clear()
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            self._command(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace"
        )
        pipe = self._process.stderr
        if pipe is None:  # pragma: no cover - asked for above
            raise ServerFailed("no stderr")
        self._reader = threading.Thread(target=self._read, args=(pipe,), daemon=True)
        self._reader.start()

    def wait_ready(self) -> None:
        """Return when it has printed its address and ``/readyz`` says yes."""
        deadline = time.monotonic() + self._options.ready_seconds
        if not self._announced.wait(self._options.ready_seconds) or not self.url:
            self._fail("did not say where it listens")
        while not self._is_ready():
            if time.monotonic() > deadline or not self.alive:
                self._fail("did not become ready")
            time.sleep(_LOOK_AGAIN)

    def terminate(self) -> None:
        """Send SIGTERM and return at once."""
        self._running().send_signal(signal.SIGTERM)

    def wait(self, seconds: float = 120.0) -> int:
        """Wait for its end; the exit code, negative for a signal."""
        process = self._running(ended=True)
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._fail(f"did not end within {seconds:g} seconds")
        self._collect()
        return code

    def stop(self, seconds: float = 120.0) -> int:
        """Ask it to end (SIGTERM) and wait for that; the exit code."""
        self.terminate()
        return self.wait(seconds)

    def kill(self) -> None:
        """SIGKILL, when it runs at all; returns when it is gone."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._collect()

    def output(self) -> str:
        """What it has said on stderr, in all its lives; of a long speech the end."""
        return "".join(self._output)[-_OUTPUT_KEPT:]

    def resident_bytes(self, *, peak: bool = False) -> int:
        """Memory it holds now, or the most it has held."""
        name = "VmHWM" if peak else "VmRSS"
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * _KIB
        return 0

    def _command(self) -> list[str]:
        settings = {**_PATIENT, **self._options.settings}
        variables = [f"LOGYARD__{name.upper().replace('.', '__')}={value}" for name, value in settings.items()]
        command = [sys.executable, "-m", "logyard", "up", "--data", str(self.data)]
        command += ["--listen", f"127.0.0.1:{self._options.port}"]
        if self._options.config is not None:
            command += ["--config", str(self._options.config)]
        command = ["env", *variables, *command]
        if self._options.descriptors:
            command = ["sh", "-c", f'ulimit -n {self._options.descriptors}; exec "$@"', "sh", *command]
        return command

    def _read(self, pipe: IO[str]) -> None:
        """Keep what it says, and notice the address."""
        with contextlib.suppress(ValueError):  # closed under us
            for line in pipe:
                self._output.append(line)
                found = _URL.search(line)
                if found and not self.url:
                    self.url = found[1]
                    self._announced.set()
        self._announced.set()

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=30).is_success
        except httpx.TransportError:
            return False

    def _running(self, *, ended: bool = False) -> subprocess.Popen[str]:
        if self._process is None or (not ended and self._process.poll() is not None):
            self._fail("does not run")
        return self._process

    def _collect(self) -> None:
        """The process is gone: let the rest of its words arrive."""
        if self._reader is not None:
            self._reader.join(60)
            self._reader = None
        if self._process is not None and self._process.stderr is not None:
            self._process.stderr.close()

    def _fail(self, what: str) -> NoReturn:
        code = None if self._process is None else self._process.poll()
        ended = "" if code is None else f" (exit code {code})"
        raise ServerFailed(f"the server on {self.data} {what}{ended}; it said:\n{self.output()[-8000:]}")
