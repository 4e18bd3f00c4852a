"""Query text into a ``Query``: options, a filter, and pipes.

Behind a pipe sign stands the word of a pipe (the files of ``pipes/`` say which), a function of ``stats`` or
``by`` (then it is ``stats`` without its word), or else a filter.
"""

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from types import ModuleType
from typing import Final, Protocol, cast

from logyard.errors import BadQuery
from logyard.language.ast import All, Filter
from logyard.language.entry import open_query
from logyard.language.parser import Parser
from logyard.query import pipes
from logyard.query.calls import function_classes
from logyard.query.pipe import Pipe
from logyard.query.pipes.fields import Fields
from logyard.query.pipes.filter import FilterPipe
from logyard.query.pipes.stats import Stats
from logyard.query.pipes.uniq import Uniq

__all__ = ["Options", "Query", "parse_query", "pipe_classes"]

_MOST_PIPES: Final = 100
_LATER: Final = frozenset(
    {
        "block_stats", "blocks_count", "collapse_nums", "decolorize", "drop_empty_fields", "eval",
        "extract_regexp", "format", "hash", "join", "json_array_len", "len", "math", "pack_json",
        "pack_logfmt", "replace", "replace_regexp", "sample", "stream_context", "union", "unpack_logfmt",
        "unpack_syslog", "unpack_words", "unroll",
    }
)  # fmt: skip
"""Words of pipes that the language has and this program does not; an error says more than a search for the word."""


class _Readable(Protocol):
    @classmethod
    def parse(cls, parser: Parser) -> Pipe: ...


@dataclass(frozen=True, slots=True)
class Options:
    """``options(...)`` in front of a query."""

    concurrency: int = 0
    """Taken and not used: the engine shares its threads out itself."""
    ignore_global_time_filter: bool = False
    """``start`` and ``end`` of the request do not hold for this query."""

    def __str__(self) -> str:
        """``options(a=b) ``, with a space behind; nothing when all are at their defaults."""
        parts = [f"concurrency={self.concurrency}"] if self.concurrency else []
        parts += ["ignore_global_time_filter=true"] if self.ignore_global_time_filter else []
        return f"options({', '.join(parts)}) " if parts else ""


@dataclass(frozen=True, slots=True)
class Query:
    """A query that was read."""

    filter: Filter = All()  # noqa: RUF009 - a frozen value
    pipes: tuple[Pipe, ...] = ()
    options: Options = Options()

    def __str__(self) -> str:
        """Canonical text."""
        return str(self.options) + " | ".join(map(str, (self.filter, *self.pipes)))

    @property
    def field(self) -> str:
        """The one field of its rows, for ``in(query)``; ``BadQuery`` when there are more."""
        last = self.pipes[-1] if self.pipes else None
        if isinstance(last, Fields) and len(last.names) == 1 and not last.names[0].endswith("*"):
            return last.names[0]
        if isinstance(last, Uniq) and len(last.by) == 1 and not last.hits:
            return last.by[0]
        raise BadQuery("a query inside a filter must end in 'fields name' or 'uniq by (name)'")

    @property
    def row_wise(self) -> bool:
        """Whether each row is chosen and changed by itself: such a query can follow a live tail."""
        return all(pipe.row_wise for pipe in self.pipes)


def parse_query(text: str, *, now: int) -> Query:
    """``now``: nanoseconds, what ``_time:5m`` refers to. Raises nothing but ``BadQuery``, whatever the text."""
    parser = open_query(text, now=now, subquery=_subquery)
    query = _query(parser)
    if not parser.at_end:
        raise parser.fail("missing '|' in front of this, or quotes around it")
    return query


@cache
def pipe_classes() -> dict[str, type[Pipe]]:
    """Every pipe, by each of its words."""
    modules = (module.name for module in pkgutil.iter_modules(pipes.__path__))
    found = [_pipe_of(importlib.import_module(f"{pipes.__name__}.{name}")) for name in sorted(modules)]
    return {word: each for each in found if each.form is not None for word in each.form.words}


def _pipe_of(module: ModuleType) -> type[Pipe]:
    own = [each for each in vars(module).values() if isinstance(each, type) and each.__module__ == module.__name__]
    marked = [each for each in own if issubclass(each, Pipe) and each.form is not None]
    if len(marked) != 1:
        raise BadQuery(f"{module.__name__} holds {len(marked)} pipes; it must hold one")
    return marked[0]


def _subquery(parser: Parser) -> Query:
    query = _query(parser)
    _ = query.field
    return query


def _query(parser: Parser) -> Query:
    options = _options(parser)
    return Query(parser.parse_filter(), tuple(_pipes(parser)), options)


def _pipes(parser: Parser) -> Iterator[Pipe]:
    count = 0
    while parser.take("|"):
        count += 1
        if count > _MOST_PIPES:
            raise parser.fail(f"a query may have at most {_MOST_PIPES} pipes")
        yield _pipe(parser)


def _pipe(parser: Parser) -> Pipe:
    word = parser.token.keyword
    found = pipe_classes().get(word)
    if found is not None:
        parser.advance()
        return cast("type[_Readable]", found).parse(parser)
    if word == "by" or (word in function_classes() and _is_call(parser)) or _is_group(parser):
        return Stats.parse(parser)
    if word in _LATER:
        raise parser.fail(f"the pipe {word!r} is not known yet")
    if parser.at_end or parser.at("|", ")"):
        raise parser.fail("missing a pipe behind '|'")
    return FilterPipe.parse(parser)


def _is_call(parser: Parser) -> bool:
    """Whether a parenthesis follows; ``max`` alone is a word to look for."""
    mark = parser.mark()
    parser.advance()
    found = parser.at("(")
    parser.reset(mark)
    return found


def _is_group(parser: Parser) -> bool:
    """Whether ``(a, b)`` and the call of a function follow."""
    if not parser.at("("):
        return False
    mark = parser.mark()
    try:
        while not (parser.at_end or parser.take(")")):
            parser.advance()
        return parser.token.keyword in function_classes() and _is_call(parser)
    finally:
        parser.reset(mark)


def _options(parser: Parser) -> Options:
    mark = parser.mark()
    if not (parser.take("options") and parser.take("(")):
        parser.reset(mark)
        return Options()
    options = Options()
    while not parser.take(")"):
        options = _option(parser, options)
        if not parser.take(","):
            parser.expect(")")
            break
    return options


def _option(parser: Parser, options: Options) -> Options:
    at, name = parser.token, parser.name()
    parser.expect("=")
    value = parser.argument()
    if name == "ignore_global_time_filter" and value in {"true", "false"}:
        return replace(options, ignore_global_time_filter=value == "true")
    if name == "concurrency" and value.isdecimal():
        return replace(options, concurrency=int(value))
    raise parser.fail(f"there is no option {name}={value}", at=at)
