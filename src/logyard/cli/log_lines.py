"""How a line of a container's log is shown: as it is, or with times, names, colours, as JSON or by a template."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, tzinfo
from typing import Final, NamedTuple

import msgspec

from logyard.agent.stamps import iso
from logyard.cli.terminal import RESET

__all__ = ["LogLine", "Look", "Show", "shower"]

_COLORS: Final = tuple(f"\x1b[{code}m" for code in (36, 33, 32, 35, 34, 96, 93, 92, 95, 94))
_MARKED: Final = b"\x1b[1;30;43m"
_FIELD: Final = re.compile(r"\{([\w.]+)\}")
_STREAMS: Final = {1: "stdout", 2: "stderr"}


class LogLine(NamedTuple):
    """One line of one container."""

    time: int
    """Nanoseconds since the Unix epoch."""
    source: int
    """Which of the containers, in the order in which they were found."""
    stream: int
    data: bytes


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """How lines are shown; the defaults show them as they are."""

    timestamps: bool = False
    zone: tzinfo = UTC
    prefix: bool = False
    colored: bool = False
    template: str = ""
    pretty: bool = False
    json: bool = False
    highlight: tuple[str, ...] = ()

    @property
    def plain(self) -> bool:
        """Exact bytes and nothing else."""
        return not (self.timestamps or self.prefix or self.template or self.pretty or self.json or self.highlight)


Show = Callable[[LogLine, str], bytes]
"""A line and its container's name, as it is written."""


def shower(look: Look) -> Show:
    """Decided once. Raises ``re.error`` for a highlight that is no pattern."""
    if look.json:
        return _as_json
    body = _template(look) if look.template else _body(look)

    def show(line: LogLine, name: str) -> bytes:
        head = _prefix(line.source, name, look) if look.prefix else b""
        time = f"{_time(line.time, look.zone)} ".encode() if look.timestamps else b""
        text = body(line, name)
        # Merged lines must not run into each other.
        end = b"" if text.endswith(b"\n") or not look.prefix else b"\n"
        return head + time + text + end

    return show


def _as_json(line: LogLine, name: str) -> bytes:
    row = {
        "timestamp": iso(line.time),
        "container": name,
        "stream": _STREAMS[line.stream],
        "message": line.data.removesuffix(b"\n").decode(errors="replace"),
    }
    return msgspec.json.encode(row) + b"\n"


def _body(look: Look) -> Show:
    marks = re.compile("|".join(f"(?:{pattern})" for pattern in look.highlight).encode()) if look.highlight else None

    def body(line: LogLine, _name: str) -> bytes:
        data = _pretty(line.data) if look.pretty else line.data
        return marks.sub(_mark, data) if marks is not None else data

    return body


def _mark(found: "re.Match[bytes]") -> bytes:
    return _MARKED + found[0] + RESET.encode() if found[0].strip() else found[0]


def _pretty(data: bytes) -> bytes:
    if not data.lstrip().startswith((b"{", b"[")):
        return data
    try:
        return msgspec.json.format(data, indent=2) + b"\n"
    except msgspec.DecodeError:
        return data


def _template(look: Look) -> Show:
    r"""``{time} {container} {stream} {message}``, and ``{a.b}`` out of a JSON line; ``\n`` and ``\t`` are read."""
    template = look.template.replace("\\n", "\n").replace("\\t", "\t")

    def body(line: LogLine, name: str) -> bytes:
        message = line.data.removesuffix(b"\n").decode(errors="surrogateescape")
        known = {"time": _time(line.time, look.zone), "container": name, "stream": _STREAMS[line.stream]}
        row = _row(line.data)
        text = _FIELD.sub(lambda found: _value(found[1], known | {"message": message}, row), template)
        return text.encode(errors="surrogateescape") + b"\n"

    return body


def _row(data: bytes) -> Mapping[str, object]:
    try:
        return msgspec.json.decode(data, type=dict[str, object])
    except msgspec.DecodeError:
        return {}


def _value(path: str, known: Mapping[str, str], row: Mapping[str, object]) -> str:
    if path in row:
        return _text(row[path])
    if path in known:
        return known[path]
    value: object = row
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return _text(value)


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else msgspec.json.encode(value).decode()


def _prefix(source: int, name: str, look: Look) -> bytes:
    text = f"{name} | "
    return f"{_COLORS[source % len(_COLORS)]}{text}{RESET}".encode() if look.colored else text.encode()


def _time(time: int, zone: tzinfo) -> str:
    text = iso(time)
    if zone is UTC:
        return text
    from logyard.cli.times import moment  # noqa: PLC0415 - start-up time: it brings Polars along

    return moment(text, zone, whole=True)
