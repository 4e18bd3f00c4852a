"""A command in a container, joined to this terminal: keys go in raw, the size follows, Ctrl-C is the command's.

Without a terminal on our side, Ctrl-C is sent to the command as INT; the second one ends us.
"""

import contextlib
import os
import queue
import select
import shutil
import signal
import sys
import termios
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from logyard.agent.v1 import agent_pb2 as pb
from logyard.cli.agent_remote import Agent
from logyard.cli.output import write_bytes
from logyard.cli.terminal import is_terminal
from logyard.errors import BadInput

__all__ = ["Session"]

_READ: Final = 1 << 16
_WAITING: Final = 64
"""Pieces of stdin that may wait for the agent."""


class Session:
    """One command, from start to exit code. Use it once."""

    def __init__(self, agent: Agent, start: pb.ExecStart) -> None:
        self._agent, self._start = agent, start
        self._told: queue.Queue[pb.ExecRequest | None] = queue.Queue(_WAITING)
        self._over = threading.Event()
        self._interrupted = False

    def run(self) -> int:
        """The command's exit code. Raises ``BadInput`` for a terminal that is none, and what the agent says."""
        start = self._start
        raw = start.tty and start.interactive
        if raw and not is_terminal(sys.stdin):
            raise BadInput("the input device is not a terminal: leave out -t, or -i")
        if start.tty:
            start.size.CopyFrom(_size())
        self._told.put(pb.ExecRequest(start=start))
        if start.interactive:
            threading.Thread(target=self._read_stdin, daemon=True, name="stdin").start()
        with self._signals(), _raw_terminal() if raw else contextlib.nullcontext(), self._agent.errors():
            return self._show()

    def _show(self) -> int:
        call = self._agent.exec(iter(self._told.get, None))
        try:
            for response in call:
                kind = response.WhichOneof("response")
                if kind == "exit_code":
                    return response.exit_code
                write_bytes(response.stdout, response.stderr)
        finally:
            self._over.set()
            call.cancel()
            with contextlib.suppress(queue.Full):
                self._told.put_nowait(None)
        raise BadInput("the agent ended the session without an exit code")

    def _read_stdin(self) -> None:
        while not self._over.is_set():
            ready, _, _ = select.select([0], [], [], 0.5)
            if not ready:
                continue
            data = os.read(0, _READ)
            self._told.put(pb.ExecRequest(stdin=data) if data else pb.ExecRequest(close_stdin=True))
            if not data:
                return

    @contextmanager
    def _signals(self) -> Iterator[None]:
        before = {
            signal.SIGWINCH: signal.signal(signal.SIGWINCH, self._resized),
            signal.SIGINT: signal.signal(signal.SIGINT, self._interrupt),
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _resized(self, _number: int, _frame: FrameType | None) -> None:
        if self._start.tty:
            self._tell(pb.ExecRequest(resize=_size()))

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        if self._interrupted:
            raise KeyboardInterrupt
        self._interrupted = True
        self._tell(pb.ExecRequest(signal="INT"))

    def _tell(self, request: pb.ExecRequest) -> None:
        with contextlib.suppress(queue.Full):
            self._told.put_nowait(request)


def _size() -> pb.TerminalSize:
    columns, rows = shutil.get_terminal_size()
    return pb.TerminalSize(columns=columns, rows=rows)


@contextmanager
def _raw_terminal() -> Iterator[None]:
    before = termios.tcgetattr(0)
    tty.setraw(0)
    try:
        yield
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)
