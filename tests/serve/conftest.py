"""A web server with parts in memory, one for each module of tests, and a client for it.

Modules that use it say ``pytestmark = pytest.mark.asyncio(loop_scope="module")``: a server lives on one loop.
"""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from logyard.testing.web import Web, web

__all__ = ["client", "connected", "running", "server"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running() -> AsyncIterator[Web]:
    async with web() as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def connected(running: Web) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=running.url) as opened:
        yield opened


@pytest.fixture
def server(running: Web) -> Web:
    running.reset()
    return running


@pytest.fixture
def client(connected: httpx.AsyncClient, server: Web) -> httpx.AsyncClient:
    assert str(connected.base_url).startswith(server.url)
    return connected
