"""The demo's programs by their names, alone or together, until they are told to stop.

    web-api            access.log  error.log  application.log
    database-client    database-queries.log  database-performance.log
    background-worker  job-execution.log  job-metrics.log

Together they are one process: the stories of all three on one agenda, and the threads of the web server.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import msgspec

from logyard.demo.agenda import Agenda
from logyard.demo.background_worker import BackgroundWorker
from logyard.demo.database_client import DatabaseClient
from logyard.demo.pace import Pace
from logyard.demo.web_api import Routes
from logyard.demo.web_log import WebLog
from logyard.demo.web_server import WebServer
from logyard.demo.web_traffic import Traffic
from logyard.demo.writing import LogDirectory

__all__ = ["PROGRAMS", "WEB_API", "Plan", "run"]

WEB_API: Final = "web-api"
PROGRAMS: Final = (WEB_API, "database-client", "background-worker")


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to run."""

    programs: Sequence[str] = PROGRAMS
    logs: Path
    seed: int
    start: int
    """Simulated beginning, nanoseconds since the Unix epoch."""
    end: int | None = None
    """Exclusive; None: until it is stopped."""
    listen: str = ""
    """Of the web API; "": it serves nobody and still has its traffic."""


def run(plan: Plan, make_pace: Callable[[], Pace], announce: Callable[[str], None]) -> None:
    """Return at the plan's end, or when the pace is stopped.

    ``make_pace`` is called when all is ready, for time runs from then on; ``announce`` hears the web API's URL, or ""
    without one. Raises ``BadConfig`` when a log cannot be written or the address is taken; ``OSError`` when the disk
    fails later.
    """
    agenda = Agenda(plan.start)
    with ExitStack() as stack:
        logs = stack.enter_context(LogDirectory(plan.logs))
        for name in plan.programs:
            if name != WEB_API:
                _STORIES[name](agenda, logs, plan.seed)
        server = _web(plan, agenda, logs) if WEB_API in plan.programs else None
        if server is not None:
            stack.callback(server.close)
        announce(server.url if server is not None else "")
        pace = make_pace()
        if server is not None:
            stack.enter_context(server.answering(pace))
        agenda.run(pace, end=plan.end)


_STORIES: Final[Mapping[str, Callable[[Agenda, LogDirectory, int], object]]] = {
    "database-client": DatabaseClient,
    "background-worker": BackgroundWorker,
}


def _web(plan: Plan, agenda: Agenda, logs: LogDirectory) -> WebServer | None:
    routes, log = Routes(), WebLog(logs)
    server = WebServer(plan.listen, routes, log, seed=plan.seed) if plan.listen else None
    Traffic(agenda, routes, log, seed=plan.seed)
    return server
