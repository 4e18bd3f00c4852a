"""The nodes of a filter: what every filter is, and the boolean ones. The rest is in ``filters/``.

Nodes are values: frozen, comparable, printable. ``parse(str(node)) == node`` holds for every node that the
parser makes; build nested ANDs and ORs with ``all_of`` and ``any_of``, which flatten as the parser does.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Final, Protocol, Self, TypeVar

import polars as pl

from logyard.errors import BadQuery
from logyard.language.quoting import field_prefix, quote_if_needed
from logyard.language.view import View

__all__ = [
    "MESSAGE",
    "All",
    "And",
    "FieldFilter",
    "Filter",
    "Form",
    "Not",
    "Or",
    "SubQuery",
    "ValuesFilter",
    "all_of",
    "any_of",
    "component",
    "negated",
    "rewritten",
    "walk",
]

MESSAGE: Final = ""
"""The field of a filter that names none: the message, ``_msg``."""


@dataclass(frozen=True, slots=True)
class Form:
    """Where the parser offers the query text to a filter's ``parse``; ``name`` is that of the filter's file.

    ``words``: after one of these tokens was taken. ``fields``: after ``name:`` was taken. With neither the
    filter is a plain one, tried when no word fits. ``parse`` answers None to leave the text to others.
    """

    name: str
    words: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Filter(ABC):
    """Says of every record yes or no."""

    form: ClassVar[Form | None] = None

    @abstractmethod
    def __str__(self) -> str:
        """Canonical query text."""

    @abstractmethod
    def match(self, view: View) -> pl.Series:
        """Booleans, one for each record of ``view``, no nulls."""

    @abstractmethod
    def fields(self) -> frozenset[str]:
        """Names of the fields it reads, as written in the query; "" is the message."""

    def children(self) -> tuple["Filter", ...]:
        """The filters inside it."""
        return ()


@dataclass(frozen=True, slots=True)
class FieldFilter(Filter):
    """A filter on one field; "" is the message."""

    field: str

    def fields(self) -> frozenset[str]:
        """The one field."""
        return frozenset({self.field})

    def prefix(self) -> str:
        """The field as it is printed in front of the filter."""
        return field_prefix(self.field)


Node = TypeVar("Node", bound=Filter)


class SubQuery(Protocol):
    """A whole query inside a filter, ``in(error | fields user)``; ``query`` makes and runs them."""

    @property
    def field(self) -> str:
        """The one field of its rows whose values are asked for."""
        ...


@dataclass(frozen=True, slots=True)
class ValuesFilter(FieldFilter):
    """A filter with a list of values, written out or found by a sub-query (never both)."""

    values: tuple[str, ...] = ()
    subquery: SubQuery | None = None

    name: ClassVar[str] = ""

    def __str__(self) -> str:
        """``field:name(a,b)`` or ``field:name(query)``."""
        inner = ",".join(map(quote_if_needed, self.values)) if self.subquery is None else str(self.subquery)
        return f"{self.prefix()}{self.name}({inner})"

    def resolved(self, values: Iterable[str]) -> Self:
        """The same filter with the values that its sub-query found."""
        return replace(self, values=tuple(values), subquery=None)

    def known_values(self) -> tuple[str, ...]:
        """The values; ``BadQuery`` while the sub-query has not been run."""
        if self.subquery is not None:
            raise BadQuery(f"{self.name}(...) asks another query, which cannot be run here")
        return self.values


@dataclass(frozen=True, slots=True)
class All(Filter):
    """``*``: every record."""

    def __str__(self) -> str:
        """``*``."""
        return "*"

    def match(self, view: View) -> pl.Series:
        """True throughout."""
        return view.constant(value=True)

    def fields(self) -> frozenset[str]:
        """None."""
        return frozenset()


@dataclass(frozen=True, slots=True)
class And(Filter):
    """All of two or more filters, none of them an And."""

    filters: tuple[Filter, ...]

    def __str__(self) -> str:
        """Side by side; an Or in parentheses."""
        return " ".join(f"({each})" if isinstance(each, And | Or) else str(each) for each in self.filters)

    def match(self, view: View) -> pl.Series:
        """In the order written, until nothing is left."""
        found = self.filters[0].match(view)
        for each in self.filters[1:]:
            if not found.any():
                break
            found = found & each.match(view)
        return found

    def fields(self) -> frozenset[str]:
        """Of all of them."""
        return frozenset[str]().union(*(each.fields() for each in self.filters))

    def children(self) -> tuple[Filter, ...]:
        """The filters."""
        return self.filters


@dataclass(frozen=True, slots=True)
class Or(Filter):
    """Any of two or more filters, none of them an Or."""

    filters: tuple[Filter, ...]

    def __str__(self) -> str:
        """With ``or`` between."""
        return " or ".join(f"({each})" if isinstance(each, Or) else str(each) for each in self.filters)

    def match(self, view: View) -> pl.Series:
        """In the order written, until nothing is missing."""
        found = self.filters[0].match(view)
        for each in self.filters[1:]:
            if found.all():
                break
            found = found | each.match(view)
        return found

    def fields(self) -> frozenset[str]:
        """Of all of them."""
        return frozenset[str]().union(*(each.fields() for each in self.filters))

    def children(self) -> tuple[Filter, ...]:
        """The filters."""
        return self.filters


@dataclass(frozen=True, slots=True)
class Not(Filter):
    """What the inner filter, which is no Not, leaves."""

    filter: Filter

    def __str__(self) -> str:
        """``!`` in front; parentheses around what has several parts."""
        return f"!({self.filter})" if isinstance(self.filter, And | Or) else f"!{self.filter}"

    def match(self, view: View) -> pl.Series:
        """The other records."""
        return ~self.filter.match(view)

    def fields(self) -> frozenset[str]:
        """Of the inner filter."""
        return self.filter.fields()

    def children(self) -> tuple[Filter, ...]:
        """The inner filter."""
        return (self.filter,)


def component(
    name: str, *, words: tuple[str, ...] = (), fields: tuple[str, ...] = ()
) -> Callable[[type[Node]], type[Node]]:
    """Mark a class of ``filters/`` as the filter of its file; its ``parse`` is offered text by this form."""

    def mark(node: type[Node]) -> type[Node]:
        node.form = Form(name, words, fields)
        return node

    return mark


def all_of(filters: Iterable[Filter]) -> Filter:
    """One filter that is true where all of them are; ANDs inside are flattened."""
    flat = tuple(part for each in filters for part in (each.filters if isinstance(each, And) else (each,)))
    if not flat:
        return All()
    return flat[0] if len(flat) == 1 else And(flat)


def any_of(filters: Iterable[Filter]) -> Filter:
    """One filter that is true where any of them (at least one) is; ORs inside are flattened."""
    flat = tuple(part for each in filters for part in (each.filters if isinstance(each, Or) else (each,)))
    return flat[0] if len(flat) == 1 else Or(flat)


def negated(filter_: Filter) -> Filter:
    """The opposite; twice gives the filter again."""
    return filter_.filter if isinstance(filter_, Not) else Not(filter_)


def walk(filter_: Filter) -> Iterator[Filter]:
    """The filter and everything inside it, parents first."""
    yield filter_
    for child in filter_.children():
        yield from walk(child)


def rewritten(filter_: Filter, change: Callable[[Filter], Filter]) -> Filter:
    """A copy with every node replaced by ``change(node)``, children first."""
    if isinstance(filter_, And):
        return change(all_of(rewritten(each, change) for each in filter_.filters))
    if isinstance(filter_, Or):
        return change(any_of(rewritten(each, change) for each in filter_.filters))
    if isinstance(filter_, Not):
        return change(negated(rewritten(filter_.filter, change)))
    return change(filter_)
