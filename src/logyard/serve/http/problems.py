"""Errors as HTTP: the one place where a ``LogyardError`` gets its status.

Problem details for HTTP APIs (RFC 9457), ``application/problem+json``: ``type``, ``title``, ``status``,
``detail``, and members of ours: ``query`` and ``position`` (0-based character) of a bad query, ``index`` of
a bad item, ``errors`` when none of several items could be kept, ``request_id``. What nobody foresaw is a
500 that tells nothing of the inside; the log has the rest, under the same request id.
"""

import http
import logging
import math
from collections.abc import Mapping
from typing import Final

import msgspec
from litestar.exceptions import HTTPException

from logyard.errors import (
    Backpressure,
    BadInput,
    BadPayload,
    BadQuery,
    Closing,
    Corrupt,
    DiskFull,
    LogyardError,
    MissingPart,
    NotFound,
    NotNow,
    QueryStopped,
    QueryTimeout,
    StoreFailed,
    TooLarge,
)
from logyard.receivers.http_body import CODINGS, UnknownCoding
from logyard.receivers.http_intake import ItemsRefused
from logyard.types import Json

__all__ = ["PROBLEM_TYPE", "Problem", "problem_of"]

PROBLEM_TYPE: Final = "application/problem+json"

_log = logging.getLogger("logyard.http")
_MOST_ERRORS: Final = 1000
_STATUS: Final[tuple[tuple[type[LogyardError], int, str], ...]] = (
    (TooLarge, 413, "Too large"),
    (NotFound, 404, "Not found"),
    (UnknownCoding, 415, "Unknown content encoding"),
    (BadPayload, 400, "Malformed body"),
    (BadQuery, 400, "Bad query"),
    (BadInput, 400, "Bad request"),
    (Backpressure, 429, "Too much at once"),
    (DiskFull, 507, "Disk full"),
    (Closing, 503, "Stopping"),
    (NotNow, 503, "Not now"),
    (QueryTimeout, 504, "Query took too long"),
    (QueryStopped, 422, "Query too large"),
    (MissingPart, 501, "Part not installed"),
    (StoreFailed, 500, "Store failed"),
    (Corrupt, 500, "Stored data damaged"),
)
"""The first that fits."""

_INTERNAL: Final = "something went wrong inside; the server's log has the details"


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One answer to something that went wrong."""

    status: int
    title: str
    detail: str
    members: Mapping[str, Json] = {}
    headers: Mapping[str, str] = {}

    def document(self, request_id: str = "") -> dict[str, Json]:
        """The problem as JSON."""
        head: dict[str, Json] = {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        return head | dict(self.members) | ({"request_id": request_id} if request_id else {})

    def body(self, request_id: str = "") -> bytes:
        """The problem as bytes of ``application/problem+json``."""
        return msgspec.json.encode(self.document(request_id))


def problem_of(error: BaseException, request_id: str = "") -> Problem:
    """The answer to ``error``; logs what somebody must look into."""
    if isinstance(error, LogyardError):
        return _ours(error, request_id)
    if isinstance(error, HTTPException) and error.status_code < http.HTTPStatus.INTERNAL_SERVER_ERROR:
        return _web(error)
    _log.error("request %s failed", request_id, exc_info=error)
    return Problem(status=500, title="Internal error", detail=_INTERNAL)


def _ours(error: LogyardError, request_id: str) -> Problem:
    status, title = next(
        ((status, title) for kind, status, title in _STATUS if isinstance(error, kind)),
        (500, "Internal error"),
    )
    if status == http.HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.error("request %s failed: %s", request_id, error, exc_info=error)
        return Problem(status=status, title=title, detail=_INTERNAL)
    return Problem(status=status, title=title, detail=_detail(error), members=_members(error), headers=_headers(error))


def _detail(error: LogyardError) -> str:
    return error.reason if isinstance(error, BadQuery) else str(error)


def _members(error: LogyardError) -> Mapping[str, Json]:
    if isinstance(error, BadQuery) and error.query:
        return {"query": error.query, "position": error.position}
    if isinstance(error, ItemsRefused) and error.index is not None:
        refusals = error.refusals[:_MOST_ERRORS]
        errors: list[Json] = [{"index": refusal.index, "reason": refusal.reason} for refusal in refusals]
        return {"accepted": 0, "rejected": len(error.refusals), "errors": errors}
    if isinstance(error, BadPayload) and error.index is not None:
        return {"index": error.index}
    return {}


def _headers(error: LogyardError) -> Mapping[str, str]:
    if isinstance(error, NotNow):
        return {"Retry-After": str(max(1, math.ceil(error.retry_after)))}
    if isinstance(error, UnknownCoding):
        return {"Accept-Encoding": ", ".join(CODINGS)}
    return {}


def _web(error: HTTPException) -> Problem:
    title = http.HTTPStatus(error.status_code).phrase
    members: Mapping[str, Json] = {}
    if error.extra:
        # What was wrong with which parameter, in the framework's own words.
        members = {"errors": msgspec.to_builtins(error.extra)}
    if error.status_code == http.HTTPStatus.METHOD_NOT_ALLOWED:
        return Problem(status=405, title=title, detail=error.detail, headers={"Allow": "GET, HEAD, OPTIONS"})
    return Problem(
        status=error.status_code,
        title=title,
        detail=error.detail,
        members=members,
        headers=error.headers or {},
    )
