"""The same record as a line of JSON on any stream: for containers whose stdout is collected."""

import logging
from typing import Unpack

from logyard.handler.environment import from_environment
from logyard.handler.record import Encoder
from logyard.handler.settings import Options

__all__ = ["JsonFormatter"]


class JsonFormatter(logging.Formatter):
    """``handler.setFormatter(JsonFormatter(service="shop"))``; fields as ``record.py`` has them."""

    def __init__(self, **options: Unpack[Options]) -> None:
        """Of the options ``service``, ``host`` and ``record_bytes`` count."""
        super().__init__()
        settings = from_environment(options=options)
        self._encoder = Encoder(service=settings.service, host=settings.host, record_bytes=settings.record_bytes)

    def format(self, record: logging.LogRecord) -> str:
        """One line, without its end."""
        caught = self._encoder.catch(record)
        return caught if isinstance(caught, str) else self._encoder.line(caught)
