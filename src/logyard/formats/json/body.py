"""A JSON body of one request: an object, an array of objects, ``{"logs": [...]}``, or lines after all.

The items come out as an ``Encoded``: each is cut out of the body as it stands, and newlines between its
tokens become blanks (in JSON a raw newline can be nowhere else), so that it is a line.
"""

import re
from typing import Final

import msgspec

from logyard.errors import BadPayload
from logyard.formats.json.line import DEFAULT_LIMITS, OBJECT, LineLimits, Validated, check_lines, repair
from logyard.model import origin
from logyard.model.reading import DEFAULT_READING, Reading

__all__ = ["items"]


class _Wrapped(msgspec.Struct):
    logs: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_WRAPPED: Final = msgspec.json.Decoder(_Wrapped)
_ARRAY: Final = msgspec.json.Decoder(list[msgspec.Raw])
_BLANK: Final = b" \t\r\n"
_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{},]', re.DOTALL)
_ONE_LINE: Final = bytes.maketrans(b"\r\n", b"  ")


def items(payload: bytes, reading: Reading = DEFAULT_READING, limits: LineLimits = DEFAULT_LIMITS) -> Validated:
    """The good items of ``payload``, refusals for the others, by index in the array.

    Raises ``BadPayload`` when the body as a whole has no form to find items in.
    """
    origin.check(reading)
    body = payload.removeprefix(b"\xef\xbb\xbf").strip(_BLANK)
    if body.startswith(b"["):
        return _check(_split(body), reading, limits)
    if not body.startswith(b"{"):
        raise BadPayload(
            "the body is neither a JSON object nor an array nor JSON lines" if body else "the body is empty"
        )
    if _is_lines(body):
        return check_lines(body.split(b"\n"), reading, limits)
    wrapped = _wrapped(body)
    return _check([body] if wrapped is None else _split(wrapped), reading, limits)


def _check(parts: list[bytes], reading: Reading, limits: LineLimits) -> Validated:
    # An empty item (``[{},,{}]``) must be refused at its place, not be skipped like a blank line.
    return check_lines((part.translate(_ONE_LINE).strip(_BLANK) or b"," for part in parts), reading, limits)


def _is_lines(body: bytes) -> bool:
    """Whether the first line is an object by itself, with more behind it."""
    end = body.find(b"\n")
    if end < 0:
        return False
    try:
        OBJECT.decode(repair(body[:end]))
    except (msgspec.DecodeError, RecursionError):
        return body.count(b"\n{") > 0 and not _reads(body)
    return True


def _reads(body: bytes) -> bool:
    try:
        OBJECT.decode(repair(body))
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _wrapped(body: bytes) -> bytes | None:
    """The array under ``logs``, or None when the body is a record itself."""
    if b'"logs"' not in body and b"\\u" not in body:
        return None
    try:
        logs = _WRAPPED.decode(repair(body)).logs
    except (msgspec.DecodeError, RecursionError):
        found = re.match(rb'\{\s*"logs"\s*:\s*(\[.*\])\s*\}\Z', body, re.DOTALL)
        return found[1] if found else None
    array = b"" if isinstance(logs, msgspec.UnsetType) else bytes(logs)
    return array if array.startswith(b"[") else None


def _split(array: bytes) -> list[bytes]:
    """The items of an array, cut out, even if some of them are not valid JSON."""
    try:
        return [bytes(item) for item in _ARRAY.decode(array)]
    except (msgspec.DecodeError, RecursionError):
        return _split_roughly(array)


def _split_roughly(array: bytes) -> list[bytes]:
    """Cut at the commas outside of strings and brackets."""
    parts: list[bytes] = []
    depth, start = 0, 1
    for found in _TOKEN.finditer(array):
        token = found[0]
        depth += (token in (b"[", b"{")) - (token in (b"]", b"}"))
        if (token == b"," and depth == 1) or depth == 0:
            parts.append(array[start : found.start()])
            start = found.end()
        if depth == 0:
            break
    if depth:
        raise BadPayload(f"the array is not closed where the body ends, at byte {len(array)}")
    if array[start:].strip(_BLANK):
        raise BadPayload(f"there is something after the array, at byte {start}")
    return parts
