"""What happens in a shop, as its services would log it: visitors log in, look around, buy and leave; some fail.

A session is drawn as a whole, with all that its messages say; many sessions are under way at once and take turns. So
one event costs a list's pop, and the drawing of a session is paid by its events together.
"""

from collections.abc import Callable, Iterator
from typing import Final, Generic, TypeVar

import msgspec

from logyard.demo.chance import Chance

__all__ = ["TAGS", "Event", "Flows"]

TAGS: Final = ("auth", "payment", "api", "general")

Made = TypeVar("Made")

_SESSIONS: Final = 64
_TURNS: Final = 8192
_WRONG_PASSWORD_PERCENT: Final = 12
_BUYS_PERCENT: Final = 40
_DECLINED_PERCENT: Final = 12
_ERROR_PERCENT: Final = 3
_EXPIRES_PERCENT: Final = 20
_PAGES: Final = ("/", "/products", "/search", "/offers", "/account", "/help")
_PRODUCTS: Final = ("teapot", "umbrella", "lantern", "café set", "Brötchen basket", "blanket", "notebook")
_CITIES: Final = ("Oslo", "München", "Lisboa", "Kraków", "Tokyo", "Nairobi")


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Something to be logged."""

    level: str
    service: str
    tag: str
    """One of ``TAGS``."""
    name: str
    """What happened, as one word: ``login_succeeded``."""
    text: str
    """For people; no quote, backslash or control character in it."""
    user_id: str
    session_token: str


class Flows(Generic[Made]):
    """Events without end, each as ``make`` has made it. One thread."""

    def __init__(self, chance: Chance, make: Callable[[Event], Made]) -> None:
        """``make`` is called once for each event, some time before its turn."""
        self._chance = chance
        self._make = make
        self._sessions: list[list[Made]] = [[] for _ in range(_SESSIONS)]
        self._turns = [chance.whole(0, _SESSIONS - 1) for _ in range(_TURNS)]

    def take(self, count: int, first: int) -> Iterator[Made]:
        """The next ``count`` events, of which the first is the ``first`` ever, from 0."""
        sessions, turns = self._sessions, self._turns
        for number in range(first, first + count):
            turn = turns[number % _TURNS]
            session = sessions[turn]
            if not session:
                session = sessions[turn] = self._session()
            yield session.pop()

    def _session(self) -> list[Made]:
        """Last event first."""
        visit = _Visit(self._chance)
        return [self._make(event) for event in visit.events()][::-1]


class _Visit:
    """One session of one user."""

    def __init__(self, chance: Chance) -> None:
        self._chance = chance
        self._user = f"u-{chance.whole(1, 9999):04}"
        self._token = chance.hexadecimal(24)

    def events(self) -> Iterator[Event]:
        """What happens, in order."""
        chance = self._chance
        yield from self._login()
        for _ in range(chance.whole(1, 5)):
            yield self._page()
        if chance.happens(_BUYS_PERCENT):
            yield from self._purchase()
        if chance.happens(_EXPIRES_PERCENT):
            yield self._event("DEBUG", "general", f"Session of user {self._user} expired", name="session_expired")
        else:
            yield self._event("INFO", "auth", f"User {self._user} logged out", name="logout")

    def _login(self) -> Iterator[Event]:
        chance = self._chance
        if chance.happens(_WRONG_PASSWORD_PERCENT):
            for attempt in range(1, chance.whole(1, 3) + 1):
                text = f"Login failed for user {self._user}: wrong password, attempt {attempt}"
                yield self._event("WARNING", "auth", text, name="login_failed")
        city, octets = chance.pick(_CITIES), (chance.whole(1, 254), chance.whole(1, 254))
        text = f"User {self._user} logged in from {city}, address 10.0.{octets[0]}.{octets[1]}"
        yield self._event("INFO", "auth", text, name="login_succeeded")

    def _page(self) -> Event:
        chance, page = self._chance, self._chance.pick(_PAGES)
        if chance.happens(_ERROR_PERCENT):
            text = f"GET {page} answered 500 in {chance.whole(900, 9000)} ms for user {self._user}: upstream timeout"
            return self._event("ERROR", "api", text, name="request_failed")
        text = f"GET {page} answered 200 in {chance.whole(2, 300)} ms for user {self._user}"
        return self._event("INFO", "api", text, name="page_viewed")

    def _purchase(self) -> Iterator[Event]:
        chance, product = self._chance, self._chance.pick(_PRODUCTS)
        amount, order = f"{chance.whole(3, 250)}.{chance.whole(0, 99):02} EUR", f"o-{chance.hexadecimal(8)}"
        yield self._event("INFO", "general", f"User {self._user} put a {product} into the cart", name="item_added")
        if chance.happens(_DECLINED_PERCENT):
            text = f"Payment of {amount} declined for user {self._user}, order {order}: insufficient funds"
            yield self._event("ERROR", "payment", text, name="payment_declined")
            return
        text = f"Payment of {amount} accepted for user {self._user}, order {order}"
        yield self._event("INFO", "payment", text, name="payment_accepted")
        yield self._event(
            "INFO", "api", f"POST /orders answered 201 for user {self._user}: {order}", name="order_placed"
        )

    def _event(self, level: str, tag: str, text: str, *, name: str) -> Event:
        return Event(
            level=level,
            service=_SERVICES[tag],
            tag=tag,
            name=name,
            text=text,
            user_id=self._user,
            session_token=self._token,
        )


_SERVICES: Final = {"auth": "auth-service", "payment": "payment-service", "api": "shop-api", "general": "shop-web"}
