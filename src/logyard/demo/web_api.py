"""The routes of the demo's web API: what each answers, how long that takes, and what goes wrong how often.

    GET  /health         200
    GET  /users          200; of a hundred ten are 500 "Database connection timeout"
    GET  /users/<id>     200, or 404 "User not found"
    POST /users          400 without name or email; of a hundred good ones 15 are 409 "Email already exists"; else 201
    GET  /simulate-load  200, slowly

What listens to HTTP is ``web_server.py``; ``web_traffic.py`` asks without a socket.
"""

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

import msgspec

from logyard.demo.chance import Chance

__all__ = ["ANY_USER", "Answer", "Ask", "Incident", "Routes"]

_TIMEOUT_PERCENT: Final = 10
_CONFLICT_PERCENT: Final = 15
_MOST_USERS: Final = 1000
_FIRST_ID: Final = 1
_USER: Final = re.compile(r"/users/([^/]+)")
ANY_USER: Final = "/users/<id>"
"""The route of one user, as messages name it."""


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """A request, as far as the routes look at it."""

    method: str
    path: str
    query: str = ""
    body: bytes = b""
    agent: str = ""
    address: str = "127.0.0.1"


class Incident(msgspec.Struct, frozen=True):
    """What ``error.log`` says about an answer."""

    level: str
    message: str


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What to answer, and after how many seconds."""

    status: int
    body: bytes
    seconds: float
    said: str
    """For ``application.log``."""
    incident: Incident | None = None
    allow: str = ""


class User(msgspec.Struct, frozen=True):
    """Somebody."""

    id: int
    name: str
    email: str


class _Given(msgspec.Struct, frozen=True):
    name: str = ""
    email: str = ""


class Routes:
    """The users, and the answers. Any thread."""

    def __init__(self) -> None:
        """Five users are there from the first day."""
        self._deciding = threading.Lock()
        self._users: OrderedDict[int, User] = OrderedDict()
        self._last_id = _FIRST_ID - 1
        for name in ("Ada", "Grace", "Linus", "Margaret", "Zoë"):
            self._add(name, f"{name.lower()}@example.com".replace("ë", "e"))
        self._fixed: Mapping[str, Mapping[str, Callable[[Ask, Chance], Answer]]] = {
            "/health": {"GET": self._health},
            "/users": {"GET": self._list, "POST": self._create},
            "/simulate-load": {"GET": self._load},
        }

    def answer(self, ask: Ask, chance: Chance) -> Answer:
        """Decide; nothing is waited for here. ``chance`` is used by one thread at a time."""
        methods = self._fixed.get(ask.path)
        if methods is None and _USER.fullmatch(ask.path):
            methods = {"GET": self._user}
        if methods is None:
            return _refused(HTTPStatus.NOT_FOUND, "Not found", chance)
        handler = methods.get(ask.method)
        if handler is None:
            refused = _refused(HTTPStatus.METHOD_NOT_ALLOWED, "Method not allowed", chance)
            return msgspec.structs.replace(refused, allow=", ".join(methods))
        with self._deciding:
            return handler(ask, chance)

    def _health(self, _ask: Ask, chance: Chance) -> Answer:
        body = {"status": "healthy", "service": "web-api"}
        return _answered(HTTPStatus.OK, body, seconds=chance.between(0.001, 0.01), said="Health check completed")

    def _list(self, _ask: Ask, chance: Chance) -> Answer:
        if chance.happens(_TIMEOUT_PERCENT):
            incident = Incident("ERROR", "Database connection timeout in GET /users")
            return _failed(HTTPStatus.INTERNAL_SERVER_ERROR, "Database connection timeout", incident, chance=chance)
        users = list(self._users.values())
        body = {"users": users, "count": len(users)}
        return _answered(
            HTTPStatus.OK, body, seconds=chance.between(0.02, 0.2), said=f"Listed {len(users)} users with success"
        )

    def _user(self, ask: Ask, chance: Chance) -> Answer:
        found = _USER.fullmatch(ask.path)
        word = found[1] if found else ""
        user = self._users.get(int(word)) if re.fullmatch(r"[0-9]{1,9}", word) else None
        if user is None:
            incident = Incident("WARNING", f"User not found in GET {ANY_USER}")
            return _failed(HTTPStatus.NOT_FOUND, "User not found", incident, chance=chance)
        return _answered(
            HTTPStatus.OK, user, seconds=chance.between(0.005, 0.08), said=f"Read user {user.id} with success"
        )

    def _create(self, ask: Ask, chance: Chance) -> Answer:
        given = _given(ask.body)
        missing = [name for name in ("name", "email") if not getattr(given, name).strip()]
        if missing:
            reason = f"Missing required fields: {', '.join(missing)}"
            incident = Incident("WARNING", f"Validation failed in POST /users: {reason.lower()}")
            return _failed(HTTPStatus.BAD_REQUEST, reason, incident, chance=chance)
        taken = any(user.email == given.email for user in self._users.values())
        if chance.happens(_CONFLICT_PERCENT) or taken:
            incident = Incident("WARNING", "Email already exists in POST /users")
            return _failed(HTTPStatus.CONFLICT, "Email already exists", incident, chance=chance)
        user = self._add(given.name, given.email)
        return _answered(
            HTTPStatus.CREATED, user, seconds=chance.between(0.03, 0.15), said=f"Created user {user.id} with success"
        )

    def _load(self, _ask: Ask, chance: Chance) -> Answer:
        seconds = chance.between(0.5, 3.0)
        body = {"message": "Load simulation completed", "duration_ms": round(1000 * seconds, 2)}
        return _answered(HTTPStatus.OK, body, seconds=seconds, said="Load simulation completed")

    def _add(self, name: str, email: str) -> User:
        self._last_id += 1
        user = User(self._last_id, name, email)
        self._users[user.id] = user
        if len(self._users) > _MOST_USERS:
            self._users.popitem(last=False)
        return user


def _given(body: bytes) -> _Given:
    """What a new user's body says; nothing where it cannot be read."""
    try:
        return msgspec.json.decode(body, type=_Given)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Given()


def _answered(status: int, body: object, *, seconds: float, said: str) -> Answer:
    return Answer(status=status, body=msgspec.json.encode(body), seconds=seconds, said=said)


def _failed(status: int, error: str, incident: Incident, *, chance: Chance) -> Answer:
    ours = status == HTTPStatus.INTERNAL_SERVER_ERROR
    # Only a timeout takes its time.
    seconds = chance.between(2.0, 5.0) if ours else chance.between(0.005, 0.05)
    said = f"Request failed: {error}" if ours else f"Client warning: {error}"
    return Answer(
        status=status, body=msgspec.json.encode({"error": error}), seconds=seconds, said=said, incident=incident
    )


def _refused(status: int, error: str, chance: Chance) -> Answer:
    return _failed(status, error, Incident("WARNING", f"{error}: no such route"), chance=chance)
