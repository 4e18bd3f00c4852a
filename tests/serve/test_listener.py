import asyncio
import itertools
import signal

import httpx
import pytest

from logyard.errors import BadConfig
from logyard.serve.http.listener import HttpServer, Listening
from logyard.serve.http.server import build
from logyard.testing.web import web


async def test_a_port_that_is_taken_is_a_bad_setting() -> None:
    async with web() as server:
        taken = HttpServer(build(server.services()), Listening(port=server.port))
        with pytest.raises(BadConfig, match=f"cannot listen on 127.0.0.1:{server.port}"):
            await taken.start()


@pytest.mark.parametrize("host", ["no.such.host.invalid", "203.0.113.7"])
async def test_an_address_that_is_not_ours_is_a_bad_setting(host: str) -> None:
    async with web() as server:
        with pytest.raises(BadConfig, match="listen: cannot listen on"):
            await HttpServer(build(server.services()), Listening(host=host)).start()


async def test_answers_are_not_held_back() -> None:
    """The second half of a small answer does not wait for word of the first, which takes 40 ms where it is late."""
    async with web() as server, httpx.AsyncClient(base_url=server.url) as client:
        loop, times = asyncio.get_running_loop(), [0.0]
        for _ in range(50):
            await client.get("/health")
            times.append(loop.time())
        # The best of those behind the first: for a new connection the kernel does not hold back its word.
        assert min(after - before for before, after in itertools.pairwise(times[25:])) < 0.04


async def test_signals_are_left_alone() -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    async with web():
        assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


async def test_it_does_not_say_what_it_is() -> None:
    async with web() as server, httpx.AsyncClient() as client:
        assert "server" not in (await client.get(server.url + "/health")).headers


async def test_a_stop_lets_requests_finish() -> None:
    async with httpx.AsyncClient() as client:
        async with web(listening=Listening(drain_seconds=60)) as server:
            server.inlet.gate = asyncio.Event()
            answer = asyncio.create_task(client.post(server.url + "/logs", json={"a": 1}))
            await server.inlet.reached.wait()
            asyncio.get_running_loop().call_later(0.2, server.inlet.gate.set)
        assert (await answer).status_code == 201


async def test_a_stop_does_not_wait_for_ever() -> None:
    async with httpx.AsyncClient() as client:
        async with asyncio.timeout(60), web(listening=Listening(drain_seconds=1)) as server:
            server.inlet.gate = asyncio.Event()
            answer = asyncio.create_task(client.post(server.url + "/logs", json={"a": 1}))
            await server.inlet.reached.wait()
        with pytest.raises(httpx.HTTPError):
            (await answer).raise_for_status()
