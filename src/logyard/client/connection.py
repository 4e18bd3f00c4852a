"""What both clients know about connections."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import httpx

import logyard
from logyard.errors import BadInput, NotNow

__all__ = ["CONNECT_SECONDS", "SILENCE_SECONDS", "connection_errors", "headers_of", "timeouts"]

CONNECT_SECONDS: Final = 5.0
SILENCE_SECONDS: Final = 45.0
"""A tail's server speaks every 15 s; after three of them the line counts as dead."""


@contextmanager
def connection_errors(url: str) -> Iterator[None]:
    """Errors of the connection as ``NotNow``, of the address as ``BadInput``."""
    try:
        yield
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise BadInput(f"{url} is no address of a server: {error}") from error
    except httpx.ConnectError as error:
        raise NotNow(f"cannot reach {url}: {error}. 'logyard up' starts a server.", retry_after=0.0) from error
    except httpx.TransportError as error:
        raise NotNow(f"lost {url}: {str(error) or type(error).__name__}", retry_after=0.0) from error


def headers_of(api_key: str) -> dict[str, str]:
    """What every request has."""
    agent = {"User-Agent": f"logyard/{logyard.__version__}"}
    return agent | ({"Authorization": f"Bearer {api_key}"} if api_key else {})


def timeouts(seconds: float) -> httpx.Timeout:
    """For an answer to begin, and between its parts."""
    return httpx.Timeout(seconds, connect=CONNECT_SECONDS)
