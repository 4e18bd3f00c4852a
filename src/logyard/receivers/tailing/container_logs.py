r"""What container engines write: Docker's json-file and the CRI's lines, and records that come in parts.

    docker   {"log":"text\\n","stream":"stdout","time":"2026-01-01T00:00:00.1Z"}; a record over 16 KB comes as several,
             of which only the last ends with a newline
    cri      2026-01-01T00:00:00.1+00:00 stdout F text; P for a part, F for the last one or a whole

Two streams may be interleaved, and a record may begin in one file and end in the next. What is not complete is not
taken: see ``assemble``. Each record becomes a JSON line with time, stream and message; one whose message is a JSON
object becomes that object, with time and stream where it has none.
"""

from typing import Final, Literal, NamedTuple

import msgspec

from logyard.formats.json.settle import block
from logyard.model.reading import Reading
from logyard.receivers.tailing.assemble import Taken

__all__ = ["ContainerLogs"]

_MOST: Final = 1 << 20
"""A record's parts are joined up to here; what is longer goes as several records."""
_FIELDS: Final = 4


class _Part(NamedTuple):
    time: bytes
    stream: bytes
    text: bytes
    is_last: bool


class _Docker(msgspec.Struct, frozen=True, gc=False):
    log: str
    stream: str = ""
    time: str = ""


_DOCKER: Final = msgspec.json.Decoder(_Docker)
_ENCODE: Final = msgspec.json.Encoder().encode


class ContainerLogs:
    """``assemble.Assembler``."""

    def __init__(self, engine: Literal["docker", "cri"]) -> None:
        self._read = _docker if engine == "docker" else _cri

    def take(self, lines: bytes, reading: Reading, *, final: bool) -> Taken:
        """All up to the first record that is not complete."""
        records: list[tuple[int, bytes]] = []
        open_parts: dict[bytes, tuple[int, list[_Part]]] = {}
        at = 0
        for line in lines.splitlines(keepends=True):
            begin, at = at, at + len(line)
            part = self._read(line.rstrip(b"\r\n"))
            started, parts = open_parts.pop(part.stream, (begin, []))
            parts.append(part)
            if part.is_last or sum(len(each.text) for each in parts) > _MOST:
                records.append((started, _record(parts)))
            else:
                open_parts[part.stream] = (started, parts)
        first_open = min((begin for begin, _ in open_parts.values()), default=len(lines))
        if final or len(lines) - first_open > 2 * _MOST:
            records += [(begin, _record(parts)) for begin, parts in open_parts.values()]
            first_open = len(lines)
        kept = [record for begin, record in sorted(records, key=lambda each: each[0]) if begin < first_open]
        raw = msgspec.structs.replace(reading, kind="raw")
        return Taken(block(b"\n".join(kept), raw), first_open)


def _cri(line: bytes) -> _Part:
    fields = line.split(b" ", _FIELDS - 1)
    if len(fields) < _FIELDS or fields[1] not in {b"stdout", b"stderr"}:
        return _Part(b"", b"", line, is_last=True)
    time, stream, tags, text = fields
    return _Part(time, stream, text, is_last=not tags.startswith(b"P"))


def _docker(line: bytes) -> _Part:
    try:
        found = _DOCKER.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Part(b"", b"", line, is_last=True)
    text = found.log.encode()
    return _Part(found.time.encode(), found.stream.encode(), text.removesuffix(b"\n"), is_last=text.endswith(b"\n"))


def _record(parts: list[_Part]) -> bytes:
    """One line for the parts of a record; what was no record is its own line."""
    text = b"".join(part.text for part in parts)
    first = parts[0]
    if not first.time:
        return text
    about = _ENCODE({"time": first.time.decode(errors="replace"), "stream": first.stream.decode(errors="replace")})
    inner = text.strip()
    if inner.startswith(b"{") and inner.endswith(b"}") and b'"time"' not in inner and b'"stream"' not in inner:
        return about[:-1] + (b"," if inner[1:].lstrip() != b"}" else b"") + inner[1:]
    return about[:-1] + b',"message":' + _ENCODE(text.decode(errors="replace")) + b"}"
