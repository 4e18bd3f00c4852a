"""What a program may choose: where its logs go, how much may wait, what happens when too much does."""

import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import PurePath
from typing import Final, Literal, TypedDict, cast

__all__ = ["Dropping", "Options", "Settings", "settings_of"]

Dropping = Literal["drop_oldest", "drop_newest", "block", "spill"]
Compression = Literal["auto", "gzip", "none"]
Observer = Callable[[str, int], None]
"""Told of counts as they change: ("sent", 500). Called on the sender's thread; it must be quick."""

DEFAULT_URL: Final = "http://127.0.0.1:8005"


def _program() -> str:
    """The script's name, which is what a program is called where nobody named it."""
    name = PurePath(sys.argv[0] if sys.argv else "").stem
    return name if name not in {"", "-c", "-m", "-"} else "python"


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Frozen; checked when made. Raises ``ValueError`` that names the setting."""

    url: str = DEFAULT_URL
    """Of the Logyard server: ``http://`` or ``https://``, perhaps with a path before ``/ingest``."""
    service: str = field(default_factory=_program)
    host: str = field(default_factory=socket.gethostname)
    api_key: str = ""
    """Sent as ``Authorization: Bearer``."""
    ca_file: str = ""
    """Certificates that ``https`` is checked against, instead of the system's."""
    compression: Compression = "auto"
    """``auto``: gzip, but for a server on this machine."""
    timeout: float = 10.0
    """Seconds for connecting and for each answer."""
    flush_seconds: float = 1.0
    """A record waits at most so long for others to share its request."""
    batch_records: int = 5000
    batch_bytes: int = 1 << 20
    max_records: int = 100_000
    """Records that may wait in memory, all together."""
    max_bytes: int = 64 << 20
    record_bytes: int = 256 << 10
    """Longest single record; what is longer loses its fields, then the end of its message."""
    dropping: Dropping = "drop_oldest"
    """What happens to records beyond ``max_records`` or ``max_bytes``. ``spill`` needs ``spool``."""
    block_seconds: float = 1.0
    """``block``: how long a call to the logger may wait for room. Never on an event loop."""
    spool: str = ""
    """Directory for batches that cannot be sent now: they survive the end of the process."""
    spool_bytes: int = 1 << 30
    exit_seconds: float = 5.0
    """How long the end of the program may be held up by records that still wait."""
    on_sigterm: bool = True
    """Send what waits when SIGTERM would end the process. A handler that the program has set is left alone."""
    observe: Observer | None = None

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise ValueError(f"url must begin with http:// or https://, not {self.url!r}")
        if self.dropping not in {"drop_oldest", "drop_newest", "block", "spill"}:
            raise ValueError(f"dropping must be drop_oldest, drop_newest, block or spill, not {self.dropping!r}")
        if self.dropping == "spill" and not self.spool:
            raise ValueError("dropping = 'spill' needs a directory in spool")
        if self.compression not in {"auto", "gzip", "none"}:
            raise ValueError(f"compression must be auto, gzip or none, not {self.compression!r}")
        for name in _POSITIVE:
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0, not {getattr(self, name)!r}")
        if not self.api_key.isascii() or not self.api_key.isprintable():
            raise ValueError("api_key must be printable ASCII")


_POSITIVE: Final = (
    "timeout", "flush_seconds", "batch_records", "batch_bytes", "max_records", "max_bytes", "record_bytes",
    "spool_bytes", "exit_seconds",
)  # fmt: skip


class Options(TypedDict, total=False):
    """The same as keyword arguments, so that ``dictConfig`` and editors know them; ``url`` comes first, by itself."""

    service: str
    host: str
    api_key: str
    ca_file: str
    compression: Compression
    timeout: float
    flush_seconds: float
    batch_records: int
    batch_bytes: int
    max_records: int
    max_bytes: int
    record_bytes: int
    dropping: Dropping
    block_seconds: float
    spool: str
    spool_bytes: int
    exit_seconds: float
    on_sigterm: bool
    observe: Observer | None


def settings_of(options: Mapping[str, object]) -> Settings:
    """Raises ``ValueError`` for a value that cannot be used, ``TypeError`` for a name that there is not."""
    known = [each.name for each in fields(Settings)]
    for name in options:
        if name not in known:
            raise TypeError(f"the Logyard handler has no option {name!r}; it has: {', '.join(known)}")
    return Settings(**cast("Options", options))
