"""Wait for what must come, for as long as a busy machine may take."""

import time
from collections.abc import Callable
from typing import Final

import httpx

__all__ = ["degraded", "query", "until", "well"]

_SECONDS: Final = 180.0
_LOOK_AGAIN: Final = 0.05


def until(done: Callable[[], bool], what: str) -> None:
    """Return when it is so."""
    deadline = time.monotonic() + _SECONDS
    while not done():
        assert time.monotonic() < deadline, f"not within {_SECONDS:g} s: {what}"
        time.sleep(_LOOK_AGAIN)


def degraded(url: str) -> dict[str, str]:
    """What a server says is wrong but stops nobody."""
    answer = httpx.get(f"{url}/readyz", timeout=240)
    found: dict[str, str] = answer.json()["degraded"]
    return found


def well(url: str) -> None:
    """Return when nothing is wrong any more: every replica has all that it should have."""
    deadline = time.monotonic() + _SECONDS
    while found := degraded(url):
        assert time.monotonic() < deadline, f"not well within {_SECONDS:g} s: {found}"
        time.sleep(_LOOK_AGAIN)


def query(url: str, text: str = "* | stats count() as found") -> httpx.Response:
    return httpx.get(f"{url}/api/v1/query", params={"query": text}, timeout=240)
