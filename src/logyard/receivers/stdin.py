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

from logyard.clock import SystemClock
from logyard.errors import BadInput, NotNow
from logyard.formats.multiline.rules import JoinRules
from logyard.model.civil.customs import Customs
from logyard.model.reading import DEFAULT_READING
from logyard.ports import Inlet, Submission
from logyard.receivers.tailing.cut import LongLines, cut
from logyard.receivers.tailing.encoding import InvalidBytes, check_encoding, to_utf8, width_of
from logyard.receivers.tailing.line_settings import DateOrder, LineSettings, assembler_maker, hold_seconds
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
    format: str = "auto"
    """What lines are: auto, json, unparsed, plain, or a format by its name; as for the receiver files."""
    grok: tuple[str, ...] = ()
    """Instead of a format, expressions of one's own."""
    types: dict[str, str] = {}
    """Kinds of the fields of ``grok``."""
    zone: str = ""
    """Of times without one, an IANA name or an offset like +02:00; UTC by default."""
    date_order: DateOrder = ""
    """Of dates in numbers: MDY, DMY or YMD."""
    year: int = 0
    """Of dates without one; by default the one that puts them last before now."""
    multiline: str | JoinRules = "off"
    """Which lines make one record: off, auto, languages, or a table; as for the receiver files."""
    encoding: str = ""
    """UTF-8 by default."""
    invalid: InvalidBytes = "replace"
    """What becomes of bytes that mean nothing in it: replace, or latin-1."""


@component("stdin", config=StdinConfig, example='service = "shop"\n')
class Stdin:
    """Lines on standard input, up to its end."""

    def __init__(self, config: StdinConfig) -> None:
        """Raises ``BadConfig`` for a format, a pattern, a zone or an encoding that cannot be used."""
        self._config = config
        settings = LineSettings(
            format=config.format,
            grok=config.grok,
            types=config.types,
            multiline=config.multiline,
            customs=Customs(zone=config.zone, date_order=config.date_order, year=config.year),
        )
        self._encoding = check_encoding(config.encoding)
        self._hold = hold_seconds(settings)
        self._assembler = assembler_maker(settings, SystemClock().now)("stdin")
        known = {"service": config.service, "host": config.host or socket.gethostname(), "source": "stdin"}
        self._reading = DEFAULT_READING.given({**known, **config.fields})
        self._skipping = False
        self._held = b""
        """Lines of a record that is not complete."""

    async def run(self, inlet: Inlet) -> None:
        """Until the other end is closed, or cancelled."""
        pieces: asyncio.Queue[bytes] = asyncio.Queue(maxsize=_PIECES)
        loop = asyncio.get_running_loop()
        threading.Thread(target=_read, args=(pieces, loop), name="logyard-stdin", daemon=True).start()
        rest = b""
        while True:
            try:
                piece = await asyncio.wait_for(pieces.get(), self._hold if self._held else None)
            except TimeoutError:
                await self._hand_in(inlet, b"", final=True)
                continue
            if not piece:
                break
            rest = await self._cut(inlet, rest + piece)
        end = to_utf8(rest, self._encoding, self._config.invalid) + b"\n" if rest and not self._skipping else b""
        await self._hand_in(inlet, end, final=True)

    async def _cut(self, inlet: Inlet, data: bytes) -> bytes:
        """Hand in the whole lines; what is left."""
        config, width = self._config, width_of(self._encoding)
        found = cut(data, config.max_line_bytes, config.long_lines, skipping=self._skipping, width=width)
        for start, end, _ in found.pieces:
            lines = to_utf8(data[start:end], self._encoding, config.invalid)
            await self._hand_in(inlet, lines if lines.endswith(b"\n") else lines + b"\n", final=False)
        self._skipping = found.skipping
        return data[found.used :]

    async def _hand_in(self, inlet: Inlet, lines: bytes, *, final: bool) -> None:
        whole = self._held + lines
        if not whole:
            return
        taken = await asyncio.to_thread(self._assembler.take, whole, self._reading, final=final)
        self._held = whole[taken.used :]
        if taken.body is not None:
            await self._patiently(inlet, Submission(body=taken.body))

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
