"""A stand-in for the server, to be told how to fail; the tests beside it run against a real one."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
import uvicorn
import zstandard


class StandIn:
    """An ASGI application on a loopback port. Scripted answers come first, then the friendly ones."""

    def __init__(self) -> None:
        self.url = ""
        self.reset()

    def reset(self) -> None:
        """As if it had just begun."""
        self.stored: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.queries: list[dict[str, str]] = []
        self.rows: list[dict[str, Any]] = []
        self.scripted: list[Callable[[StandIn, bytes], tuple[int, dict[str, str], bytes]]] = []
        self.tails: list[list[dict[str, Any]]] = []
        self.tail_headers: list[dict[bytes, bytes]] = []
        self.tail_queries: list[str] = []
        self.denied: tuple[int, bytes] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await self.tail(scope, receive, send)
        elif scope["type"] == "http":
            await self.http(scope, receive, send)

    async def http(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        headers = dict(scope["headers"])
        if headers.get(b"content-encoding") == b"zstd":
            body = zstandard.ZstdDecompressor().decompressobj().decompress(body)
        self.keys.append(headers.get(b"idempotency-key", b"").decode())
        self.queries.append(dict(part.partition("=")[::2] for part in scope["query_string"].decode().split("&")))
        answer = self.scripted.pop(0) if self.scripted else StandIn.friendly
        status, extra, text = answer(self, body)
        raw = [(name.lower().encode(), value.encode()) for name, value in extra.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": text})

    def friendly(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        if not body:
            return 200, {}, b"".join(msgspec.json.encode(row) + b"\n" for row in self.rows)
        lines = [msgspec.json.decode(line) for line in body.split(b"\n")]
        self.stored += lines
        return 200, {}, msgspec.json.encode({"accepted": len(lines), "rejected": 0})

    async def tail(self, scope: Any, receive: Any, send: Any) -> None:
        """One connection says one list of messages, then it breaks; after the last list it stays open."""
        self.tail_headers.append(dict(scope["headers"]))
        self.tail_queries.append(scope["query_string"].decode())
        await receive()
        if self.denied is not None:
            status, text = self.denied
            await send({"type": "websocket.http.response.start", "status": status, "headers": []})
            await send({"type": "websocket.http.response.body", "body": text})
            return
        await send({"type": "websocket.accept"})
        for message in self.tails.pop(0) if self.tails else []:
            await send({"type": "websocket.send", "text": msgspec.json.encode(message).decode()})
        if self.tails:
            await send({"type": "websocket.close", "code": 1011})
        else:
            await receive()


@pytest.fixture(scope="module")
def running_stand_in() -> Iterator[StandIn]:
    app = StandIn()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        app.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(app, log_level="critical", lifespan="off", ws="websockets-sansio")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
        thread.start()
        yield app
        server.should_exit = True
        server.force_exit = True
        thread.join()


@pytest.fixture
def stand_in(running_stand_in: StandIn) -> StandIn:
    running_stand_in.reset()
    return running_stand_in
