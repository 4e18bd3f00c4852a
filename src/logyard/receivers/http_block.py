"""A body of lines with what is known of all of them: how a collector ships a block of a file, and how curl sends one.

    curl --data-binary @app.log 'http://127.0.0.1:8005/ingest?service=shop&field.env=prod'

A request to ``/ingest`` is a block when its query string has one of these parameters, when its content type is
``text/...``, or when it is what curl sends by itself and begins like neither an object nor an array:

    format           auto: a line that is a JSON object is one, every other line is a message (the default);
                     plain: every line is a message
    service, host, source, level    of every line that names none itself
    field.NAME       an attribute of every line that has no key NAME

Nothing in a block is refused but lines over ``ingest.line_bytes``: a collector could do nothing about them. CRLF ends a
line, empty lines are none, bytes that are no UTF-8 become U+FFFD. With ``Idempotency-Key`` a block may be sent again
at any time and is stored once.
"""

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from logyard.errors import BadInput, BadPayload
from logyard.formats.json.line import LineLimits, Refusal, Validated
from logyard.formats.json.settle import block, settled
from logyard.model.batch import Encoded
from logyard.model.reading import DEFAULT_READING, Reading
from logyard.receivers.http_intake import HttpRequest

__all__ = ["COLUMNS", "FIELD", "is_block", "look"]

COLUMNS: Final = ("service", "host", "source", "level")
FIELD: Final = "field."
_MOST: Final = 100
_FORM: Final = "application/x-www-form-urlencoded"


def is_block(request: HttpRequest, body: bytes) -> bool:
    """Whether the sender means lines, whatever they are."""
    given = request.parameters() if request.query_string else {}
    if any(name == "format" or name in COLUMNS or name.startswith(FIELD) for name in given):
        return True
    kind = request.header(b"content-type")
    return kind.startswith("text/") or (kind == _FORM and not body.lstrip().startswith((b"{", b"[")))


def look(body: bytes, request: HttpRequest, limits: LineLimits) -> Validated:
    """All lines but those that are too long. Raises ``BadInput`` for parameters that cannot be used, ``BadPayload``
    when there is no line.
    """
    reading = _reading(request.parameters())
    found = block(body, reading)
    if found is None:
        raise BadPayload("the body holds no lines")
    rejected: tuple[Refusal, ...] = ()
    if len(found.lines) > limits.line_bytes:
        found, rejected = _without_long(found, limits.line_bytes)
    rows = found.rows + len(rejected)
    refused = {refusal.index for refusal in rejected}
    kept = range(rows) if not refused else [index for index in range(rows) if index not in refused]
    encoded = settled(found, limits) if found.rows else None
    return Validated(encoded=encoded, kept=kept, rejected=rejected)


def _reading(given: Mapping[str, str]) -> Reading:
    form = given.get("format", "auto")
    if form not in {"auto", "plain"}:
        raise BadInput(f"format {form!r} is none of auto, plain")
    constants = dict(_constants(given))
    if len(constants) > _MOST:
        raise BadInput(f"{len(constants)} fields for all lines, over {_MOST}")
    try:
        reading = DEFAULT_READING.given(constants)
    except ValueError as error:
        raise BadInput(str(error)) from error
    return msgspec.structs.replace(reading, kind="plain" if form == "plain" else "raw")


def _constants(given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, text in given.items():
        if name in COLUMNS:
            yield name, text
        elif name.startswith(FIELD):
            yield name.removeprefix(FIELD), text


def _without_long(found: Encoded, most: int) -> tuple[Encoded, tuple[Refusal, ...]]:
    lines = found.lines.split(b"\n")
    text = f"over ingest.line_bytes {most}"
    rejected = [
        Refusal(place, f"line of {len(each)} bytes, {text}") for place, each in enumerate(lines) if len(each) > most
    ]
    kept = [each for each in lines if len(each) <= most]
    return Encoded(lines=b"\n".join(kept), rows=len(kept), reading=found.reading), tuple(rejected)
