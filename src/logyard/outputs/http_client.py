"""What outputs over HTTP share: one client, bodies packed on their way, and answers as the errors of ``errors.py``."""

import gzip
import ssl
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final, Literal
from urllib.parse import unquote, urlsplit

import httpx
import msgspec
import zstandard

from logyard.errors import BadConfig, BadInput, NotNow, TooLarge

__all__ = ["Compression", "HttpClient", "Reply", "packed", "refuse"]

Compression = Literal["none", "gzip", "zstd"]

_NOT_NOW: Final = frozenset({401, 403, 404, 407, 408, 421, 425, 429})
"""Beside all from 500 up, and redirections. Those of them that are the operator's doing (a server or a key that is not
set up yet) are no reason to drop what was collected."""
_TOO_LARGE: Final = 413
_FIRST_REDIRECTION: Final = 300
_FIRST_ERROR: Final = 400
_SERVER_ERROR: Final = 500
_CONNECT_SECONDS: Final = 5.0
_FAST: Final = 1
_LOOPBACK: Final = {"127.0.0.1", "::1", "localhost"}


class _Problem(msgspec.Struct, frozen=True):
    title: str = ""
    detail: str = ""
    error: str = ""


class Reply(msgspec.Struct, frozen=True):
    """An answer, whatever it says."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    """Names in lower case."""


class HttpClient:
    """For one target. On one event loop."""

    def __init__(self, url: str, *, timeout: float, headers: Mapping[str, str], verify: bool | str = True) -> None:
        """``timeout``: seconds for an answer to begin. ``verify``: whether certificates are, or a file of authorities.

        Raises ``BadConfig`` for what is no address.
        """
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise BadConfig(f"{url!r} is no address: it begins with http:// or https://", path="url")
        self.url = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl().rstrip("/")
        """Without the user and the password that may be in it: it stands in messages."""
        user = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
        self._client = httpx.AsyncClient(
            auth=user,
            timeout=httpx.Timeout(timeout, connect=_CONNECT_SECONDS),
            headers=dict(headers),
            # Certificates take long to load: only where there is something to verify.
            verify=_context(verify) if parts.scheme == "https" else False,
            trust_env=parts.hostname not in _LOOPBACK,
        )

    async def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        """The body of a good answer. Raises ``NotNow``, ``TooLarge`` or ``BadInput``, with the server's own words."""
        reply = await self.send(path, body, headers)
        refuse(self.url, reply)
        return reply.body

    async def send(self, path: str, body: bytes, headers: Mapping[str, str], *, method: str = "POST") -> Reply:
        """The answer, whatever it says. Raises ``NotNow`` when there is none."""
        try:
            answer = await self._client.request(method, self.url + path, content=body, headers=dict(headers))
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise BadInput(f"{self.url}{path}: {error}") from error
        except httpx.HTTPError as error:
            raise NotNow(f"cannot reach {self.url}: {str(error) or type(error).__name__}", retry_after=0.0) from error
        return Reply(answer.status_code, answer.content, answer.headers)

    async def close(self) -> None:
        """Let the connections go."""
        await self._client.aclose()


def refuse(url: str, reply: Reply) -> None:
    """Raise ``NotNow``, ``TooLarge`` or ``BadInput`` for an answer that is not good."""
    status = reply.status
    if status < _FIRST_REDIRECTION:
        return
    reason = f"{url} says {status}: {_reason(reply.body)}"
    if status == _TOO_LARGE:
        raise TooLarge(reason)
    if status < _FIRST_ERROR:
        raise NotNow(f"{url} says {status}, a redirection to {reply.headers.get('location', 'nowhere')!r}: name that")
    if status in _NOT_NOW or status >= _SERVER_ERROR:
        raise NotNow(reason, retry_after=_retry_after(reply.headers))
    raise BadInput(reason)


def packed(body: bytes, compression: Compression) -> tuple[bytes, dict[str, str]]:
    """The body as it travels, and the header that says so."""
    if compression == "gzip":
        return gzip.compress(body, _FAST, mtime=0), {"Content-Encoding": "gzip"}
    if compression == "zstd":
        return zstandard.ZstdCompressor(level=_FAST).compress(body), {"Content-Encoding": "zstd"}
    return body, {}


def _context(verify: bool | str) -> bool | ssl.SSLContext:  # noqa: FBT001 - as the client library has it
    if isinstance(verify, bool):
        return verify
    try:
        return ssl.create_default_context(cafile=verify)
    except (OSError, ssl.SSLError) as error:
        raise BadConfig(f"cannot use the authorities in {verify}: {error}", path="authorities") from error


def _reason(body: bytes) -> str:
    try:
        problem = msgspec.json.decode(body, type=_Problem)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return body[:500].decode(errors="replace").strip() or "nothing"
    return problem.detail or problem.error or problem.title or body[:500].decode(errors="replace")


def _retry_after(headers: Mapping[str, str]) -> float:
    """Seconds that the server asks for: it may give them, or a date beside the one that it has itself."""
    text = headers.get("retry-after", "")
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        until, now = parsedate_to_datetime(text), parsedate_to_datetime(headers.get("date", ""))
        return max(0.0, (until - now).total_seconds())
    except (ValueError, TypeError):
        return 0.0
