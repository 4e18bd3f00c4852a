"""A streamed answer that stops its work when the client goes away.

The first piece is awaited before the status is sent, so that a query that fails at once is answered by a
problem. From then on two things run side by side: the pieces go out, as fast as the client takes them, and
``receive`` listens for the disconnect. Whichever ends first ends the other, and the source is closed before
``__call__`` returns.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import cast

from litestar.types import Message, Receive, Scope, Send

__all__ = ["Streamed"]


class Streamed:
    """An ASGI application that answers one request. Made by ``open``."""

    def __init__(self, first: bytes | None, rest: AsyncIterator[bytes], headers: Sequence[tuple[bytes, bytes]]) -> None:
        self._first = first
        self._rest = rest
        self._headers = headers

    @staticmethod
    async def open(
        pieces: AsyncIterator[bytes], media_type: str, headers: Sequence[tuple[bytes, bytes]] = ()
    ) -> "Streamed":
        """Raises what the source raises before its first piece."""
        first = await anext(pieces, None)
        return Streamed(first, pieces, [(b"content-type", media_type.encode()), *headers])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send everything, or stop when the client has gone."""
        pouring = asyncio.create_task(self._pour(send))
        listening = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait({pouring, listening}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            pouring.cancel()
            listening.cancel()
            outcome, _ = await asyncio.gather(pouring, listening, return_exceptions=True)
            await _close(self._rest)
        if isinstance(outcome, Exception):
            raise outcome

    async def _pour(self, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": list(self._headers)}
        await send(cast("Message", start))
        piece = self._first
        while piece is not None:
            if piece:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            piece = await anext(self._rest, None)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _close(source: AsyncIterator[bytes]) -> None:
    close = getattr(source, "aclose", None)
    if close is not None:
        await close()
