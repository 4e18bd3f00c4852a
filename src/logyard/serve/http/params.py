"""Parameters of a request: from the query string, a form, or a JSON object, under the same names in all
three.

What comes in the body wins over the query string. A name that comes twice in a form keeps all its values
(``all``); the others take the last.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Final, cast
from urllib.parse import parse_qsl

import msgspec
from litestar import Request
from litestar.datastructures import State

from logyard.clock import Clock
from logyard.errors import BadInput
from logyard.model.timerange import parse_duration, parse_time
from logyard.receivers.http_body import Receive, read_body
from logyard.types import Json, Nanoseconds

__all__ = ["Parameters", "WebRequest", "read_parameters"]

WebRequest = Request[object, object, State]

_FORM_BYTES: Final = 4 << 20
_MOST_DIGITS: Final = 18


class Parameters:
    """What a request asks for, read with care: every method raises ``BadInput`` that names the parameter."""

    def __init__(self, given: Mapping[str, Sequence[str]], clock: Clock) -> None:
        self._given = given
        self._clock = clock

    def text(self, *names: str) -> str:
        """The first of ``names`` that is given, "" when none is."""
        return next((self._given[name][-1] for name in names if self._given.get(name)), "")

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of ``name``."""
        return tuple(value for value in self._given.get(name, ()) if value)

    def list(self, name: str) -> tuple[str, ...]:
        """The parts of every value of ``name``, cut at commas."""
        return tuple(part.strip() for value in self.all(name) for part in value.split(",") if part.strip())

    def needed(self, *names: str) -> str:
        """Like ``text``, for what cannot be left out."""
        found = self.text(*names)
        if not found:
            raise BadInput(f"missing parameter {names[0]}")
        return found

    def count(self, name: str, default: int, most: int | None = None) -> int:
        """A whole number that is not negative; above ``most`` it is ``most``."""
        text = self.text(name)
        if not text:
            return default
        if not (text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS):
            raise BadInput(f"cannot parse {name} from {text!r}: it should be a whole number")
        return int(text) if most is None else min(int(text), most)

    def flag(self, name: str) -> bool:
        """``1`` and ``true`` are true."""
        return self.text(name).lower() in {"1", "true", "yes"}

    def time(self, *names: str) -> Nanoseconds | None:
        """An instant, None when it is not given."""
        text = self.text(*names)
        if not text:
            return None
        try:
            return parse_time(text, Nanoseconds(self._clock.now()))
        except BadInput as error:
            raise BadInput(f"{names[0]}: {error}") from error

    def span(self, name: str, default: str) -> Nanoseconds:
        """A duration: ``5m``; a plain number is seconds."""
        return self._span(name, self.text(name) or default)

    def _span(self, name: str, text: str) -> Nanoseconds:
        try:
            return parse_duration(text + "s" if text.replace(".", "", 1).isdecimal() else text)
        except BadInput as error:
            raise BadInput(f"{name}: {error}") from error

    def signed_span(self, name: str) -> int:
        """A duration that may be negative, 0 when it is not given."""
        text = self.text(name)
        if not text:
            return 0
        return -self._span(name, text[1:]) if text.startswith("-") else self._span(name, text)

    def seconds(self, name: str, most: float) -> float:
        """A duration in seconds, ``most`` when it is longer or not given."""
        if not self.text(name):
            return most
        return min(most, max(0.001, self.span(name, "") / 1e9)) if math.isfinite(most) else most


async def read_parameters(request: WebRequest, clock: Clock) -> Parameters:
    """All parameters of ``request``. Raises what ``http_body.read_body`` raises, and ``BadInput``."""
    given = _form(request.scope["query_string"])
    if request.method == "POST":
        headers = dict(request.scope["headers"])
        body = await read_body(cast("Receive", request.receive), headers, _FORM_BYTES)
        given |= _posted(body, headers.get(b"content-type", b""))
    return Parameters(given, clock)


def _posted(body: bytes, content_type: bytes) -> dict[str, list[str]]:
    if b"json" not in content_type and not body.lstrip().startswith(b"{"):
        return _form(body)
    try:
        values: dict[str, Json] = msgspec.json.decode(body or b"{}", type=dict)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadInput(f"the body is neither a form nor a JSON object: {error}") from error
    return {name: _texts(value) for name, value in values.items() if value is not None}


def _form(text: bytes) -> dict[str, list[str]]:
    given: dict[str, list[str]] = {}
    try:
        pairs = parse_qsl(text.decode("latin-1"), keep_blank_values=True, errors="replace", max_num_fields=1000)
    except ValueError as error:
        raise BadInput(f"cannot read the parameters: {error}") from error
    for name, value in pairs:
        given.setdefault(name, []).append(value)
    return given


def _texts(value: Json) -> list[str]:
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return [value if isinstance(value, str) else msgspec.json.encode(value).decode()]
