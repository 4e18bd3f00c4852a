"""How an encoded line is read: which of its keys fill which column.

Lines are of one of four kinds. ``json``: each is one JSON object. ``plain``: each is the message, whatever it holds.
``mixed``: a line that begins with ``{`` is a JSON object, every other one is the message. ``raw``: nobody has looked
yet; such a body may travel between processes, but ``formats/json/settle.py`` makes one of the others of it before it
is stored or decoded.

A JSON line is one object as its sender wrote it. Its *known keys* fill the canonical columns; everything
else is kept as attributes. For one column the keys are tried in the order given here; the first that holds
something (not missing, not null, not "", not an object) is the one that is used, and only that one leaves the
attributes. A sender may name its own keys (VictoriaLogs' ``_msg_field``): those are then the only ones tried.

The spellings follow what the field's own shippers write: OpenTelemetry, ECS, bunyan, pino, zap, logrus, Serilog,
GELF, VictoriaLogs, Loki, Docker.

*Constants* are what the receiver knows of all lines of a body: where they come from, and labels. One whose name is a
column's fills that column of every line that does not; any other is an attribute of every line that has no key of that
name at its top. The time and the message are the lines' own.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final, Literal

import msgspec

__all__ = ["DEFAULT_READING", "Constants", "Kind", "Reading"]

Kind = Literal["json", "plain", "mixed", "raw"]
Constants = tuple[tuple[str, str], ...]
"""Names and values."""

_OWN: Final = frozenset({"timestamp", "message", ""})
_CACHED: Final = 4096


class Reading(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The keys tried for each column, first match wins. A dotted key also finds the nested spelling, one level deep."""

    timestamp: tuple[str, ...] = (
        "timestamp", "time", "ts", "@timestamp", "_time", "datetime", "asctime", "eventTime", "@t",
    )  # fmt: skip
    level: tuple[str, ...] = (
        "level", "severity", "lvl", "log.level", "loglevel", "log_level", "levelname",
        "severity_text", "severityText", "@l",
    )  # fmt: skip
    message: tuple[str, ...] = (
        "message",
        "msg",
        "body",
        "_msg",
        "log",
        "short_message",
        "@m",
        "event.original",
    )
    service: tuple[str, ...] = (
        "service",
        "service_name",
        "service.name",
        "app",
        "application",
        "app_name",
        "serviceName",
    )
    host: tuple[str, ...] = ("host", "hostname", "host.name", "host_name")
    trace_id: tuple[str, ...] = ("trace_id", "traceId", "trace.id", "traceID", "traceid")
    span_id: tuple[str, ...] = ("span_id", "spanId", "span.id", "spanID", "spanid")
    correlation_id: tuple[str, ...] = ("correlation_id", "correlationId", "correlation.id")
    source: tuple[str, ...] = ("source", "source_file")
    stream_fields: tuple[str, ...] = ("service", "host")
    """Fields that make up the stream's identity: column names of ours, or the sender's own keys."""
    kind: Kind = "json"
    """What the lines are."""
    constants: Constants = ()
    """What holds for every line that does not say otherwise. Never "timestamp" or "message"."""

    def __post_init__(self) -> None:
        """Refuse constants that are the lines' own, and names that come twice."""
        names = [name for name, _ in self.constants]
        if _OWN.intersection(names) or len(set(names)) < len(names):
            raise ValueError(f"constants must have different names, none of them timestamp or message: {names}")

    def given(self, constants: Mapping[str, str]) -> "Reading":
        """The same with these constants; empty values are none."""
        return msgspec.structs.replace(self, constants=tuple((name, text) for name, text in constants.items() if text))

    def encode(self) -> str:
        """Text form, empty for the default reading; travels in WAL frames.

        Up to two lines: the rules with the names of the constants, then the values of these. So bodies that differ by
        nothing but values have the same first line, and the engine reads them in one statement.
        """
        return _encoded(self)

    def rules(self) -> str:
        """The first line of ``encode``."""
        return _encoded(self).partition("\n")[0]

    @staticmethod
    def decode(text: str) -> "Reading":
        """The inverse of ``encode``. Raises ``msgspec.DecodeError``."""
        return _decoded(text)


@lru_cache(maxsize=_CACHED)
def _encoded(reading: Reading) -> str:
    # By value, not by identity as ``omit_defaults`` has it: equal readings are one text.
    fields = ((name, getattr(reading, name)) for name in reading.__struct_fields__)
    tree = {name: value for name, value in fields if value != getattr(DEFAULT_READING, name)}
    pairs = reading.constants
    if pairs:
        tree["constants"] = [name for name, _ in pairs]
    rules = msgspec.json.encode(tree).decode().removesuffix("{}")
    values = msgspec.json.encode([value for _, value in pairs]).decode() if pairs else ""
    return f"{rules}\n{values}" if pairs else rules


@lru_cache(maxsize=_CACHED)
def _decoded(text: str) -> Reading:
    rules, _, values = text.partition("\n")
    tree = msgspec.json.decode(rules or "{}", type=dict)
    names = tree.pop("constants", [])
    texts = msgspec.json.decode(values or "[]", type=list[str])
    return msgspec.convert({**tree, "constants": list(zip(names, texts, strict=False))}, Reading)


DEFAULT_READING = Reading()
