"""One end of a move, an export, an import or a backup: a running server, a directory of none, or a cluster."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, TypeVar

import msgspec

from logyard.cli.private import private_server
from logyard.cli.remote import Patience, Remote, persist
from logyard.errors import LogyardError, NotFound
from logyard.store.holdings import ARROW_TYPE, Held
from logyard.store.loading import Loaded
from logyard.store.partitions import Bucket, Extent, Slice

__all__ = ["BackedUp", "Yard", "is_url", "open_yard"]

Kind = TypeVar("Kind", bound=msgspec.Struct)

_ADMIN: Final = "/api/v1/admin"
_CLUSTERS: Final = ("clickhouse://", "clickhouses://")
_LONG: Final = 24 * 3600.0
"""Seconds that an answer may take: a checksum of a large day, a backup."""
_ROWS: Final = {"Content-Type": ARROW_TYPE}


class BackedUp(msgspec.Struct, frozen=True, kw_only=True):
    """What a server says of a backup that it made."""

    name: str
    base: str
    rows: int
    files: int
    bytes: int
    degraded: Mapping[str, str] = {}


class _Accepted(msgspec.Struct, frozen=True):
    accepted: int


class _Buckets(msgspec.Struct, frozen=True):
    buckets: list[Bucket]


class Yard:
    """A Logyard's rows by partition, over HTTP. What may succeed later is tried again, for as long as patience says."""

    def __init__(
        self, name: str, remote: Remote, patience: Patience, *, filters: Mapping[str, str] | None = None
    ) -> None:
        """``name``: what the person called it. ``filters``: parameters that choose rows."""
        self.name = name
        self._remote = remote
        self._patience = patience
        self._filters = dict(filters or {})

    def only(self, filters: Mapping[str, str]) -> "Yard":
        """The same, of rows that the filters choose."""
        return Yard(self.name, self._remote, self._patience, filters=filters)

    def check(self) -> None:
        """Raises ``NotNow`` when nobody answers there, ``LogyardError`` when it is something else."""
        self.keys("ff" * 16, 0)

    def partitions(self, until: int = 0) -> Held:
        """All there are; ``until``: as of then, now without it."""
        return self._decoded("partitions", self._until(until), Held)

    def buckets(self, extent: Extent, until: int) -> Sequence[Bucket]:
        """A partition's buckets, in order."""
        place: dict[str, str | int] = {"partition": extent.name, "oldest": extent.oldest, "newest": extent.newest}
        return self._decoded("buckets", {**place, **self._until(until)}, _Buckets).buckets

    def rows(self, name: str, piece: Slice, until: int) -> bytes:
        """The rows of a slice, in Arrow."""
        place = {"first": piece.first, "last": piece.last, "part": piece.part, "parts": piece.parts}
        return self._get("rows", {"partition": name, **place, **self._until(until)})

    def add(self, body: bytes, *, dry: bool = False) -> Loaded:
        """Store rows, each once."""
        return self._post("rows?dry=1" if dry else "rows", body, Loaded)

    def keys(self, after: str, since: int) -> bytes:
        """Keyed batches, in Arrow."""
        return self._get("keys", {"after": after, "since": since})

    def add_keys(self, body: bytes) -> Loaded:
        """Remember keyed batches."""
        return self._post("keys", body, Loaded)

    def back_up(self, to: str, *, full: bool) -> BackedUp:
        """Have a backup made."""
        body = msgspec.json.encode({"to": to, "full": full})
        answer = self._remote.post(f"{_ADMIN}/backup", body, {"Content-Type": "application/json"})
        return _read(answer, BackedUp, self.name)

    def send(self, lines: bytes, key: str) -> int:
        """Records as lines of JSON, by the way that every sender takes; how many were stored."""
        headers = {"Content-Type": "application/x-ndjson", "Idempotency-Key": key}
        answer = persist(lambda: self._remote.post("/ingest", lines, headers), self._patience)
        return _read(answer, _Accepted, self.name).accepted

    def _until(self, until: int) -> dict[str, str | int]:
        return {**self._filters, "until": until} if until else {**self._filters}

    def _get(self, what: str, parameters: Mapping[str, str | int]) -> bytes:
        def ask() -> bytes:
            with self._remote.stream(f"{_ADMIN}/{what}", parameters) as pieces:
                return b"".join(pieces)

        try:
            return persist(ask, self._patience)
        except NotFound as error:
            raise LogyardError(f"{self.name} is no Logyard that can move records: {error}") from error

    def _decoded(self, what: str, parameters: Mapping[str, str | int], kind: type[Kind]) -> Kind:
        return _read(self._get(what, parameters), kind, self.name)

    def _post(self, what: str, body: bytes, kind: type[Kind]) -> Kind:
        try:
            answer = persist(lambda: self._remote.post(f"{_ADMIN}/{what}", body, _ROWS), self._patience)
        except NotFound as error:
            raise LogyardError(f"{self.name} is no Logyard that can take records: {error}") from error
        return _read(answer, kind, self.name)


def is_url(text: str) -> bool:
    """Whether it is an address, not a directory."""
    return "://" in text


@contextmanager
def open_yard(
    place: str, *, config: Path | None = None, create: bool = False, patience: float = 60.0
) -> Iterator[Yard]:
    """The Logyard at a URL, or on a directory; ``create``: which may be new. ``patience`` in seconds.

    A cluster (``clickhouse://``) is reached by a server of its own, which keeps nothing but its log on this machine.
    """
    waits = Patience(seconds=patience)
    if place.startswith(_CLUSTERS):
        with (
            TemporaryDirectory(prefix="logyard-") as scratch,
            private_server(Path(scratch) / "data", config=config, create=True, store=place) as url,
            Remote(url, timeout=_LONG) as remote,
        ):
            yield Yard(place.rpartition("@")[2], remote, waits)
        return
    if is_url(place):
        with Remote(place, timeout=_LONG) as remote:
            yard = Yard(place, remote, waits)
            yard.check()
            yield yard
        return
    with private_server(Path(place), config=config, create=create) as url, Remote(url, timeout=_LONG) as remote:
        yield Yard(place, remote, waits)


def _read(answer: bytes, kind: type[Kind], name: str) -> Kind:
    try:
        return msgspec.json.decode(answer, type=kind)
    except msgspec.DecodeError as error:
        raise LogyardError(f"{name} is no Logyard; it answered {answer[:100]!r}") from error
