"""Object storage by its own protocol: the few calls that backups and exports need beside the engine's.

Requests are signed by AWS Signature Version 4; addresses are in path style (``endpoint/bucket/key``), which every
server speaks. Bodies are streamed on the way in and whole on the way out. Nothing here needs a conditional PUT.
"""

import hashlib
import hmac
import weakref
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, urlsplit

import httpx
import msgspec

from logyard.clock import Clock, SystemClock
from logyard.errors import BadInput, LogyardError, NotFound, NotNow, StoreFailed

__all__ = ["Bucket", "ObjectStorage"]

_EMPTY: Final = hashlib.sha256(b"").hexdigest()
_SECONDS: Final = 60.0
_NAMESPACE: Final = "{http://s3.amazonaws.com/doc/2006-03-01/}"
"""Of the answers' XML; an identifier, not an address."""


class ObjectStorage(msgspec.Struct, frozen=True, kw_only=True):
    """A server, and who we are there."""

    endpoint: str
    """``http://HOST:PORT``."""
    region: str = "us-east-1"
    access_key: str = ""
    secret_key: str = ""


class Bucket:
    """One bucket. One thread at a time. Its connections go with it."""

    def __init__(self, storage: ObjectStorage, name: str, *, clock: Clock | None = None, page: int = 1000) -> None:
        """Connects to nothing yet. ``page``: most names of one answer."""
        if not storage.endpoint.startswith(("http://", "https://")):
            raise BadInput(f"s3://{name}: s3.endpoint should be http://HOST:PORT, not {storage.endpoint!r}")
        self._storage = storage
        self._name = name
        self._page = page
        self._clock = clock or SystemClock()
        self._client = httpx.Client(
            timeout=_SECONDS, verify=storage.endpoint.startswith("https:"), trust_env=False, follow_redirects=False
        )
        weakref.finalize(self, self._client.close)

    def list(self, prefix: str) -> Iterator[tuple[str, int]]:
        """Keys that begin with ``prefix`` and their sizes, in order."""
        after: dict[str, str] = {}
        while True:
            asked = {"list-type": "2", "prefix": prefix, "max-keys": str(self._page), **after}
            with self._request("GET", "", parameters=asked) as answer:
                tree = ET.fromstring(answer.read())  # noqa: S314 - the operator's own storage; expat loads nothing
            space = _NAMESPACE if tree.tag.startswith(_NAMESPACE) else ""
            for item in tree.iter(f"{space}Contents"):
                yield item.findtext(f"{space}Key", ""), int(item.findtext(f"{space}Size", "0"))
            token = tree.findtext(f"{space}NextContinuationToken", "")
            if not token:
                return
            after = {"continuation-token": token}

    @contextmanager
    def read(self, key: str) -> Iterator[Iterator[bytes]]:
        """An object in pieces. Raises ``NotFound``."""
        with self._request("GET", key) as answer:
            yield answer.iter_raw()

    def write(self, key: str, body: bytes) -> None:
        """An object, whole or not at all."""
        with self._request("PUT", key, body=body):
            pass

    @contextmanager
    def _request(
        self, method: str, key: str, *, parameters: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Iterator[httpx.Response]:
        path = quote(f"/{self._name}/{key}" if key else f"/{self._name}", safe="/-._~")
        pairs = sorted((parameters or {}).items())
        asked = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
        headers = self._signed(f"{method}\n{path}\n{asked}", body)
        url = f"{self._storage.endpoint.rstrip('/')}{path}" + (f"?{asked}" if asked else "")
        try:
            with self._client.stream(method, url, headers=headers, content=body or None) as answer:
                if not answer.is_success:
                    answer.read()
                    raise _refused(answer, f"s3://{self._name}/{key}")
                yield answer
        except httpx.TransportError as error:
            raise NotNow(f"cannot reach {self._storage.endpoint}: {str(error) or type(error).__name__}") from error

    def _signed(self, request: str, body: bytes) -> dict[str, str]:
        """The headers of a request, its signature among them."""
        now = datetime.fromtimestamp(self._clock.now() / 1e9, UTC)
        stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
        digest = hashlib.sha256(body).hexdigest() if body else _EMPTY
        headers = {"host": urlsplit(self._storage.endpoint).netloc, "x-amz-content-sha256": digest, "x-amz-date": stamp}
        names = ";".join(headers)
        listed = "".join(f"{name}:{value}\n" for name, value in headers.items())
        canonical = f"{request}\n{listed}\n{names}\n{digest}"
        scope = f"{day}/{self._storage.region}/s3/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        key = f"AWS4{self._storage.secret_key}".encode()
        for part in (day, self._storage.region, "s3", "aws4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        credential = f"Credential={self._storage.access_key}/{scope}"
        headers["authorization"] = f"AWS4-HMAC-SHA256 {credential}, SignedHeaders={names}, Signature={signature}"
        return headers


def _refused(answer: httpx.Response, place: str) -> LogyardError:
    status = answer.status_code
    if status == httpx.codes.NOT_FOUND:
        return NotFound(f"{place} is not there")
    text = " ".join(answer.text.split())[:300]
    if status in {httpx.codes.FORBIDDEN, httpx.codes.UNAUTHORIZED}:
        return BadInput(f"{place}: access denied; s3.access_key and s3.secret_key do not fit (HTTP {status}): {text}")
    if status >= httpx.codes.INTERNAL_SERVER_ERROR or status == httpx.codes.TOO_MANY_REQUESTS:
        return NotNow(f"{place}: HTTP {status}: {text}")
    return StoreFailed(f"{place}: HTTP {status}: {text}")
