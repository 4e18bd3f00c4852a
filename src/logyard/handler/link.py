"""The connection to the server: one request at a time over a connection that stays open.

``POST <url>/ingest`` with JSON lines, gzip where it pays, and the batch's ``Idempotency-Key``: a batch whose answer got
lost is sent again and stored once. Uses ``http.client``, which logs nothing, so nothing that it does comes back here.
"""

import base64
import contextlib
import gzip
import http.client
import json
import socket
import ssl
from collections.abc import Mapping
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from logyard.handler.batch import Batch
from logyard.handler.retry import Outcome
from logyard.handler.settings import Settings

__all__ = ["Link"]

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_WORTH_PACKING: Final = 1024
_MOST_ANSWER: Final = 1 << 20
_DETAIL: Final = 300
_PARTIAL: Final = 207


class Link:
    """Belongs to the sender's thread, but for ``abort``."""

    def __init__(self, settings: Settings) -> None:
        """Opens nothing yet. Raises ``ValueError`` for a URL that names no host."""
        self._settings = settings
        self._url = urlsplit(settings.url)
        if not self._url.hostname:
            raise ValueError(f"url names no host: {settings.url!r}")
        self._path = self._url.path.rstrip("/") + "/ingest"
        self._headers = _headers(settings, self._url)
        local = self._url.hostname in _LOOPBACK
        self._packs = settings.compression == "gzip" or (settings.compression == "auto" and not local)
        self._connection: http.client.HTTPConnection | None = None
        self._aborted = False

    def post(self, batch: Batch) -> Outcome:
        """Send a batch and wait for its answer. Whatever goes wrong is in the outcome."""
        body, headers = batch.body, {**self._headers, "Idempotency-Key": batch.key}
        if self._packs and len(body) >= _WORTH_PACKING:
            body = gzip.compress(body, 1)
            headers["Content-Encoding"] = "gzip"
        reused = self._connection is not None
        try:
            return self._exchange(body, headers)
        except ConnectionError as error:
            self.close()
            if reused and not self._aborted:  # the server has tired of an idle connection: that is no failure of its
                return self.post(batch)
            return Outcome(0, f"{type(error).__name__}: {error}"[:_DETAIL])
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            return Outcome(0, f"{type(error).__name__}: {error}"[:_DETAIL])

    def close(self) -> None:
        """The next post opens anew."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def abort(self) -> None:
        """From another thread, for good: a post that waits for its answer fails now."""
        self._aborted = True
        connection = self._connection
        if connection is not None and connection.sock is not None:
            with contextlib.suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    def _exchange(self, body: bytes, headers: Mapping[str, str]) -> Outcome:
        connection = self._connection
        if connection is None:
            connection = self._connection = self._opened()
        connection.request("POST", self._path, body, headers)
        answer = connection.getresponse()
        text = answer.read(_MOST_ANSWER)
        if answer.will_close or not answer.isclosed():
            self.close()
        refused = _refused(text) if answer.status == _PARTIAL else 0
        detail = "" if answer.status < 300 else f"{answer.status}: {text[:_DETAIL].decode('utf-8', 'replace')}"  # noqa: PLR2004 - the class of success
        return Outcome(answer.status, detail, _seconds(answer.headers.get("Retry-After", "")), refused)

    def _opened(self) -> http.client.HTTPConnection:
        host, port, seconds = self._url.hostname or "", self._url.port, self._settings.timeout
        if self._url.scheme == "https":
            trusted = ssl.create_default_context(cafile=self._settings.ca_file or None)
            return http.client.HTTPSConnection(host, port, timeout=seconds, context=trusted)
        return http.client.HTTPConnection(host, port, timeout=seconds)


def _headers(settings: Settings, url: SplitResult) -> dict[str, str]:
    headers = {"Content-Type": "application/x-ndjson", "User-Agent": "logyard-handler"}
    if settings.api_key:
        headers["Authorization"] = f"Bearer {settings.api_key}"
    elif url.username is not None:
        pair = f"{unquote(url.username)}:{unquote(url.password or '')}"
        headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    return headers


def _refused(text: bytes) -> int:
    """How many records of a partly taken batch were bad; 0 where the answer cannot be read."""
    try:
        found = json.loads(text)
    except ValueError:
        return 0
    count = found.get("rejected") if isinstance(found, dict) else None
    return count if isinstance(count, int) else 0


def _seconds(text: str) -> float:
    """``Retry-After`` in seconds; its other form, a date, is not sent by log servers and counts as none."""
    return float(text) if text.isascii() and text.isdigit() else 0.0
