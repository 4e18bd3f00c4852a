"""The server, seen from the command line: one HTTP client, whose errors are those of ``errors.py``."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final, Self
from urllib.parse import urlsplit

import httpx

from logyard import __version__
from logyard.client.patience import Patience, persist
from logyard.client.refusal import Refused, refusal, refusal_of
from logyard.errors import BadInput, NotNow

__all__ = ["LOOPBACK", "Patience", "Refused", "Remote", "persist", "refusal"]

_CONNECT_SECONDS: Final = 5.0
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


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
        raise refusal_of(answer)

    @contextmanager
    def stream(self, path: str, parameters: Mapping[str, str | int]) -> Iterator[Iterator[bytes]]:
        """The answer to a GET in pieces. Leaving the context ends the server's work for it."""
        with self._errors(), self._client.stream("GET", self.url + path, params=dict(parameters)) as answer:
            if not answer.is_success:
                answer.read()
                raise refusal_of(answer)
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
