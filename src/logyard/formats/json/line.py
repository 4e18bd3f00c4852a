r"""One JSON line looked at closely: repaired where that loses nothing, refused with a reason where not.

Repaired (and counted): bytes that are no UTF-8 and escapes of half a surrogate pair (``\ud800`` alone) become
U+FFFD, for a log with a broken character is better than no log. A byte order mark and blanks around the
object go silently. Refused: what is not JSON (NaN, a raw control character in a string ...), what is not an
object, numbers beyond a double, and lines beyond ``LineLimits``.

Whatever is accepted here can be read by the decoder of ``json_frame`` and by the engine (simdjson), which
differ at the edges: the engine takes nesting up to 1024 and no number beyond a double; our decoder stops at
Python's recursion limit (1000), and does not look at numbers that it skips.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from logyard.model.batch import Encoded
from logyard.model.reading import DEFAULT_READING, Reading

__all__ = [
    "DEFAULT_LIMITS",
    "OBJECT",
    "SUSPECT_NUMBER",
    "LineLimits",
    "Refusal",
    "Validated",
    "check_lines",
    "repair",
]


class LineLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How large a line may be. Fields and nesting are counted only in lines over ``inspect_bytes``: a shorter
    line cannot do harm by them (nesting is bounded by the decoder at about 950).
    """

    line_bytes: int = 1 << 20
    fields: int = 1000
    """Keys of the object and of all objects in it."""
    depth: int = 64
    inspect_bytes: int = 1 << 16


DEFAULT_LIMITS: Final = LineLimits()


class Refusal(msgspec.Struct, frozen=True):
    """An item that was not kept: its 0-based index among the items of its request, and why."""

    index: int
    reason: str


class Validated(msgspec.Struct, frozen=True, kw_only=True):
    """What is left of a body: the good lines, and what became of the others."""

    encoded: Encoded | None
    """None when no line is left."""
    kept: Sequence[int]
    """Indexes of the items that became the lines of ``encoded``, in order."""
    rejected: tuple[Refusal, ...] = ()
    repaired: int = 0
    """How many of the kept lines had a broken character that is U+FFFD now."""


class _Object(msgspec.Struct, gc=False):
    """Any object: its keys are skipped, not kept."""


OBJECT: Final = msgspec.json.Decoder(_Object)
"""Checks that JSON is an object, at the cost of skipping over it."""

SUSPECT_NUMBER: Final = r"[0-9][eE]\+?[0-9]{3,}[,}\] \r\n\t]"
"""Where a number beyond a double may stand: an exponent of three digits. """

_WHOLE: Final = msgspec.json.Decoder(dict)
_BLANK: Final = b" \t\r\n"
_MARK: Final = b"\xef\xbb\xbf"
_ESCAPE: Final = re.compile(rb"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)
_HIGH: Final = range(0xD800, 0xDC00)
_LOW: Final = range(0xDC00, 0xE000)
_BYTE: Final = re.compile(r"^JSON is malformed: (.*) \(byte (\d+)\)$")
_GOT: Final = re.compile(r"got `(\w+)`")
_NOT_NUMBERS: Final = (b"NaN", b"-Infinity", b"Infinity")


class _Unacceptable(Exception):
    """Carries the reason."""


def check_lines(
    lines: Iterable[bytes], reading: Reading = DEFAULT_READING, limits: LineLimits = DEFAULT_LIMITS
) -> Validated:
    """Look at each line; blank ones are no items and do not count."""
    good: list[bytes] = []
    kept: list[int] = []
    rejected: list[Refusal] = []
    repaired = index = 0
    for line in lines:
        text = line.strip(_BLANK).removeprefix(_MARK).strip(_BLANK)
        if not text:
            continue
        try:
            checked = _check(text, limits)
        except _Unacceptable as problem:
            rejected.append(Refusal(index, str(problem)))
        else:
            good.append(checked)
            kept.append(index)
            repaired += checked is not text
        index += 1
    encoded = Encoded(lines=b"\n".join(good), rows=len(good), reading=reading) if good else None
    return Validated(encoded=encoded, kept=kept, rejected=tuple(rejected), repaired=repaired)


def _check(line: bytes, limits: LineLimits) -> bytes:
    """The line, the same object if nothing had to be repaired."""
    if len(line) > limits.line_bytes:
        raise _Unacceptable(f"line of {len(line)} bytes, over limits.line_bytes {limits.line_bytes}")
    whole = repair(line)
    try:
        value = _WHOLE.decode(whole)
        if len(whole) > limits.inspect_bytes:
            _inspect(value, limits)
    except RecursionError:
        raise _Unacceptable(f"nesting deeper than limits.depth {limits.depth}") from None
    except msgspec.ValidationError as problem:
        raise _Unacceptable(_misfit(str(problem))) from None
    except msgspec.DecodeError as problem:
        raise _Unacceptable(_malformed(whole, str(problem))) from None
    return whole


def repair(text: bytes) -> bytes:
    """Replace what is no UTF-8, and escapes of half a surrogate pair, by U+FFFD; the same object if there is
    none.
    """
    if not text.isascii():
        try:
            text.decode()
        except UnicodeDecodeError:
            text = text.decode(errors="replace").encode()
    if b"\\ud" not in text and b"\\uD" not in text:
        return text
    fixed = _mend_surrogates(text)
    return text if fixed == text else fixed


def _mend_surrogates(text: bytes) -> bytes:
    parts: list[bytes] = []
    done, high = 0, None
    for found in _ESCAPE.finditer(text):
        unit = int(found[1], 16) if found[1] else 0
        low = unit in _LOW
        if low and high is not None and high.end() == found.start():
            high = None
            continue
        broken = [match for match in (high, found if low else None) if match is not None]
        for match in broken:
            parts += (text[done : match.start()], b"\\ufffd")
            done = match.end()
        high = found if unit in _HIGH else None
    if high is not None:
        parts += (text[done : high.start()], b"\\ufffd")
        done = high.end()
    return b"".join((*parts, text[done:]))


def _inspect(value: object, limits: LineLimits) -> None:
    """Count keys and levels without recursion."""
    level, fields, depth = [value], 0, 0
    while level:
        depth += 1
        if depth > limits.depth:
            raise _Unacceptable(f"nesting deeper than limits.depth {limits.depth}")
        fields += sum(len(item) for item in level if isinstance(item, dict))
        level = [child for item in level for child in _children(item)]
    if fields > limits.fields:
        raise _Unacceptable(f"{fields} fields, over limits.fields {limits.fields}")


def _children(item: object) -> list[object]:
    inside = item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
    return [child for child in inside if isinstance(child, dict | list)]


def _misfit(problem: str) -> str:
    """The reason for JSON that is well formed and yet not for us."""
    if problem.startswith("Expected `object`"):
        got = _GOT.search(problem)
        kind = got[1] if got else "something else"
        return f"not an object but {'an' if kind[0] in 'aio' else 'a'} {kind}"
    return f"not readable: {problem[0].lower()}{problem[1:]}"


def _malformed(line: bytes, problem: str) -> str:
    found = _BYTE.match(problem)
    if found is None:
        return f"not valid JSON: it ends too early, at byte {len(line)}"
    position = int(found[2])
    for word in _NOT_NUMBERS:
        start = line.find(word, max(0, position - 1), position + len(word))
        if start >= 0:
            return f"not valid JSON: {word.decode()} is not JSON, at byte {start}"
    return f"not valid JSON: {found[1]} at byte {position}"
