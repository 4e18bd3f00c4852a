"""The CRI log format, which Podman (k8s-file), Kubernetes and our own process driver write.

    2026-01-31T14:03:11.123456789+01:00 stdout F a whole line
    2026-01-31T14:03:11.123456790+01:00 stderr P the beginning of a long one,
    2026-01-31T14:03:11.123456791+01:00 stderr F and its end

Source: Kubernetes, kubelet CRI logging design; the same as Podman's k8s-file driver. The line feed of an ``F``
belongs to the line. A line whose end never came (its writer died) is given as it stands, without one.
"""

from typing import Final

from logyard.agent.driver import STDERR, STDOUT, Line
from logyard.agent.partial import LONGEST_LINE
from logyard.agent.stamps import Stamps, iso
from logyard.errors import Corrupt

__all__ = ["CriParser", "time_of", "written"]

_STREAMS: Final = {b"stdout": STDOUT, b"stderr": STDERR}
_NAMES: Final = {STDOUT: "stdout", STDERR: "stderr"}
_PIECE: Final = 16_384
_FIELDS: Final = 4


class CriParser:
    """Fed with chunks of any size, gives the lines that are whole."""

    def __init__(self) -> None:
        self._stamps = Stamps()
        self._rest = b""
        self._begun: dict[int, tuple[int, list[bytes]]] = {}

    def feed(self, chunk: bytes) -> list[Line]:
        """The lines that ``chunk`` completes."""
        *whole, self._rest = (self._rest + chunk if self._rest else chunk).split(b"\n")
        lines: list[Line] = []
        parse, begun = self._stamps.parse, self._begun
        for text in whole:
            stamp, name, tag, data = _fields(text)
            stream = _STREAMS.get(name, STDOUT)
            if tag == b"F" and stream not in begun:
                lines.append(Line(parse(stamp), stream, data + b"\n"))
            else:
                lines += self._join(Line(parse(stamp), stream, data), last=tag == b"F")
        return lines

    def rest(self) -> list[Line]:
        """Lines that never got their end: call it when the log has ended."""
        left = [Line(time, stream, b"".join(pieces)) for stream, (time, pieces) in self._begun.items()]
        self._begun.clear()
        return left

    def _join(self, piece: Line, *, last: bool) -> list[Line]:
        time, pieces = self._begun.pop(piece.stream, (piece.time, []))
        pieces.append(piece.data)
        if last or sum(map(len, pieces[-1:])) + _PIECE * len(pieces) > LONGEST_LINE:
            return [Line(time, piece.stream, b"".join(pieces) + (b"\n" if last else b""))]
        self._begun[piece.stream] = (time, pieces)
        return []


def written(line: Line) -> bytes:
    """A line, or with no line feed the beginning of one, as this format has it."""
    head = f"{iso(line.time)} {_NAMES[line.stream]} ".encode()
    body = line.data.removesuffix(b"\n")
    cuts = range(0, max(1, len(body)), _PIECE)
    last = cuts[-1] if line.data.endswith(b"\n") else -1
    return b"".join(head + (b"F " if cut == last else b"P ") + body[cut : cut + _PIECE] + b"\n" for cut in cuts)


def time_of(text: bytes) -> int:
    """The time of one line of this format, without its line feed."""
    return Stamps().parse(_fields(text)[0])


def _fields(text: bytes) -> list[bytes]:
    fields = text.split(b" ", _FIELDS - 1)
    if len(fields) < _FIELDS:
        raise Corrupt(f"this is no line of a CRI log: {text[:100]!r}")
    return fields
