"""Every error that Logyard raises on purpose, as one tree.

    LogyardError
    ├── BadInput              the sender's doing: fix the input, do not send it again as it is
    │   ├── BadPayload        bytes that are not what they say they are
    │   ├── BadQuery          a query that cannot be understood; knows the place
    │   ├── BadConfig         a setting that cannot be used; knows its path
    │   ├── TooLarge          beyond a limit that the configuration names
    │   └── NotFound          a thing asked for by name or id that is not there
    ├── NotNow                a good request at a bad moment: send it again later
    │   ├── Backpressure      the queue in front of the store is full
    │   ├── DiskFull          no room left for the write-ahead log
    │   ├── Closing           the process is draining
    │   └── Incomplete        stored, but not everywhere that was promised; knows the ids
    ├── QueryStopped          a query that met its limit
    │   ├── QueryTimeout
    │   └── QueryTooLarge
    ├── StoreFailed           the engine refused or died; carries its own words
    ├── Corrupt               bytes on our disk that fail their checksum
    └── MissingPart           an optional extra that is not installed

Each error knows the input it choked on. Errors become protocol in one place per protocol
(``serve/http/problems.py``, ``cli/main.py``).
"""

from collections.abc import Sequence

__all__ = [
    "Backpressure",
    "BadConfig",
    "BadInput",
    "BadPayload",
    "BadQuery",
    "Closing",
    "Corrupt",
    "DiskFull",
    "Incomplete",
    "LogyardError",
    "MissingPart",
    "NotFound",
    "NotNow",
    "QueryStopped",
    "QueryTimeout",
    "QueryTooLarge",
    "StoreFailed",
    "TooLarge",
]


class LogyardError(Exception):
    """The root: catch this to catch everything that Logyard raises on purpose."""


class BadInput(LogyardError):
    """The sender's doing; sending the same again gives the same answer."""


class BadPayload(BadInput):
    """Bytes that are not what they say they are."""

    def __init__(self, reason: str, *, index: int | None = None) -> None:
        """``index`` is the 0-based position of the item in its request, where there is one."""
        super().__init__(reason if index is None else f"item {index}: {reason}")
        self.reason = reason
        self.index = index


class BadQuery(BadInput):
    """A query that cannot be understood."""

    def __init__(self, reason: str, *, query: str = "", position: int = 0) -> None:
        """``position`` is the 0-based character of ``query`` at which understanding stopped."""
        super().__init__(reason)
        self.reason = reason
        self.query = query
        self.position = position

    def __str__(self) -> str:
        """The reason, and under the query a caret at the place."""
        if not self.query:
            return self.reason
        start = max(0, self.position - 60)
        excerpt = self.query[start : self.position + 40].replace("\n", " ")
        caret = " " * (self.position - start) + "^"
        return f"{self.reason} at character {self.position + 1}\n  {excerpt}\n  {caret}"


class BadConfig(BadInput):
    """A setting that cannot be used."""

    def __init__(self, reason: str, *, path: str = "") -> None:
        """``path`` is the dotted path of the setting, for example ``retention.age``."""
        super().__init__(f"{path}: {reason}" if path else reason)
        self.reason = reason
        self.path = path


class TooLarge(BadInput):
    """Beyond a limit; the message names the limit's setting."""


class NotFound(BadInput):
    """A thing asked for by name or id that is not there."""


class NotNow(LogyardError):
    """A good request at a bad moment."""

    def __init__(self, reason: str, *, retry_after: float = 1.0) -> None:
        """``retry_after`` is in seconds."""
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after


class Backpressure(NotNow):
    """The queue in front of the store is full."""


class DiskFull(NotNow):
    """No room left for the write-ahead log."""


class Closing(NotNow):
    """The process is draining and takes nothing new."""


class Incomplete(NotNow):
    """Entries are stored, but not on as many replicas as were promised, or not all of them: not acknowledged.

    What is stored stays, and goes on to the replicas when they are back; so sending it again would store it twice.
    """

    def __init__(self, reason: str, *, ids: Sequence[str] = ()) -> None:
        """``ids``: of the entries that are stored somewhere."""
        super().__init__(reason)
        self.ids = tuple(ids)


class QueryStopped(LogyardError):
    """A query that met its limit; the message names the limit's setting."""


class QueryTimeout(QueryStopped):
    """Longer than ``query.timeout``."""


class QueryTooLarge(QueryStopped):
    """More rows or bytes read than ``query.max_rows_read`` or ``query.max_bytes_read`` allow."""


class StoreFailed(LogyardError):
    """The engine refused or died; the message carries its own words."""


class Corrupt(LogyardError):
    """Bytes on our own disk that fail their checksum."""


class MissingPart(LogyardError):
    """An optional extra that is not installed."""

    def __init__(self, feature: str, extra: str) -> None:
        """``extra`` is the name in ``pip install 'logyard[extra]'``."""
        super().__init__(f"{feature} needs an optional part: pip install 'logyard[{extra}]'")
        self.feature = feature
        self.extra = extra
