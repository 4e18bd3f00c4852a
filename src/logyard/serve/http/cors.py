"""Cross-origin requests from browsers (the Fetch standard), answered from the configuration alone."""

from collections.abc import Mapping, Sequence
from typing import Final

__all__ = ["Cors"]

Headers = tuple[tuple[bytes, bytes], ...]

_METHODS: Final = b"GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS"
_EXPOSED: Final = b"X-Request-Id, Retry-After, Idempotency-Replayed, Logyard-Nodes-Lag"
_MAX_AGE: Final = b"600"


class Cors:
    """Which origins may call. ``*`` lets all in, without credentials."""

    def __init__(self, origins: Sequence[str]) -> None:
        self._origins = frozenset(origin.encode("latin-1", "replace") for origin in origins)
        self._any = b"*" in self._origins

    def headers(self, origin: bytes | None) -> Headers:
        """What goes on every answer to a request from ``origin``."""
        if origin is None or not (self._any or origin in self._origins):
            return ()
        if self._any:
            return ((b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", _EXPOSED))
        return (
            (b"access-control-allow-origin", origin),
            (b"access-control-allow-credentials", b"true"),
            (b"access-control-expose-headers", _EXPOSED),
            (b"vary", b"Origin"),
        )

    def preflight(self, asked: Mapping[bytes, bytes]) -> Headers | None:
        """The answer to a preflight request; None when ``asked`` is none, or of a stranger."""
        allowed = self.headers(asked.get(b"origin"))
        if not allowed or b"access-control-request-method" not in asked:
            return None
        wanted = asked.get(b"access-control-request-headers", b"*")
        return (
            *allowed,
            (b"access-control-allow-methods", _METHODS),
            (b"access-control-allow-headers", wanted),
            (b"access-control-max-age", _MAX_AGE),
        )
