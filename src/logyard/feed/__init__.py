"""The log feeding service, as a library: entries in, on as many nodes as you like, and found again.

    from logyard.feed import LogLevel, create_log_service

    with create_log_service(use_replication=True) as service:
        service.ingest_log(LogLevel.ERROR, "Database failed", "user-service", metadata={"attempt": 3})

    opening.py ──► service.py ──► sharding.py ──► group.py ──► link.py ──► storage.py: memory.py, yard.py
                                                    └──► comparing.py       the port

``python -m logyard.feed`` shows it; docs/feed.md explains it.
"""

from logyard.feed.balancing import LeastLoaded, RoundRobin
from logyard.feed.entry import LogEntry, NewLog
from logyard.feed.filters import (
    CompositeFilter,
    KeywordFilter,
    LevelFilter,
    LogFilter,
    QueryFilter,
    ServiceFilter,
    TimeRangeFilter,
)
from logyard.feed.level import LogLevel
from logyard.feed.link import LinkStatus
from logyard.feed.memory import MemoryStorage
from logyard.feed.opening import create_log_service
from logyard.feed.service import LogFeedingService, LogPage
from logyard.feed.statistics import ServiceStats
from logyard.feed.storage import Storage
from logyard.feed.yard import YardStorage

__all__ = [
    "CompositeFilter",
    "KeywordFilter",
    "LeastLoaded",
    "LevelFilter",
    "LinkStatus",
    "LogEntry",
    "LogFeedingService",
    "LogFilter",
    "LogLevel",
    "LogPage",
    "MemoryStorage",
    "NewLog",
    "QueryFilter",
    "RoundRobin",
    "ServiceFilter",
    "ServiceStats",
    "Storage",
    "TimeRangeFilter",
    "YardStorage",
    "create_log_service",
]
