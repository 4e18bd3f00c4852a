"""Patterns of ``extract``: ``ip=<ip> <_> path=<path> ``, literal text with places in between.

A place takes what is there up to the literal text behind it, or, where a quoted string begins, the whole
string, unquoted (``<plain:name>`` takes it as it is). ``<_>`` and ``<>`` take without keeping. ``&lt;`` stands
for ``<``. The first literal is looked for anywhere; where a later one is missing, the places from there on are
empty.
"""

import html
import re
from dataclasses import dataclass
from typing import Final

from logyard.errors import BadQuery
from logyard.language.lexer import Kind, tokenize

__all__ = ["Pattern", "Place", "read_pattern"]

_PLACE: Final = re.compile("<([^<>]*)>")
_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"|`[^`]*`', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Place:
    """``before`` is the literal text in front; ``name`` is "" for a place that is not kept."""

    before: str
    name: str
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern that was read."""

    places: tuple[Place, ...]
    after: str

    def names(self) -> tuple[str, ...]:
        """The names of the places that are kept, each once."""
        return tuple(dict.fromkeys(place.name for place in self.places if place.name))

    def match(self, text: str) -> dict[str, str]:
        """What the places take; all names, "" for nothing."""
        found = dict.fromkeys(self.names(), "")
        start = text.find(self.places[0].before)
        if start < 0:
            return found
        rest = text[start + len(self.places[0].before) :]
        followers = [*(place.before for place in self.places[1:]), self.after]
        for place, follower in zip(self.places, followers, strict=True):
            value, left = _taken(rest, place, follower)
            if value is not None and place.name:
                found[place.name] = value
            if left is None:
                return found
            rest = left
        return found


def read_pattern(text: str) -> Pattern:
    """``BadQuery`` for a pattern without a named place, or with two places side by side."""
    places: list[Place] = []
    last = 0
    for found in _PLACE.finditer(text):
        before = html.unescape(text[last : found.start()])
        if places and not before:
            raise BadQuery(f"there must be text between two places of {text!r}")
        option, colon, name = found[1].strip().partition(":")
        if not colon or option not in {"plain", ""}:
            option, name = "", found[1].strip()
        name = name.strip()
        places.append(Place(before, "" if name == "_" else name, plain=option == "plain"))
        last = found.end()
    if not any(place.name for place in places):
        raise BadQuery(f"a pattern needs a place such as <name>: {text!r}")
    if any(place.name.endswith("*") for place in places):
        raise BadQuery(f"a place must have a whole name: {text!r}")
    return Pattern(tuple(places), html.unescape(text[last:]))


def _taken(text: str, place: Place, follower: str) -> tuple[str | None, str | None]:
    """The value (None: nothing), and what is left behind the follower (None: the follower is missing)."""
    quoted = None if place.plain else _unquoted(text)
    if quoted is not None:
        value, length = quoted
        rest = text[length:]
        return value, rest[len(follower) :] if rest.startswith(follower) else None
    if not follower:
        return text, ""
    end = text.find(follower)
    return (None, None) if end < 0 else (text[:end], text[end + len(follower) :])


def _unquoted(text: str) -> tuple[str, int] | None:
    found = _STRING.match(text)
    if found is None:
        return None
    token = tokenize(found[0])[0]
    return (token.text, found.end()) if token.kind is Kind.QUOTED and token.end == found.end() else None
