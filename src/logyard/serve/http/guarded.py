"""uvicorn's HTTP protocol with limits for clients that are slow or greedy on purpose (slowloris, header
floods).

A head over ``head_bytes`` gets 431; one that takes longer than ``head_seconds`` to come, and a body that
stands still for ``body_seconds`` or crawls below ``body_rate``, gets 408; both lose the connection. A body
is only hurried while we are willing to read it: a paused transport is our slowness, not the client's.
"""

from asyncio import AbstractEventLoop, Transport
from typing import Final

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

__all__ = ["GuardedHttp", "Patience", "guarded"]

_TOO_LONG: Final = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_TOO_SLOW: Final = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How much we put up with."""

    head_bytes: int = 64 << 10
    head_seconds: float = 15.0
    body_seconds: float = 30.0
    body_rate: float = 1000.0
    """Bytes a second, on average, once a body has taken ``body_seconds``."""


class GuardedHttp(HttpToolsProtocol):
    """One connection. ``check`` is called about once a second by the server's sweep."""

    patience = Patience()

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override] # as in uvicorn
        """A new connection owes us a head."""
        super().connection_made(transport)
        self._in_head = True
        self._in_body = False
        self._too_long = False
        self._piece = 0
        self._ended_one = False
        self._head_bytes = 0
        self._body_bytes = 0
        self._since = self._latest = self.loop.time()

    def data_received(self, data: bytes) -> None:
        """Count while a head is coming, then parse."""
        if self._in_head:
            self._head_bytes += len(data)
        elif self._in_body:
            self._body_bytes += len(data)
            self._latest = self.loop.time()
        self._piece = len(data)
        self._ended_one = False
        super().data_received(data)
        if self._in_head and self._head_bytes > self.patience.head_bytes and not self.transport.is_closing():
            self._refuse(_TOO_LONG)

    def send_400_response(self, msg: str) -> None:
        """What the parser could not take, a head that is too long among it."""
        if self._too_long:
            self._refuse(_TOO_LONG)
        else:
            super().send_400_response(msg)

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._in_head = True
        self._in_body = False
        # Behind another request in the same piece it is not known where the head begins: it counts from the next piece.
        self._head_bytes = 0 if self._ended_one else self._piece
        self._since = self.loop.time()

    def on_headers_complete(self) -> None:
        """The head is whole; a body may follow."""
        if (
            self._piece > self.patience.head_bytes
            and sum(len(n) + len(v) for n, v in self.headers) + len(self.url) > self.patience.head_bytes
        ):
            self._too_long = True
            raise ValueError("head too long")  # the parser stops and calls send_400_response
        known = self.cycle
        super().on_headers_complete()
        if self.cycle is not known:
            self.cycle.transport = _Corked(self.transport, self.loop)
        self._in_head = False
        self._in_body = True
        self._body_bytes = 0
        self._since = self._latest = self.loop.time()

    def on_message_complete(self) -> None:
        """The request is whole; the next one may begin whenever the client likes (keep-alive)."""
        super().on_message_complete()
        self._in_body = False
        self._ended_one = True

    def check(self, now: float) -> None:
        """Cut the connection when it keeps us waiting for too long."""
        if self.transport.is_closing():
            return
        late = self._in_head and self._idle and now - self._since > self.patience.head_seconds
        if late or (self._in_body and self._is_stalled(now)):
            self._refuse(_TOO_SLOW)

    @property
    def _idle(self) -> bool:
        """No earlier request waits for its answer."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or cycle.response_complete

    def _is_stalled(self, now: float) -> bool:
        if self.flow.read_paused:
            self._since = self._latest = now
            self._body_bytes = 0
            return False
        if now - self._latest > self.patience.body_seconds:
            return True
        return now - self._since > self.patience.body_seconds and self._body_bytes < self.patience.body_rate * (
            now - self._since
        )

    def _refuse(self, answer: bytes) -> None:
        # An answer that an earlier request is still owed (pipelining) must not be taken for this one.
        if self._idle or (self._in_body and not self.cycle.response_started):
            self.transport.write(answer)
        self.transport.close()


class _Corked(Transport):
    """A transport for one answer: its head goes out together with what follows in the same turn of the loop.

    uvicorn writes head and body one after the other; as two system calls they cost more than all the rest of a small
    request.
    """

    def __init__(self, transport: Transport, loop: AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held = b""
        self._passing = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Hold the first piece until the second, or until the turn ends."""
        if self._passing:
            self._transport.write(data)
        elif self._held:
            self._passing = True
            self._transport.write(self._held + bytes(data))
            self._held = b""
        else:
            self._held = bytes(data)
            self._loop.call_soon(self._flush)

    def close(self) -> None:
        """Let go of what is held, then close."""
        self._flush()
        self._transport.close()

    def is_closing(self) -> bool:
        """As the transport behind."""
        return self._transport.is_closing()

    def _flush(self) -> None:
        self._passing = True
        if self._held:
            self._transport.write(self._held)
            self._held = b""


def guarded(patience: Patience) -> type[GuardedHttp]:
    """The protocol with limits of one's own: uvicorn takes a class."""
    return type("GuardedHttp", (GuardedHttp,), {"patience": patience})
