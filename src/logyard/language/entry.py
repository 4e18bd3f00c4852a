"""The way into the language: parsers that know every filter of ``filters/``."""

import importlib
import pkgutil
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from types import ModuleType
from typing import Protocol, cast

from logyard.errors import BadQuery
from logyard.language import filters
from logyard.language.ast import Filter, Form
from logyard.language.parser import Forms, Parser, Reader, SubQueryReader

__all__ = ["filter_classes", "open_query", "parse_filter"]


class _Readable(Protocol):
    """What a filter class is to the parser."""

    form: Form

    def parse(self, parser: Parser, field: str) -> Filter | None:
        """Of the class, not of a node: read the rest of its form."""
        ...


def open_query(query: str, *, now: int, subquery: SubQueryReader | None = None) -> Parser:
    """A parser at the start of ``query``. ``now``: nanoseconds, what ``_time:5m`` refers to."""
    return Parser(query, now=now, forms=_forms(), subquery=subquery)


def parse_filter(query: str, *, now: int, subquery: SubQueryReader | None = None) -> Filter:
    """A query that is a filter and nothing else. Raises nothing but ``BadQuery``, whatever the text."""
    parser = open_query(query, now=now, subquery=subquery)
    found = parser.parse_filter()
    if not parser.at_end:
        raise parser.fail("only a filter is allowed here")
    return found


@cache
def filter_classes() -> dict[str, type[Filter]]:
    """Every filter with a form, by the name of its file."""
    files = sorted(module.name for module in pkgutil.iter_modules(filters.__path__))
    nodes = [_filter_of(importlib.import_module(f"{filters.__name__}.{file}")) for file in files]
    return {node.form.name: node for node in nodes if node.form is not None}


def _filter_of(module: ModuleType) -> type[Filter]:
    own = [each for each in vars(module).values() if isinstance(each, type) and each.__module__ == module.__name__]
    marked = [each for each in own if issubclass(each, Filter) and each.form is not None]
    if len(marked) != 1:
        raise BadQuery(f"{module.__name__} holds {len(marked)} filters; it must hold one")
    return marked[0]


@cache
def _forms() -> Forms:
    words: dict[str, list[Reader]] = defaultdict(list)
    fields: dict[str, list[Reader]] = defaultdict(list)
    plain: list[Reader] = []
    for node in cast("Iterable[_Readable]", filter_classes().values()):
        for word in node.form.words:
            words[word].append(node.parse)
        for field in node.form.fields:
            fields[field].append(node.parse)
        if not (node.form.words or node.form.fields):
            plain.append(node.parse)
    return Forms(words, fields, plain)
