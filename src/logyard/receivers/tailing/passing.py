"""Which JSON lines may travel as they are: those that say the same to whoever stores them as they say to us.

A logger whose keys or times the storing side would read otherwise (Docker, Serilog, MongoDB: ``formats/lines/objects``)
is taken apart here. Asked of a few lines of a block, and remembered by their keys and the spelling of their times, for
all sources of a receiver. In plain Python: a process that ships nothing but such lines never wakes Polars, which would
cost it 30 MB.
"""

import re
from typing import Final

import msgspec

from logyard.formats.json.frame import find, places
from logyard.formats.lines.objects import FLAVOURS, LOG_READING
from logyard.model import timestamp
from logyard.model.civil.customs import Customs
from logyard.model.reading import DEFAULT_READING
from logyard.model.schema import KEYED_COLUMNS

__all__ = ["Passing"]

_SAMPLE: Final = 4
_MOST: Final = 4096
_LONGEST: Final = 40
_KEYS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TEXT: Final = msgspec.json.Decoder(str)
_TIMES: Final = frozenset(LOG_READING.timestamp)
_MARKS: Final = [re.compile(flavour.mark) for flavour in FLAVOURS]
_DIGITS: Final = re.compile(rb"[0-9]")
_LETTERS: Final = re.compile(rb"[A-Za-z]+")
_ZONED: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.]+ ?(?:Z|[+-][0-9]{2}:?[0-9]{2})|[0-9.]+")
"""Times that mean the same everywhere, whatever the settings say."""
_ZONELESS: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.]+")

Row = dict[str, msgspec.Raw]
Shape = tuple[tuple[str, bytes], ...]


class Passing:
    """Shared by the sources of one receiver; they are read in turn, by one thread at a time."""

    def __init__(self, customs: Customs) -> None:
        self._customs = customs
        self._known: dict[Shape, bool] = {}

    def may_pass(self, lines: bytes) -> bool:
        """Whether these lines, each of which begins with ``{`` and ends with LF, may travel as they are."""
        return all(self._may(line) for line in _some(lines))

    def _may(self, line: bytes) -> bool:
        try:
            row = _KEYS.decode(line)
            shape = _shape(row)
            if shape not in self._known:
                if len(self._known) >= _MOST:
                    self._known.clear()
                self._known[shape] = self._says_the_same(line.decode(), row)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return True  # no JSON: a message on either side
        return self._known[shape]

    def _says_the_same(self, line: str, row: Row) -> bool:
        if any(mark.search(line) for mark in _MARKS):
            return False
        for column in KEYED_COLUMNS:
            theirs = find(row, tuple(places(row, getattr(DEFAULT_READING, column))))
            if find(row, tuple(places(row, getattr(LOG_READING, column)))) != theirs:
                return False
            if column == "timestamp" and theirs is not None and not self._is_plain(_TEXT.decode(theirs[1])):
                return False
        return True

    def _is_plain(self, time: str) -> bool:
        """Whether the storing side reads this time, and our settings say nothing else about it."""
        means_one = _ZONED.fullmatch(time) or (not self._customs.zone and _ZONELESS.fullmatch(time))
        return bool(means_one) and timestamp.parse(time) is not None


def _some(lines: bytes) -> list[bytes]:
    """A few from all over the block."""
    found: list[bytes] = []
    for number in range(_SAMPLE):
        at = len(lines) * number // _SAMPLE
        begin = 0 if not at else lines.find(b"\n", at - 1) + 1
        end = lines.find(b"\n", begin)
        if 0 <= begin < end:
            found.append(lines[begin:end].rstrip(b"\r"))
    return found


def _shape(row: Row) -> Shape:
    return tuple((key, _spelling(bytes(value)) if key in _TIMES else b"") for key, value in row.items())


def _spelling(value: bytes) -> bytes:
    """``"2026-01-01T00:00:00Z"`` is ``"9999-99-99a99:99:99a"``."""
    return _LETTERS.sub(b"a", _DIGITS.sub(b"9", value[:_LONGEST]))
