"""An entry of the log: as it is given to the service, and as the service gives it back. Both are immutable."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

import msgspec

from logyard.feed.level import LogLevel

__all__ = ["LogEntry", "NewLog"]


class NewLog(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """An entry that is to be stored. Its JSON is what a store is given."""

    level: LogLevel
    message: str
    service_name: str
    """"" is the service ``unknown``."""
    timestamp: datetime | None = None
    """When it happened, with a time zone; without one, when it is ingested."""
    metadata: Mapping[str, object] = {}
    """Whatever JSON has a word for."""
    source_ip: str = ""
    correlation_id: str = ""


class LogEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A stored entry. Nothing in it can be changed: objects in ``metadata`` are closed mappings, lists are tuples."""

    id: str
    timestamp: datetime
    """UTC; cut to microseconds, where the store has nanoseconds."""
    level: LogLevel
    service_name: str
    message: str
    metadata: Mapping[str, object] = MappingProxyType({})
    source_ip: str = ""
    correlation_id: str = ""

    def __post_init__(self) -> None:
        """Take a copy of what can be changed, and close it."""
        if not isinstance(self.metadata, MappingProxyType):
            msgspec.structs.force_setattr(self, "metadata", _closed(self.metadata))


def _closed(value: object) -> object:
    if isinstance(value, Mapping):
        return MappingProxyType({name: _closed(inner) for name, inner in value.items()})
    if isinstance(value, list | tuple):
        return tuple(map(_closed, value))
    return value
