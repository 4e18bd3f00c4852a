"""What happens in the web API without any client: visitors that ask its own routes, and background tasks."""

from collections.abc import Sequence
from typing import Final

import msgspec

from logyard.demo.agenda import Agenda, Story
from logyard.demo.chance import Chance
from logyard.demo.web_api import Ask, Incident, Routes
from logyard.demo.web_log import WebLog

__all__ = ["Traffic"]

_MEAN_INTERVAL: Final = 1.0
_MEAN_TASK_INTERVAL: Final = 8.0
_KNOWN_USERS: Final = 8
"""Visitors ask for users up to this number; five are there at first."""
_INCOMPLETE_PERCENT: Final = 10

_AGENTS: Final = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.2 Safari/605.1.15",
    "curl/8.11.1",
    "python-httpx/0.28.1",
    "kube-probe/1.33",
)
_ROUTES: Final = ("GET /users", "GET one", "POST /users", "GET /health", "GET /simulate-load", "GET nowhere")
_ROUTE_WEIGHTS: Final = (40, 25, 15, 12, 5, 3)
_TASKS: Final[Sequence[tuple[str, str]]] = (
    ("INFO", "Cache cleanup completed: {number} entries removed"),
    ("INFO", "Session sweep started"),
    ("INFO", "Session sweep completed: {number} sessions expired"),
    ("DEBUG", "Trace of scheduler: {number} timers armed"),
    ("WARNING", "Deprecated parameter 'page' was used by {number} clients"),
    ("ERROR", "Failed to refresh exchange rates: connection refused"),
    ("ERROR", "Exception in scheduled task: unexpected end of data"),
)
_TASK_WEIGHTS: Final = (30, 20, 20, 10, 10, 6, 4)


class Traffic:
    """Stories on the agenda; their chance is their own, so that real clients do not change it."""

    def __init__(self, agenda: Agenda, routes: Routes, log: WebLog, *, seed: int) -> None:
        self._agenda = agenda
        self._routes = routes
        self._log = log
        self._chance = Chance(seed, "web-api")
        self._visits = 0
        agenda.begin(self._visitors())
        agenda.begin(self._tasks())

    def _visitors(self) -> Story:
        while True:
            yield self._chance.interval(_MEAN_INTERVAL)
            self._agenda.begin(self._visit(self._ask()))

    def _visit(self, ask: Ask) -> Story:
        self._log.request(self._agenda.now, ask)
        answer = self._routes.answer(ask, self._chance)
        yield answer.seconds
        self._log.response(self._agenda.now, answer, answer.seconds)

    def _ask(self) -> Ask:
        self._visits += 1
        kind = self._chance.weighted(_ROUTES, _ROUTE_WEIGHTS)
        method, _, path = kind.partition(" ")
        paths = {"one": f"/users/{self._chance.whole(1, _KNOWN_USERS)}", "nowhere": "/favicon.ico"}
        return Ask(
            method=method,
            path=paths.get(path, path),
            query=f"page={self._chance.whole(1, 9)}" if kind == "GET /users" and self._chance.happens(30) else "",
            body=self._new_user() if method == "POST" else b"",
            agent=self._chance.pick(_AGENTS),
            address=f"10.0.{self._chance.whole(0, 3)}.{self._chance.whole(1, 254)}",
        )

    def _new_user(self) -> bytes:
        given = {"name": f"Visitor {self._visits}", "email": f"visitor{self._visits}@example.com"}
        if self._chance.happens(_INCOMPLETE_PERCENT):
            del given[self._chance.pick(("name", "email"))]
        return msgspec.json.encode(given)

    def _tasks(self) -> Story:
        while True:
            level, text = self._chance.weighted(_TASKS, _TASK_WEIGHTS)
            message = text.format(number=self._chance.whole(1, 500))
            self._log.background(self._agenda.now, level, message)
            if level == "ERROR":
                self._log.incident(self._agenda.now, Incident(level, message))
            yield self._chance.interval(_MEAN_TASK_INTERVAL)
