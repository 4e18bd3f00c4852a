"""Lines that are JSON objects, of whatever logger: which keys hold time, level and message.

The keys are those of many houses, in the order in which they are tried. A few loggers use keys that mean something
else elsewhere; a *flavour* recognises them by a mark that only they have.
"""

import re
from collections.abc import Sequence
from functools import partial
from typing import Final

import msgspec
import polars as pl

from logyard.formats.json.frame import frame
from logyard.formats.json.lines import validate
from logyard.formats.lines.assemble import plain
from logyard.formats.lines.fields import fragments, object_of
from logyard.model import severity
from logyard.model.civil.customs import Customs
from logyard.model.civil.read import read
from logyard.model.reading import DEFAULT_READING, Reading
from logyard.ports import Decoded
from logyard.types import Nanoseconds

__all__ = ["FLAVOURS", "LOG_READING", "Flavour", "decode_objects", "look_like_objects"]

LOG_READING: Final = Reading(
    timestamp=(
        *DEFAULT_READING.timestamp, "Timestamp", "@ts", "timeMillis", "event_time", "log_time", "unixTime",
        "calendarTime", "StartUTC", "start_time", "TimeGenerated", "UtcTime", "created_at", "date", "epoch",
        "_SOURCE_REALTIME_TIMESTAMP", "__REALTIME_TIMESTAMP", "instant.epochSecond", "receiveTimestamp", "t",
    ),
    level=(
        *DEFAULT_READING.level, "level_name", "logLevel", "LogLevel", "Level", "Severity", "@level", "PRIORITY",
        "priority", "SeverityText", "loglvl",
    ),
    message=(
        *DEFAULT_READING.message, "MESSAGE", "@message", "event", "Message", "RenderedMessage", "@mt",
        "MessageTemplate", "textPayload", "jsonPayload.message", "logEvent.message", "text", "Body",
    ),
    service=(*DEFAULT_READING.service, "SYSLOG_IDENTIFIER", "ServiceName", "_COMM", "app.name"),
    host=(
        *DEFAULT_READING.host, "_HOSTNAME", "hostIdentifier", "@host", "hostName", "HostName", "Hostname", "Computer",
    ),
    trace_id=(*DEFAULT_READING.trace_id, "TraceId", "@tr", "dd.trace_id", "x_trace_id"),
    span_id=(*DEFAULT_READING.span_id, "SpanId", "@sp", "dd.span_id"),
)  # fmt: skip
"""For loggers whose keys say what they mean."""


class Flavour(msgspec.Struct, frozen=True, kw_only=True):
    """A logger with keys of its own."""

    name: str
    mark: str
    """Regular expression that finds what only its lines have."""
    words: tuple[str, ...]
    """One of them is in every text that the mark finds: cheaper to look for."""
    reading: Reading
    level: str = ""
    """Word of lines without a level."""
    derived: tuple[tuple[str, str, str], ...] = ()
    """(key, field, kind): what a key's value means in our terms, besides the key itself."""
    envelope: bool = False
    """The message is somebody else's line."""


def _reading(**keys: tuple[str, ...]) -> Reading:
    return msgspec.structs.replace(LOG_READING, **keys)


FLAVOURS: Final = (
    Flavour(
        name="mongodb",
        mark=r'"\$date"\s*:',
        words=('"$date"',),
        reading=_reading(timestamp=("t.$date", *LOG_READING.timestamp), level=("s", *LOG_READING.level)),
    ),
    Flavour(
        name="clef",
        mark=r'"@t"\s*:',
        words=('"@t"',),
        reading=_reading(timestamp=("@t",), level=("@l",), message=("@m", "@mt")),
        level="Information",
    ),
    Flavour(
        name="docker",
        mark=r'"stream"\s*:\s*"std(?:out|err)"',
        words=('"stream"',),
        reading=_reading(timestamp=("time", *LOG_READING.timestamp), message=("log", *LOG_READING.message)),
        envelope=True,
    ),
    Flavour(
        name="elasticsearch",
        mark=r'"(?:cluster\.name|node\.id|event\.type)"\s*:',
        words=('"cluster.name"', '"node.id"', '"event.type"'),
        reading=LOG_READING,
        derived=(("took_millis", "duration_ns", "ms"), ("origin.address", "client", "endpoint")),
    ),
    Flavour(
        name="bunyan",
        mark=r'"v"\s*:\s*[01]\b.*"hostname"\s*:|"hostname"\s*:.*"v"\s*:\s*[01]\b',
        words=('"v"',),
        reading=_reading(service=("name", *LOG_READING.service)),
    ),
    Flavour(
        name="gcp",
        mark=r'"(?:jsonPayload|textPayload|protoPayload|logName)"\s*:',
        words=('"jsonPayload"', '"textPayload"', '"protoPayload"', '"logName"'),
        reading=_reading(message=("textPayload", "jsonPayload.message", *LOG_READING.message)),
    ),
)
"""The first whose mark a line has is its flavour."""

_OBJECT: Final = r"(?s)^\s*(?:\{.*\}|\[\s*\{[^{}]*\}\s*\])\s*$"
"""An object, or a list of one."""


def look_like_objects(lines: pl.Series) -> pl.Series:
    """Which lines begin and end like an object."""
    plain = lines.str.starts_with("{") & lines.str.ends_with("}")
    if plain.all():
        return plain
    return lines.str.contains(_OBJECT)


def decode_objects(lines: pl.Series, customs: Customs) -> Decoded:
    """The records of the lines that are JSON objects."""
    likely = look_like_objects(lines).fill_null(value=False)
    rows = likely.arg_true()
    texts = lines.gather(rows).str.strip_chars(" \t\r\n\ufeff")
    if texts.str.contains("\n", literal=True).any():
        texts = texts.str.replace_all(r"[\r\n]", " ")
    if texts.str.starts_with("[").any():
        texts = texts.str.strip_prefix("[").str.strip_suffix("]").str.strip_chars(" ")
    flavours = _flavours(texts)
    frames: list[pl.DataFrame] = []
    places: list[pl.Series] = []
    wrapped: list[pl.Series] = []
    for kind in flavours.unique(maintain_order=True):
        mine = (flavours == kind).arg_true()
        flavour = FLAVOURS[kind] if kind >= 0 else None
        found, kept = _framed(texts.gather(mine), flavour, customs)
        frames.append(found)
        places.append(rows.gather(mine.gather(kept)))
        wrapped.append(pl.Series([flavour is not None and flavour.envelope]).new_from_index(0, found.height))
    if not frames:
        return Decoded(frame=plain(lines.clear(), customs), fits=likely)
    place = pl.concat(places)
    fits = pl.Series([False]).new_from_index(0, lines.len()).scatter(place, values=True)
    if len(frames) == 1:
        return Decoded(frame=frames[0], fits=fits, wrapped=wrapped[0])
    order = place.arg_sort()
    return Decoded(frame=pl.concat(frames)[order], fits=fits, wrapped=pl.concat(wrapped)[order])


def _flavours(texts: pl.Series) -> pl.Series:
    """For each line the index of its flavour, -1 for none in particular."""
    chosen: pl.Expr = pl.lit(-1)
    words = [word for flavour in FLAVOURS for word in flavour.words]
    if not texts.str.contains_any(words).any():
        return pl.Series([-1], dtype=pl.Int8).new_from_index(0, texts.len())
    for index, flavour in reversed(list(enumerate(FLAVOURS))):
        chosen = pl.when(pl.col("text").str.contains(flavour.mark)).then(pl.lit(index)).otherwise(chosen)
    return pl.DataFrame({"text": texts}).select(chosen.cast(pl.Int8).alias("kind")).to_series()


def _framed(texts: pl.Series, flavour: Flavour | None, customs: Customs) -> tuple[pl.DataFrame, Sequence[int]]:
    """The records of lines of one flavour, and which lines they are: what is no JSON after all is left out."""
    reading = flavour.reading if flavour else LOG_READING
    looked_at = validate("\n".join(texts).encode(), reading)
    if looked_at.encoded is None:
        return plain(texts.clear(), customs), []
    found = frame(looked_at.encoded, Nanoseconds(customs.now), partial(read, customs=customs))
    if flavour and flavour.level:
        default = severity.parse(flavour.level)
        unset = (pl.col("severity") == 0) & (pl.col("level_text") == "")
        found = found.with_columns(
            level=pl.when(unset).then(pl.lit(default.name)).otherwise("level"),
            severity=pl.when(unset).then(pl.lit(default.severity, dtype=pl.UInt8)).otherwise("severity"),
            level_text=pl.when(unset).then(pl.lit(flavour.level)).otherwise("level_text"),
        )
    if flavour and flavour.derived:
        found = found.with_columns(_derived(found["attributes"], flavour.derived))
    if flavour and flavour.envelope:
        found = found.with_columns(pl.col("message").str.strip_suffix("\n").str.strip_suffix("\r"))
    return found, list(looked_at.kept)


def _derived(attributes: pl.Series, rules: tuple[tuple[str, str, str], ...]) -> pl.Series:
    """Objects with the fields that the rules derive from their keys."""
    columns = [attributes.str.head(-1).str.slice(1)]
    columns[0] = columns[0].set(columns[0] == "", None)
    for key, field, kind in rules:
        value = rf'"{re.escape(key)}":(?:"([^"\\]*)"|([0-9.]+))'
        found = pl.select(pl.coalesce(attributes.str.extract(value, 1), attributes.str.extract(value, 2))).to_series()
        columns += fragments(field, found, kind)
    return object_of(columns, attributes.len()).alias("attributes")
