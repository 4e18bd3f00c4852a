"""The server, seen from the command line: one HTTP client, whose errors are those of ``errors.py``."""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, Self, TypeVar
from urllib.parse import urlsplit

import httpx
import msgspec

from logyard import __version__
from logyard.errors import BadInput, BadQuery, LogyardError, NotFound, NotNow, StoreFailed, TooLarge

__all__ = ["LOOPBACK", "Patience", "Refused", "Remote", "persist", "refusal"]

_NOT_NOW: Final = frozenset({408, 425, 429, 502, 503, 504, 507})
_CONNECT_SECONDS: Final = 5.0
_FIRST_PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = 15.0
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})

Answer = TypeVar("Answer")


class _Problem(msgspec.Struct, frozen=True):
    """RFC 9457, as far as it is shown; ``reason`` and ``error`` are what others write."""

    title: str = ""
    detail: str = ""
    reason: str = ""
    error: str = ""
    query: str = ""
    position: int = 0


class Refused(BadInput):
    """An answer that says what is wrong with the request; ``body`` may name the items."""

    def __init__(self, reason: str, body: bytes) -> None:
        super().__init__(reason)
        self.body = body


class Remote:
    """A server at a URL. One thread at a time per call; several calls at once are fine."""

    def __init__(self, url: str, *, timeout: float = 60.0) -> None:
        """``timeout`` is in seconds, for each answer to begin and between its parts."""
        if "://" not in url:
            url = f"http://{url}"
        self.url = url.rstrip("/")
        self._client = httpx.Client(
            timeout=httpx.Timeout(timeout, connect=_CONNECT_SECONDS),
            headers={"User-Agent": f"logyard/{__version__}"},
            # Certificates take long to load: only where there is something to verify.
            verify=self.url.startswith("https:"),
            # A proxy is for the world outside.
            trust_env=_host(self.url) not in LOOPBACK,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        """The body of the answer. Raises ``NotNow`` for what may succeed later, ``BadInput`` for what never
        will.
        """
        with self._errors():
            answer = self._client.post(self.url + path, content=body, headers=dict(headers))
        if answer.is_success:
            return answer.content
        raise _error(answer)

    @contextmanager
    def stream(self, path: str, parameters: Mapping[str, str | int]) -> Iterator[Iterator[bytes]]:
        """The answer to a GET in pieces. Leaving the context ends the server's work for it."""
        with self._errors(), self._client.stream("GET", self.url + path, params=dict(parameters)) as answer:
            if not answer.is_success:
                answer.read()
                raise _error(answer)
            yield answer.iter_bytes()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise BadInput(f"{self.url} is no address of a server: {error}") from error
        except httpx.ConnectError as error:
            reason = f"cannot reach {self.url}: {error}. Is it running? 'logyard up' starts it."
            raise NotNow(reason, retry_after=0.0) from error
        except httpx.TransportError as error:
            raise NotNow(f"lost {self.url}: {str(error) or type(error).__name__}", retry_after=0.0) from error


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError as error:
        raise BadInput(f"{url} is no address of a server: {error}") from error


def refusal(status: int, body: bytes, *, retry_after: str = "", is_query: bool = False) -> LogyardError:
    """The error that an answer stands for."""
    problem = _problem(body)
    text = f"{problem.detail or problem.reason or problem.error or problem.title or 'no reason'} (HTTP {status})"
    if status in _NOT_NOW:
        return NotNow(text, retry_after=_seconds(retry_after))
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return StoreFailed(text)
    if status == httpx.codes.BAD_REQUEST:
        return BadQuery(text, query=problem.query, position=problem.position) if is_query else Refused(text, body)
    kinds: Mapping[int, type[BadInput]] = {404: NotFound, 413: TooLarge}
    return kinds.get(status, BadInput)(text)


def _error(answer: httpx.Response) -> LogyardError:
    return refusal(
        answer.status_code,
        answer.content,
        retry_after=answer.headers.get("Retry-After", ""),
        is_query=answer.request.method == "GET",
    )


def _problem(body: bytes) -> _Problem:
    try:
        return msgspec.json.decode(body, type=_Problem)
    except msgspec.DecodeError:
        return _Problem(detail=body.decode(errors="replace").strip()[:1000])


def _seconds(text: str) -> float:
    try:
        return max(0.0, float(text))
    except ValueError:
        return 0.0


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How long to go on trying, and how to wait."""

    seconds: float = 60.0
    """Give up when a whole try would end later than this."""
    pause: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = random.random  # noqa: S311 - spreads tries, hides nothing
    """A number in [0, 1)."""


def persist(attempt: Callable[[], Answer], patience: Patience) -> Answer:
    """Call ``attempt`` until it raises no ``NotNow``: full-jitter backoff, and never sooner than the server
    asks for.
    """
    begun = patience.monotonic()
    ceiling = _FIRST_PAUSE
    while True:
        try:
            return attempt()
        except NotNow as error:
            wait = error.retry_after + patience.jitter() * ceiling
            if patience.monotonic() - begun + wait > patience.seconds:
                raise
        patience.pause(wait)
        ceiling = min(2 * ceiling, _LONGEST_PAUSE)
