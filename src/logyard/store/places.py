"""Places: a folder, or a prefix in object storage. Where backups and exports lie, and tiers.

/backups/logyard            a folder of this machine
s3://bucket/prefix          the object storage that the section [s3] of the configuration names
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

from logyard.errors import BadInput, NotFound, NotNow
from logyard.store.s3 import Bucket, ObjectStorage

__all__ = ["Folder", "Objects", "Place", "open_place"]

_SCHEME: Final = "s3://"
_PIECE: Final = 1 << 20


class Place(Protocol):
    """Files by name; a name has slashes. One thread at a time."""

    @property
    def url(self) -> str:
        """How a person wrote it."""
        ...

    def prepare(self) -> None:
        """Make it, if it is not there. Raises ``BadInput`` where nothing can be written."""
        ...

    def disk(self) -> dict[str, str]:
        """What the engine calls a disk there: names and values of its settings. Holds secrets."""
        ...

    def list(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        """Names that begin with ``prefix`` and their sizes in bytes, sorted."""
        ...

    @contextmanager
    def read(self, name: str) -> Iterator[Iterator[bytes]]:
        """A file in pieces. Raises ``NotFound``."""
        ...

    def path(self, name: str) -> Path | None:
        """Where the file lies on this machine, if it does."""
        ...

    def write(self, name: str, body: bytes) -> None:
        """A file, durable, whole or not at all."""
        ...

    def settle(self, prefix: str) -> None:
        """Return when the files that somebody else wrote under ``prefix`` would survive a power cut."""
        ...


class Folder:
    """A folder of this machine."""

    def __init__(self, path: Path) -> None:
        """Need not exist."""
        self._path = path.absolute()

    @property
    def url(self) -> str:
        """The path."""
        return str(self._path)

    def prepare(self) -> None:
        """The folder, and those above it."""
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self._path):
                pass
        except OSError as error:
            raise BadInput(f"cannot write to {self._path}: {error.strerror}") from error

    def disk(self) -> dict[str, str]:
        """A local disk."""
        return {"type": "local", "path": f"{self._path}/"}

    def list(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        """Sorted by name."""
        found = (
            (Path(folder, file).relative_to(self._path).as_posix(), Path(folder, file).stat().st_size)
            for folder, _, files in os.walk(self._path)
            for file in files
        )
        yield from sorted(each for each in found if each[0].startswith(prefix) and not each[0].endswith(".partial"))

    @contextmanager
    def read(self, name: str) -> Iterator[Iterator[bytes]]:
        """A file in pieces of a megabyte."""
        try:
            with (self._path / name).open("rb") as file:
                yield iter(lambda: file.read(_PIECE), b"")
        except FileNotFoundError as error:
            raise NotFound(f"{self._path / name} is not there") from error

    def path(self, name: str) -> Path | None:
        """Below the folder."""
        return self._path / name

    def write(self, name: str, body: bytes) -> None:
        """Written beside, synced, renamed."""
        path = self._path / name
        beside = path.with_name(f"{path.name}.partial")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with beside.open("wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            beside.rename(path)
            _sync(path.parent)
        except OSError as error:
            raise NotNow(f"cannot write {path}: {error.strerror}") from error

    def settle(self, prefix: str) -> None:
        """Files first, then the folders."""
        for folder, _, files in os.walk(self._path / prefix, topdown=False):
            for file in files:
                _sync(Path(folder, file))
            _sync(Path(folder))
        _sync(self._path)


class Objects:
    """A prefix in a bucket."""

    def __init__(self, storage: ObjectStorage, bucket: str, prefix: str) -> None:
        """Connects to nothing yet."""
        self._storage = storage
        self._bucket = Bucket(storage, bucket)
        self._name = bucket
        self._prefix = f"{prefix}/" if prefix else ""

    @property
    def url(self) -> str:
        """``s3://bucket/prefix``."""
        return f"{_SCHEME}{self._name}/{self._prefix}".rstrip("/")

    def prepare(self) -> None:
        """A bucket is its owner's to make; whether it is there shows in the first listing."""

    def disk(self) -> dict[str, str]:
        """A disk of objects under the names that files have."""
        return {
            "type": "s3_plain",
            "endpoint": f"{self._storage.endpoint.rstrip('/')}/{self._name}/{self._prefix}",
            "access_key_id": self._storage.access_key,
            "secret_access_key": self._storage.secret_key,
            "region": self._storage.region,
        }

    def list(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        """Sorted by name, as the server gives them."""
        for key, size in self._bucket.list(self._prefix + prefix):
            yield key.removeprefix(self._prefix), size

    @contextmanager
    def read(self, name: str) -> Iterator[Iterator[bytes]]:
        """An object in pieces."""
        with self._bucket.read(self._prefix + name) as pieces:
            yield pieces

    def path(self, name: str) -> Path | None:
        """Nowhere here."""
        return None

    def write(self, name: str, body: bytes) -> None:
        """An object."""
        self._bucket.write(self._prefix + name, body)

    def settle(self, prefix: str) -> None:
        """Object storage has no page cache of ours."""


def open_place(text: str, storage: ObjectStorage) -> Place:
    """The place that ``text`` names. Raises ``BadInput``."""
    if not text.startswith(_SCHEME):
        if "://" in text or not text:
            raise BadInput(f"{text!r} is neither a folder nor s3://bucket/prefix")
        return Folder(Path(text))
    bucket, _, prefix = text.removeprefix(_SCHEME).partition("/")
    if not bucket:
        raise BadInput(f"{text!r} names no bucket: write s3://bucket/prefix")
    if not storage.endpoint:
        raise BadInput(f"{text}: which server? Set s3.endpoint (LOGYARD__S3__ENDPOINT) and its keys")
    return Objects(storage, bucket, prefix.strip("/"))


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
