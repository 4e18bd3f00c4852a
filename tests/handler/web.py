"""A WSGI application that logs every request; gunicorn loads it before it forks its workers."""

import os
from collections.abc import Callable, Iterable, Mapping

from tests.handler.programs import attached

logger = attached(os.environ["LOGYARD_URL"], service="web")
logger.info("loaded")

Start = Callable[[str, list[tuple[str, str]]], object]


def app(environment: Mapping[str, str], start: Start) -> Iterable[bytes]:
    logger.info("served %s", environment["PATH_INFO"])
    start("200 OK", [("content-type", "text/plain")])
    return [b"ok"]
