"""A client process with many live tails that POSTs an event now and then and waits for it to come back.

``python -m bench.clients.subscribers PORT SUBSCRIBERS EVENTS SECONDS_BETWEEN`` prints ``{"latencies": [s...],
"missing": n, "cpu": s}``: from the beginning of the POST to the receipt, for each event and subscriber.
"""

import asyncio
import json
import sys
import time
from contextlib import AsyncExitStack

import httpx
import uvloop
import websockets
from websockets.asyncio.client import ClientConnection

__all__ = ["main"]

_MARK = "bench-tail-"


class _Receipts:
    def __init__(self) -> None:
        self.posted: dict[int, float] = {}
        self.latencies: list[float] = []

    async def listen(self, connection: ClientConnection) -> None:
        """Note each mark of each message."""
        async for text in connection:
            now = time.monotonic()
            for rest in str(text).split(_MARK)[1:]:
                number = int(rest[: rest.index('"')])
                if number in self.posted:
                    self.latencies.append(now - self.posted[number])


def main() -> None:
    port, subscribers, events = (int(argument) for argument in sys.argv[1:4])
    receipts = uvloop.run(_run(port, subscribers, events, float(sys.argv[4])))
    missing = subscribers * events - len(receipts.latencies)
    print(json.dumps({"latencies": receipts.latencies, "missing": missing, "cpu": time.process_time()}), flush=True)


async def _run(port: int, subscribers: int, events: int, between: float) -> _Receipts:
    receipts = _Receipts()
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30))
        listeners = []
        for _ in range(subscribers):
            uri = f"ws://127.0.0.1:{port}/api/v1/tail?query=service:%3Dbench-tail"
            connection = await stack.enter_async_context(websockets.connect(uri, compression=None))
            listeners.append(asyncio.create_task(receipts.listen(connection)))
        await asyncio.sleep(1)  # every tail is behind its history by now
        await client.get("/healthz")
        await asyncio.gather(*[_post(client, receipts, number, number * between) for number in range(events)])
        await asyncio.sleep(1)
        for listener in listeners:
            listener.cancel()
    return receipts


async def _post(client: httpx.AsyncClient, receipts: _Receipts, number: int, after: float) -> None:
    await asyncio.sleep(after)
    event = {"message": f"{_MARK}{number}", "service": "bench-tail", "level": "info"}
    receipts.posted[number] = time.monotonic()
    answer = await client.post("/logs", json=event)
    answer.raise_for_status()


if __name__ == "__main__":
    main()
