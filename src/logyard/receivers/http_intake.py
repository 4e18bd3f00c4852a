"""What HTTP receivers share: the request they see, the answer they give, and the way of records into the
inlet.

An HTTP receiver is a component whose ``routes(intake)`` returns ``HttpRoute``s; ``app.py`` hands them to
``serve``. It knows no web framework: a handler takes an ``HttpRequest`` and returns an ``HttpAnswer``, or
raises what ``errors.py`` has, which ``serve/http/problems.py`` alone turns into statuses.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Protocol, runtime_checkable
from urllib.parse import parse_qsl

import msgspec

from logyard.errors import BadInput, BadPayload
from logyard.formats.json.line import LineLimits, Refusal, Validated
from logyard.model.batch import Receipt
from logyard.model.ids import LogIds
from logyard.ports import Inlet, Submission
from logyard.receivers.http_body import Receive, read_body
from logyard.telemetry import Event, Telemetry
from logyard.types import Tenant

__all__ = [
    "HttpAnswer",
    "HttpReceiver",
    "HttpRequest",
    "HttpRoute",
    "Intake",
    "ItemsRefused",
    "RecordsReceived",
    "RecordsRefused",
    "answer_json",
    "idempotency_key",
    "submit",
    "validated",
]

_INLINE_BYTES: Final = 1 << 18
"""Bodies up to here are looked at on the event loop: half a millisecond; larger ones in a worker thread."""
_KEY: Final = re.compile(rb"[\x21-\x7e]{1,255}")
_JSON: Final = (b"content-type", b"application/json")


class RecordsReceived(Event, frozen=True, kw_only=True):
    """Records that came in by HTTP and were acknowledged."""

    receiver: str
    count: int
    bytes: int


class RecordsRefused(Event, frozen=True, kw_only=True):
    """Items of HTTP requests that were refused, with a reason given to their sender."""

    receiver: str
    count: int


class ItemsRefused(BadPayload):
    """A request none of whose items could be kept."""

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        """``refusals`` has at least one."""
        first = refusals[0]
        super().__init__(first.reason, index=first.index if len(refusals) > 1 else None)
        self.refusals = refusals


class HttpRequest:
    """One request. ``path`` parameters are the receiver's own affair; header names are lower case."""

    __slots__ = ("headers", "path", "query_string", "receive")

    def __init__(self, scope: Mapping[str, object], receive: Receive) -> None:
        """Of an ASGI HTTP scope. Of a header that comes twice, the last counts."""
        self.headers: Mapping[bytes, bytes] = dict(scope["headers"])  # type: ignore[call-overload] # ASGI says pairs
        self.path = str(scope["path"])
        self.query_string: bytes = scope["query_string"]  # type: ignore[assignment] # ASGI says bytes
        self.receive = receive

    def parameters(self) -> dict[str, str]:
        """The query string; of a name that comes twice, the last counts."""
        return dict(parse_qsl(self.query_string.decode("latin-1"), keep_blank_values=True))

    def header(self, name: bytes) -> str:
        """A header's text, "" where there is none."""
        return self.headers.get(name, b"").decode("latin-1")


class HttpAnswer(msgspec.Struct, frozen=True):
    """What goes back."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = (_JSON,)


class HttpRoute(msgspec.Struct, frozen=True, kw_only=True):
    """One way in: an exact path and what answers there."""

    method: str
    path: str
    handle: Callable[[HttpRequest], Awaitable[HttpAnswer]]
    summary: str
    """One line for the API's description."""


class Intake(msgspec.Struct, frozen=True, kw_only=True):
    """What HTTP receivers work with. ``limits`` and ``body_bytes`` come from the configuration."""

    inlet: Inlet
    ids: LogIds
    telemetry: Telemetry
    limits: LineLimits = LineLimits()
    body_bytes: int = 64 << 20

    async def body(self, request: HttpRequest) -> bytes:
        """The decoded body of ``request``; see ``http_body.read_body`` for what it raises."""
        return await read_body(request.receive, request.headers, self.body_bytes)


@runtime_checkable
class HttpReceiver(Protocol):
    """A receiver that lives inside the web server."""

    def routes(self, intake: Intake) -> Sequence[HttpRoute]:
        """All its ways in. Called once, at start."""
        ...


def answer_json(status: int, value: object, *headers: tuple[bytes, bytes]) -> HttpAnswer:
    """An answer whose body is ``value`` as JSON."""
    return HttpAnswer(status, msgspec.json.encode(value), (_JSON, *headers))


async def validated(body: bytes, look: Callable[[bytes], Validated]) -> Validated:
    """``look(body)``, in a worker thread when the body is large."""
    if len(body) <= _INLINE_BYTES:
        return look(body)
    return await asyncio.to_thread(look, body)


async def submit(intake: Intake, found: Validated, *, receiver: str, key: str = "") -> Receipt:
    """Hand the good records in and count all; the return is the acknowledgement.

    Raises ``ItemsRefused`` when nothing good is left, and what ``Inlet.accept`` raises.
    """
    if found.rejected:
        intake.telemetry.emit(RecordsRefused(receiver=receiver, count=len(found.rejected)))
    if found.encoded is None:
        raise ItemsRefused(found.rejected) if found.rejected else BadPayload("the body holds no records")
    receipt = await intake.inlet.accept(Submission(body=found.encoded, tenant=Tenant(""), key=key))
    size = len(found.encoded.lines)
    intake.telemetry.emit(RecordsReceived(receiver=receiver, count=receipt.rows, bytes=size))
    return receipt


def idempotency_key(request: HttpRequest) -> str:
    """The sender's key, "" where there is none. Raises ``BadInput`` for one that cannot be used."""
    key = request.headers.get(b"idempotency-key")
    if key is None:
        return ""
    if _KEY.fullmatch(key) is None:
        raise BadInput("Idempotency-Key must be 1 to 255 visible ASCII characters")
    return key.decode()
