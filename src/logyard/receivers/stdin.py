"""What comes on standard input: ``program | logyard ship - --to URL``.

A pipe cannot be read again: what was read and is not in the log yet dies with the process. Where that matters, write to
a file and follow it.
"""

import asyncio
import contextlib
import os
import socket
import sys
import threading
from concurrent.futures import CancelledError
from typing import Final

import msgspec

from logyard.errors import BadInput, NotNow
from logyard.formats.json.settle import block
from logyard.model.reading import DEFAULT_READING
from logyard.ports import Inlet, Submission
from logyard.receivers.tailing.cut import LongLines, cut
from logyard.registry import component

__all__ = ["Stdin", "StdinConfig"]

_PIECE: Final = 1 << 18
_PIECES: Final = 4
_PAUSE: Final = 0.2


class StdinConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is known of the lines."""

    service: str = ""
    """Of records that name none."""
    host: str = ""
    """Of records that name none; by default this machine's name."""
    fields: dict[str, str] = {}
    """Put on every record that has no such key."""
    max_line_bytes: int = 1 << 20
    long_lines: LongLines = "truncate"
    """What happens to longer lines: truncate, split or skip."""


@component("stdin", config=StdinConfig, example='service = "shop"\n')
class Stdin:
    """Lines on standard input, up to its end."""

    def __init__(self, config: StdinConfig) -> None:
        self._config = config
        known = {"service": config.service, "host": config.host or socket.gethostname(), "source": "stdin"}
        self._reading = msgspec.structs.replace(DEFAULT_READING.given({**known, **config.fields}), kind="raw")

    async def run(self, inlet: Inlet) -> None:
        """Until the other end is closed, or cancelled."""
        pieces: asyncio.Queue[bytes] = asyncio.Queue(maxsize=_PIECES)
        loop = asyncio.get_running_loop()
        threading.Thread(target=_read, args=(pieces, loop), name="logyard-stdin", daemon=True).start()
        rest, skipping = b"", False
        while piece := await pieces.get():
            rest, skipping = await self._hand_in(inlet, rest + piece, skipping=skipping)
        if rest and not skipping:
            await self._hand_in(inlet, rest + b"\n", skipping=False)

    async def _hand_in(self, inlet: Inlet, data: bytes, *, skipping: bool) -> tuple[bytes, bool]:
        found = cut(data, self._config.max_line_bytes, self._config.long_lines, skipping=skipping)
        for start, end, _ in found.pieces:
            body = block(data[start:end], self._reading)
            if body is not None:
                await self._patiently(inlet, Submission(body=body))
        return data[found.used :], found.skipping

    async def _patiently(self, inlet: Inlet, submission: Submission) -> None:
        """The writer at the other end waits with us."""
        while True:
            try:
                await inlet.accept(submission)
            except BadInput:
                return
            except NotNow as error:
                await asyncio.sleep(max(_PAUSE, error.retry_after))
            else:
                return


def _read(pieces: "asyncio.Queue[bytes]", loop: asyncio.AbstractEventLoop) -> None:
    """A thread that nobody need wait for: a pipe may be silent for ever."""
    piece = b"begun"
    with contextlib.suppress(RuntimeError, CancelledError):  # the loop has ended
        while piece:
            piece = os.read(sys.stdin.fileno(), _PIECE)
            asyncio.run_coroutine_threadsafe(pieces.put(piece), loop).result()
