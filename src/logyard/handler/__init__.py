"""Python programs send their logs with this: nothing but the standard library, and nothing of Logyard's own.

    import logging
    from logyard.handler import LogyardHandler

    logging.basicConfig(level="INFO", handlers=[LogyardHandler("http://127.0.0.1:8005", service="shop")])

    logging ──► stdlib.py ──┐
    structlog ► structlog.py┼─► record.py ──► queue.py ──► sender.py ──► link.py ──► POST /ingest
    loguru ───► loguru.py ──┘   (caught)     (bounded)    (a thread)       └─► spool.py

docs/python.md has the whole story.
"""

from logyard.handler.captured import captured
from logyard.handler.context import bind
from logyard.handler.environment import from_environment
from logyard.handler.formatter import JsonFormatter
from logyard.handler.limit import RateLimit, Sample
from logyard.handler.loguru import LogyardSink
from logyard.handler.settings import Options, Settings
from logyard.handler.stats import Stats
from logyard.handler.stdlib import LogyardHandler
from logyard.handler.structlog import LogyardProcessor

__all__ = [
    "JsonFormatter",
    "LogyardHandler",
    "LogyardProcessor",
    "LogyardSink",
    "Options",
    "RateLimit",
    "Sample",
    "Settings",
    "Stats",
    "bind",
    "captured",
    "from_environment",
]
