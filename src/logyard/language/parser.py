"""Tokens into a filter by recursive descent; pipes are read by the station ``query`` with the same parser.

``Parser`` knows the boolean half of the grammar and how to read names, values and arguments; each filter of
``filters/`` reads its own form (``ast.component``). ``language/entry.py`` makes parsers that know them all::

    parser = open_query("error | fields user", now=clock.now())
    filter_ = parser.parse_filter()     # stops at "|", at ")" and at the end
    parser.expect("|")
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from logyard.errors import BadQuery
from logyard.language.ast import MESSAGE, Filter, SubQuery, all_of, any_of, negated
from logyard.language.lexer import Kind, Token, tokenize
from logyard.language.numbers import parse_duration, parse_number

__all__ = ["MAX_DEPTH", "Forms", "Parser", "Reader", "SubQueryReader"]

MAX_DEPTH: Final = 100
"""Filters inside filters; a query from outside must not exhaust the stack."""

MAX_LENGTH: Final = 1_000_000
"""Characters of a query."""

_ENDS: Final = frozenset({"|", ")"})
_BREAKS: Final = frozenset({"*", ",", "(", ")", "[", "]", "|", "{", "}"})
_VALUE_BREAKS: Final = _BREAKS - {"*"}
_ARGUMENT_BREAKS: Final = frozenset({"*", ",", "(", ")", "|"})
_NEGATIONS: Final = {"!=": "=", "!~": "~"}
_BEFORE_PARENTHESIS: Final = frozenset({":", "(", "!", "-", "not", "|"})
_QUOTES: Final = frozenset({'"', "'", "`"})

Reader = Callable[["Parser", str], Filter | None]
"""``parse`` of a filter class: the parser behind the word that led here, the field; None: not mine."""

SubQueryReader = Callable[["Parser"], SubQuery]
"""Reads a query with pipes up to its closing parenthesis, which it leaves; raises ``BadQuery``."""


@dataclass(frozen=True, slots=True)
class Forms:
    """All filters, by what leads to them."""

    words: Mapping[str, Sequence[Reader]]
    fields: Mapping[str, Sequence[Reader]]
    plain: Sequence[Reader]


class Parser:
    """A place in a query. ``token`` is the next one; every method that reads moves past what it read."""

    def __init__(self, query: str, *, now: int, forms: Forms, subquery: SubQueryReader | None = None) -> None:
        """``now``: nanoseconds, for relative times. Without ``subquery``, ``in(a | b)`` is refused."""
        self.query = query
        self.now = now
        self.subquery = subquery
        self._forms = forms
        self._depth = 0
        self._position = 0
        self._tokens = self._checked_tokens()

    def _checked_tokens(self) -> tuple[Token, ...]:
        if len(self.query) > MAX_LENGTH:
            raise BadQuery(f"a query may have at most {MAX_LENGTH} characters")
        try:
            self.query.encode()
        except UnicodeEncodeError as problem:
            raise BadQuery("the query is not valid Unicode", position=problem.start) from problem
        return tokenize(self.query)

    # ------------------------------------------------------------------------------------------ tokens

    @property
    def token(self) -> Token:
        """The next token."""
        return self._tokens[self._position]

    @property
    def previous(self) -> Token | None:
        """The token taken last."""
        return self._tokens[self._position - 1] if self._position else None

    @property
    def at_end(self) -> bool:
        """Nothing is left."""
        return self.token.kind is Kind.END

    def advance(self) -> Token:
        """Take the next token; at the end that is the END token, again and again."""
        token = self.token
        if token.kind is not Kind.END:
            self._position += 1
        return token

    def at(self, *keywords: str) -> bool:
        """Whether the next token is one of these, unquoted, in any case."""
        return self.token.kind is not Kind.END and self.token.keyword in keywords

    def take(self, *keywords: str) -> bool:
        """Take the next token if it is one of these, unquoted, in any case."""
        found = self.at(*keywords)
        if found:
            self._position += 1
        return found

    def expect(self, *keywords: str) -> Token:
        """Take the next token, which must be one of these."""
        if not self.at(*keywords):
            raise self.fail("missing " + " or ".join(map(repr, keywords)))
        return self.advance()

    def mark(self) -> int:
        """This place, for ``reset``."""
        return self._position

    def reset(self, mark: int) -> None:
        """Go back to a place that was marked."""
        self._position = mark

    def fail(self, reason: str, *, at: Token | None = None) -> BadQuery:
        """The error to raise: ``reason``, and what was met where (the next token if not told otherwise)."""
        token = self.token if at is None else at
        met = "the end of the query" if token.kind is Kind.END else token.raw[:60]
        return BadQuery(f"{reason}; got {met}", query=self.query, position=token.start)

    # ------------------------------------------------------------------------------ names and values

    def name(self) -> str:
        """A field's name, quoted or not (``a.b-c``, ``@timestamp``). ``_msg`` is the message: ""."""
        return _field(self.compound(_BREAKS | {":", "="}, "a field name"))

    def word(self) -> str:
        """A value without spaces (``a.b-c``, ``2024-05-01T10:00Z``), or a quoted one. ``*`` is part of it."""
        return self.compound(_VALUE_BREAKS, "a value")

    def argument(self) -> str:
        """An argument of a function, quoted or not; ends at ``,``, ``)`` and ``*``."""
        return self.compound(_ARGUMENT_BREAKS, "an argument")

    def phrase(self, field: str) -> str:
        """A search phrase, quoted or not; where no field is known yet it ends at ``:``."""
        if self.token.kind is Kind.SYMBOL and self.token.text in _QUOTES:
            raise self.fail("a quote is not closed, or holds an unknown escape")
        return self.compound(_BREAKS if field else _BREAKS | {":"}, "a filter")

    def compound(self, breaks: frozenset[str], what: str) -> str:
        """Tokens that touch, up to one of ``breaks``, as one text. Only a lone quoted token is unquoted."""
        first = self.token
        if first.kind is Kind.END or first.keyword in breaks:
            raise self.fail(f"missing {what}")
        self.advance()
        while not (self.at_end or self.token.spaced or self.token.keyword in breaks):
            self.advance()
        last = self._tokens[self._position - 1]
        return first.text if last is first else self.query[first.start : last.end]

    def star(self) -> bool:
        """Take a ``*`` that touches what was read last."""
        return not self.token.spaced and self.take("*")

    def number(self) -> tuple[float, str]:
        """A number in any spelling (``10``, ``1.5e3``, ``10MiB``, ``1h30m``, ``1.2.3.4``) and its text."""
        at = self.token
        text = self.word()
        value = parse_number(text)
        if value is None:
            raise self.fail(f"{text!r} is not a number", at=at)
        return value, text

    def duration(self) -> tuple[int, str]:
        """A duration (``5m``, ``-1.5h30s``) in nanoseconds, and its text."""
        at = self.token
        text = self.word()
        value = parse_duration(text)
        if value is None:
            raise self.fail(f"{text!r} is not a duration such as 5m or 1h30m", at=at)
        return value, text

    def arguments(self) -> tuple[str, ...]:
        """``(a, "b c")``: the values; a comma at the end is allowed."""
        self.expect("(")
        values: list[str] = []
        while not self.take(")"):
            values.append(self.argument())
            if not self.take(","):
                self.expect(")")
                break
        return tuple(values)

    def values(self) -> tuple[str, ...] | None:
        """Like ``arguments``, but ``(*)`` is allowed and gives None: any value."""
        mark = self.mark()
        if self.take("(") and self.take("*") and self.take(")"):
            return None
        self.reset(mark)
        return self.arguments()

    def only_field(self) -> str:
        """``(other)``: the name of one field."""
        self.expect("(")
        name = _field(self.argument())
        self.expect(")")
        return name

    # ------------------------------------------------------------------------------------------ filters

    def parse_filter(self, field: str = MESSAGE) -> Filter:
        """A filter, up to ``|``, ``)`` or the end. ``field`` is that of phrases which name none."""
        if self.at_end or self.at(*_ENDS):
            raise self.fail("missing a filter")
        return self._any(field)

    def _any(self, field: str) -> Filter:
        filters = [self._all(field)]
        while self.take("or"):
            filters.append(self._all(field))
        return any_of(filters)

    def _all(self, field: str) -> Filter:
        filters = [self.one_filter(field)]
        while not (self.at_end or self.at("or", *_ENDS)):
            self.take("and")
            filters.append(self.one_filter(field))
        return all_of(filters)

    def one_filter(self, field: str) -> Filter:
        """One filter without ``and`` and ``or`` around it."""
        if self._depth >= MAX_DEPTH:
            raise self.fail(f"filters are nested more than {MAX_DEPTH} deep")
        self._depth += 1
        try:
            return self._one(field)
        finally:
            self._depth -= 1

    def _one(self, field: str) -> Filter:
        if self.at_end:
            raise self.fail("missing a filter")
        if self.at(":"):
            return self._colon(field)
        if self.at("("):
            return self._parentheses(field)
        if self.take("not", "!", "-"):
            return negated(self.one_filter(field))
        if self.at(*_NEGATIONS):
            return negated(self._formed(field, _NEGATIONS[self.token.text]))
        return self._formed(field, self.token.keyword)

    def _colon(self, field: str) -> Filter:
        """``:foo`` says no more than ``foo``; but ``foo*:bar`` was meant as a field."""
        if self.previous is not None and self.previous.keyword == "*" and not self.token.spaced:
            raise self.fail("a field's name holds no *")
        self.advance()
        return self.one_filter(field)

    def _parentheses(self, field: str) -> Filter:
        previous = self.previous
        if previous is not None and not self.token.spaced and previous.keyword not in _BEFORE_PARENTHESIS:
            raise self.fail(f"{previous.raw[:60]!r} is no filter; quote the word, or put a space behind it")
        self.advance()
        inner = self._any(field)
        self.expect(")")
        return inner

    def _formed(self, field: str, word: str) -> Filter:
        mark = self.mark()
        for reader in self._forms.words.get(word, ()):
            self.advance()
            found = reader(self, field)
            if found is not None:
                return found
            self.reset(mark)
        named = self._named(field)
        if named is not None:
            return named
        for reader in self._forms.plain:
            self.reset(mark)
            found = reader(self, field)
            if found is not None:
                return found
        self.reset(mark)
        raise self.fail("missing a filter")

    def _named(self, field: str) -> Filter | None:
        """``name:filter``, where no name is known yet."""
        if field:
            return None
        if self.at("*"):
            return None
        name = _field(self.phrase(field))
        if not self.take(":"):
            return None
        if self.at_end:
            raise self.fail(f"missing a filter behind {name or '_msg'}:")
        mark = self.mark()
        for reader in self._forms.fields.get(name, ()):
            found = reader(self, name)
            if found is not None:
                return found
            self.reset(mark)
        return self.one_filter(name)

    def values_or_subquery(self) -> tuple[tuple[str, ...], SubQuery | None] | None:
        """``(a, b)`` or ``(query | fields x)``; None for ``(*)``."""
        mark = self.mark()
        try:
            values = self.values()
        except BadQuery as problem:
            if self.subquery is None:
                raise
            failed = problem
        else:
            return None if values is None else (values, None)
        self.reset(mark)
        try:
            return (), self._inner_query(self.subquery)
        except BadQuery as problem:
            # The text with a pipe in it was meant as a query; other text as a list of values.
            raise (problem if "|" in self.query[self._tokens[mark].start :] else failed) from None

    def _inner_query(self, subquery: SubQueryReader) -> SubQuery:
        self.expect("(")
        if self._depth >= MAX_DEPTH:
            raise self.fail(f"queries are nested more than {MAX_DEPTH} deep")
        self._depth += 1
        try:
            inner = subquery(self)
        finally:
            self._depth -= 1
        self.expect(")")
        return inner


def _field(name: str) -> str:
    return MESSAGE if name == "_msg" else name
