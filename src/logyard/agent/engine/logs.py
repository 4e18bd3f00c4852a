"""A container's log through the Engine API: ``Driver.lines`` for engines whose API gives times in nanoseconds.

Engines send each line by itself. So a piece of the answer is handled at once, and then the connection is left alone for
some milliseconds: a lone line is not delayed, and a busy log comes in handfuls instead of line by line.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final
from urllib.parse import quote

from logyard.agent.driver import STDOUT, Container, EngineFailed, Line, NoSuchContainer, Reading
from logyard.agent.engine.http import Answer, EngineHttp
from logyard.agent.frames import FrameParser, Part
from logyard.agent.partial import LineJoiner, TerminalLines
from logyard.agent.stamps import SECOND
from logyard.errors import Corrupt

__all__ = ["engine_lines"]

_GATHER_SECONDS: Final = 0.005
_HANDFUL: Final = 1 << 16
_FIRST_EXTRA: Final = 64
"""Pieces asked for beyond the lines wanted: a long line is many pieces."""
_MORE: Final = 4


async def engine_lines(http: EngineHttp, container: Container, reading: Reading) -> AsyncIterator[Sequence[Line]]:
    """``Driver.lines``."""
    if reading.tail:
        for lines in await _tail(http, container, reading):
            yield lines
        return
    if not reading.timed:
        async for runs in _runs(http, container, reading):
            yield runs
        return
    joiner = LineJoiner()
    async for parts in _parts(http, container, _parameters(reading)):
        if lines := joiner.feed(parts):
            yield lines
    if lines := joiner.rest():
        yield lines


async def _tail(http: EngineHttp, container: Container, reading: Reading) -> list[list[Line]]:
    """The engine counts pieces, we count lines: ask for more until there are enough."""
    asked = reading.tail + _FIRST_EXTRA
    while True:
        joiner, seen = LineJoiner(), 0
        lines: list[Line] = []
        async for parts in _parts(http, container, {**_parameters(reading), "tail": asked}):
            seen += len(parts)
            lines += joiner.feed(parts)
        lines += joiner.rest()
        if seen < asked:
            return [lines]
        # The first line may lack its beginning, and those of its time may have others before them.
        whole = [line for line in lines if line.time != lines[0].time]
        if len(whole) >= reading.tail:
            return [whole]
        asked *= _MORE


async def _runs(http: EngineHttp, container: Container, reading: Reading) -> AsyncIterator[Sequence[Line]]:
    parameters = {
        **_parameters(reading),
        "timestamps": 0,
        "stdout": int(reading.stdout),
        "stderr": int(reading.stderr),
    }
    async for parts in _parts(http, container, parameters, raw=True):
        yield _joined(parts)


def _joined(parts: Sequence[Part]) -> list[Line]:
    """Neighbours of one stream as one run."""
    if all(stream == parts[0][0] for stream, _ in parts):
        return [Line(0, parts[0][0], b"".join([data for _, data in parts]))]
    runs: list[Line] = []
    held: list[bytes] = []
    before = parts[0][0]
    for stream, data in parts:
        if stream != before:
            runs.append(Line(0, before, b"".join(held)))
            held, before = [], stream
        held.append(data)
    return [*runs, Line(0, before, b"".join(held))]


async def _parts(
    http: EngineHttp, container: Container, parameters: dict[str, str | int], *, raw: bool = False
) -> AsyncIterator[list[Part]]:
    """What the log is kept in, as it comes; the end of the connection is the end of the log."""
    path = f"/v1.41/containers/{quote(container.id, safe='')}/logs"
    feed, clean = _terminal(raw=raw) if container.tty else _framed()
    async with http.stream(path, parameters) as pieces:
        if isinstance(pieces, Answer):
            _refuse(pieces, container)
            return
        async for piece in pieces:
            if parts := feed(piece):
                yield parts
            if len(piece) < _HANDFUL:
                await asyncio.sleep(_GATHER_SECONDS)
    if parts := clean():
        yield parts


def _framed() -> tuple[Callable[[bytes], list[Part]], Callable[[], list[Part]]]:
    frames = FrameParser()

    def clean() -> list[Part]:
        if not frames.clean:
            raise Corrupt("the engine's answer ends within a frame")
        return []

    return frames.feed, clean


def _terminal(*, raw: bool) -> tuple[Callable[[bytes], list[Part]], Callable[[], list[Part]]]:
    if raw:
        return lambda piece: [(STDOUT, piece)], list
    lines = TerminalLines()
    return lines.feed, lines.rest


def _parameters(reading: Reading) -> dict[str, str | int]:
    parameters: dict[str, str | int] = {"stdout": 1, "stderr": 1, "timestamps": 1, "follow": int(reading.follow)}
    if reading.since:
        parameters["since"] = f"{reading.since // SECOND}.{reading.since % SECOND:09d}"
    return parameters


def _refuse(answer: Answer, container: Container) -> None:
    if answer.status == 404:  # noqa: PLR2004 - the API's word for it
        raise NoSuchContainer(container.name)
    raise EngineFailed(f"{answer.words} (HTTP {answer.status})")
