"""What outputs over HTTP share: one client, and answers as the errors of ``errors.py``."""

import ssl
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import httpx
import msgspec

from logyard.errors import BadConfig, BadInput, NotNow, TooLarge

__all__ = ["HttpClient"]

_NOT_NOW: Final = frozenset({401, 403, 404, 408, 425, 429})
"""Beside all from 500 up. The first three are a server or a key that is not set up yet: the operator's doing, and no
reason to drop what was collected."""
_TOO_LARGE: Final = 413
_FIRST_ERROR: Final = 400
_SERVER_ERROR: Final = 500
_CONNECT_SECONDS: Final = 5.0
_LOOPBACK: Final = {"127.0.0.1", "::1", "localhost"}


class _Problem(msgspec.Struct, frozen=True):
    title: str = ""
    detail: str = ""
    error: str = ""


class HttpClient:
    """For one target. On one event loop."""

    def __init__(self, url: str, *, timeout: float, headers: Mapping[str, str], verify: bool | str = True) -> None:
        """``timeout``: seconds for an answer to begin. ``verify``: whether certificates are, or a file of authorities.

        Raises ``BadConfig`` for what is no address.
        """
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise BadConfig(f"{url!r} is no address: it begins with http:// or https://", path="url")
        self.url = url.rstrip("/")
        context: bool | ssl.SSLContext = (
            verify if isinstance(verify, bool) else ssl.create_default_context(cafile=verify)
        )
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(timeout, connect=_CONNECT_SECONDS),
            headers=dict(headers),
            # Certificates take long to load: only where there is something to verify.
            verify=context if parts.scheme == "https" else False,
            trust_env=parts.hostname not in _LOOPBACK,
        )

    async def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        """The body of a good answer. Raises ``NotNow``, ``TooLarge`` or ``BadInput``, with the server's own words."""
        try:
            answer = await self._client.post(self.url + path, content=body, headers=dict(headers))
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise BadInput(f"{self.url}{path}: {error}") from error
        except httpx.HTTPError as error:
            raise NotNow(f"cannot reach {self.url}: {str(error) or type(error).__name__}", retry_after=0.0) from error
        if answer.status_code < _FIRST_ERROR:
            return answer.content
        reason = f"{self.url} says {answer.status_code}: {_reason(answer.content)}"
        if answer.status_code == _TOO_LARGE:
            raise TooLarge(reason)
        if answer.status_code in _NOT_NOW or answer.status_code >= _SERVER_ERROR:
            raise NotNow(reason, retry_after=_seconds(answer.headers.get("retry-after", "")))
        raise BadInput(reason)

    async def close(self) -> None:
        """Let the connections go."""
        await self._client.aclose()


def _reason(body: bytes) -> str:
    try:
        problem = msgspec.json.decode(body, type=_Problem)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return body[:200].decode(errors="replace").strip() or "nothing"
    return problem.detail or problem.error or problem.title or "no reason"


def _seconds(text: str) -> float:
    try:
        return max(0.0, float(text))
    except ValueError:
        return 0.0
