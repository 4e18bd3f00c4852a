"""A real ``logyard ship`` in a process of its own, to be started, stopped and killed by tests."""

import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

__all__ = ["Shipper"]

_KIB: Final = 1024


class Shipper:
    """The same state may be started again and again."""

    def __init__(self, state: Path, arguments: Sequence[str], *, command: Sequence[str] = ("ship",)) -> None:
        """``arguments``: as on the command line, without the state. ``command``: another one that ships."""
        self.state = state
        self.arguments = arguments
        self.command = command
        self._output = state.parent / f"{state.name}.output"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        """Of the process that runs."""
        return self._running().pid

    @property
    def ended(self) -> bool:
        """Whether it has come to its end by itself."""
        return self._running().poll() is not None

    def start(self) -> None:
        """Begin; returns at once."""
        command = [sys.executable, "-m", "logyard", *self.command, *self.arguments, "--state", str(self.state)]
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(command, stdout=output, stderr=output)  # noqa: S603 - our own command

    def kill(self) -> None:
        """SIGKILL, when it runs at all; returns when it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal and return at once."""
        self._running().send_signal(number)

    def wait(self, seconds: float = 120.0) -> int:
        """Wait for its end; the exit code."""
        return self._running().wait(seconds)

    def stop(self, seconds: float = 120.0) -> int:
        """SIGTERM, and wait for its end; the exit code."""
        self.signal(signal.SIGTERM)
        return self.wait(seconds)

    def output(self) -> str:
        """What it has said, in all its lives."""
        return self._output.read_text(errors="replace")

    def resident_bytes(self, *, peak: bool = False) -> int:
        """Memory it holds now, or the most it has held."""
        name = "VmHWM" if peak else "VmRSS"
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * _KIB
        return 0

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise AssertionError("the shipper does not run")
        return self._process
