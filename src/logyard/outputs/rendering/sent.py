r"""Records as their sender wrote them, as JSON objects, without decoding one that need not be.

    {"source":"/var/log/shop.log","service":"shop","collected_at":"...", what the sender wrote}

What is known of all lines of a batch stands in front of what each says itself, unless the line says it, too. A line
that is no object is its message. Of records that somebody has looked into, the keys are the sender's, too, and what was
found in their messages stands beside.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
import polars as pl

from logyard.formats.json.settle import settled
from logyard.formats.json.written import written
from logyard.model import timestamp
from logyard.model.batch import Batch, Encoded

__all__ = ["COLLECTED_AT", "sent"]

COLLECTED_AT: Final = "collected_at"
"""When the record was taken in; RFC 3339."""

_OPEN: Final = ord("{")
_BRACES: Final = (b"{}", b"{ ", b"{\t")
"""Without one of these there is no empty object; cheap to look for."""
_EMPTY: Final = re.compile(rb"(?:^|\n)\{[ \t\r]*\}")
_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_encode = msgspec.json.Encoder().encode


def sent(batch: Batch) -> bytes:
    """A line for each record, parted by LF."""
    if isinstance(batch.body, pl.DataFrame):
        return written(batch.body)
    body = settled(batch.body)
    known = {**dict(body.reading.constants), COLLECTED_AT: timestamp.format_ns(batch.received)}
    front = _encode(known)[:-1]
    if body.reading.kind == "plain":
        return b"\n".join(_messages(body.lines.decode().split("\n"), front))
    if body.reading.kind == "json" and not _named(body.lines, known):
        return _spliced(body, front)
    return b"\n".join(_line(line, front, known) for line in body.lines.split(b"\n"))


def _messages(texts: Iterable[str], front: bytes) -> Iterable[bytes]:
    begin = front + b',"message":'
    return [b"%b%b}" % (begin, _encode(text)) for text in texts]


def _spliced(body: Encoded, front: bytes) -> bytes:
    """All at once, where no line is an empty object."""
    lines = body.lines
    if any(braces in lines for braces in _BRACES) and _EMPTY.search(lines):
        return b"\n".join(_line(line, front, {}) for line in lines.split(b"\n"))
    begin = front + b","
    first, *others = lines.split(b"\n{")
    return (b"\n" + begin).join([begin + first[1:], *others])


def _line(line: bytes, front: bytes, known: Mapping[str, str]) -> bytes:
    if not line or line[0] != _OPEN:
        return b'%b,"message":%b}' % (front, _encode(line.decode()))
    if not _named(line, known):
        rest = line[1:].lstrip()
        return front + (rest if rest.startswith(b"}") else b"," + rest)
    own = _OBJECT.decode(line)
    return _encode({**{name: text for name, text in known.items() if name not in own}, **own})


def _named(text: bytes, names: Iterable[str]) -> bool:
    return any(_encode(name) in text for name in names)
