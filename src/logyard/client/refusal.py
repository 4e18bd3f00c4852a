"""The error that a server's refusal stands for: problem+json (RFC 9457) back into the tree of ``errors.py``."""

from collections.abc import Mapping
from typing import Final

import httpx
import msgspec

from logyard.errors import BadInput, BadQuery, LogyardError, NotFound, NotNow, StoreFailed, TooLarge

__all__ = ["Refused", "refusal", "refusal_of"]

_NOT_NOW: Final = frozenset({408, 425, 429, 502, 503, 504, 507})


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


def refusal_of(answer: httpx.Response) -> LogyardError:
    """The same of an answer whose body has been read."""
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
