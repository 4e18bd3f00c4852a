"""The web API's three log files, written by its server's threads and by its background traffic alike."""

import threading

from logyard.demo.lines import data_line, iso, logger_line, message_line
from logyard.demo.web_api import Answer, Ask, Incident
from logyard.demo.web_lines import RequestLine, ResponseLine
from logyard.demo.writing import LogDirectory

__all__ = ["WebLog"]


class WebLog:
    """``access.log``, ``error.log`` and ``application.log``. Any thread."""

    def __init__(self, logs: LogDirectory) -> None:
        self._access = logs.open("access.log")
        self._error = logs.open("error.log")
        self._application = logs.open("application.log")
        self._lock = threading.Lock()

    def request(self, instant: int, ask: Ask) -> None:
        """It came in."""
        line = RequestLine(
            timestamp=iso(instant),
            method=ask.method,
            path=ask.path,
            query_string=ask.query,
            remote_addr=ask.address,
            user_agent=ask.agent,
            content_length=len(ask.body),
        )
        with self._lock:
            self._access.write(data_line(instant, line))

    def response(self, instant: int, answer: Answer, seconds: float) -> None:
        """It was answered, after so many seconds."""
        line = ResponseLine(
            timestamp=iso(instant),
            status_code=answer.status,
            content_length=len(answer.body),
            processing_time_ms=round(1000 * seconds, 2),
        )
        with self._lock:
            self._access.write(data_line(instant, line))
            self._application.write(logger_line(instant, _level(answer), answer.said, logger="web-api"))
            if answer.incident is not None:
                self._error.write(message_line(instant, answer.incident.level, answer.incident.message))

    def background(self, instant: int, level: str, message: str) -> None:
        """Something beside the requests."""
        with self._lock:
            self._application.write(logger_line(instant, level, message, logger="background-task"))

    def incident(self, instant: int, incident: Incident) -> None:
        """Something went wrong beside the requests."""
        with self._lock:
            self._error.write(message_line(instant, incident.level, incident.message))


def _level(answer: Answer) -> str:
    return "INFO" if answer.incident is None else answer.incident.level
