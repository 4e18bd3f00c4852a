"""What a server's refusal means: is it the statement, or the server's own state?

``store/engine_errors.py`` reads what both engines say alike. A cluster has troubles that no embedded engine has: they
pass, so they are ``Away`` (``NotNow``), and the same statement goes to another replica, the same parcel comes again.
"""

import re
from typing import Final

from logyard.errors import LogyardError, NotNow, QueryStopped
from logyard.store.engine_errors import meaning

__all__ = ["Away", "Slow", "insert_failure", "query_failure"]

_CODE: Final = re.compile(r"Code: (\d+)")
_CONNECTION: Final = {
    3,  # UNEXPECTED_END_OF_FILE
    32,  # ATTEMPT_TO_READ_AFTER_EOF
    198,  # DNS_ERROR
    209,  # SOCKET_TIMEOUT
    210,  # NETWORK_ERROR
    279,  # ALL_CONNECTION_TRIES_FAILED
    519,  # NO_REMOTE_SHARD_AVAILABLE
}
"""A server that cannot reach another."""
_STATE: Final = _CONNECTION | {
    60,  # UNKNOWN_TABLE: it is still being made
    81,  # UNKNOWN_DATABASE
    159,  # TIMEOUT_EXCEEDED
    164,  # READONLY
    192,  # UNKNOWN_USER
    202,  # TOO_MANY_SIMULTANEOUS_QUERIES
    225,  # NO_ZOOKEEPER
    236,  # ABORTED: it shuts down
    241,  # MEMORY_LIMIT_EXCEEDED
    242,  # TABLE_IS_READ_ONLY
    252,  # TOO_MANY_PARTS
    319,  # UNKNOWN_STATUS_OF_INSERT
    394,  # QUERY_WAS_CANCELLED
    497,  # ACCESS_DENIED
    516,  # AUTHENTICATION_FAILED
    999,  # KEEPER_EXCEPTION
}
"""For which no parcel is ever put aside."""


class Away(NotNow):
    """A server, or a whole shard, cannot be reached now; the message names it."""


class Slow(Away):
    """It took the connection and does not answer."""


def query_failure(text: str, query: str) -> LogyardError:
    """The error for what a server said of a query."""
    return Away(text) if _code(text) in _CONNECTION else meaning(ValueError(text), query=query)


def insert_failure(text: str) -> LogyardError:
    """The error for what a server said of an insert."""
    found = meaning(ValueError(text))
    passing = _code(text) in _STATE or isinstance(found, QueryStopped)
    return Away(str(found)) if passing and not isinstance(found, NotNow) else found


def _code(text: str) -> int:
    found = _CODE.search(text)
    return int(found[1]) if found else 0
