"""``{service="api",host=~"web.+" or app!=x}``, ``_stream:{...}``: the record's stream has these labels."""

import re
from dataclasses import dataclass
from typing import Final

import polars as pl

from logyard.errors import BadQuery
from logyard.language.ast import Filter, component
from logyard.language.lexer import tokenize
from logyard.language.parser import Parser
from logyard.language.patterns import check_pattern, contains, rust_pattern
from logyard.language.quoting import quote, quote_if_needed
from logyard.language.view import View
from logyard.language.words import escape

__all__ = ["Label", "Stream", "labels"]

_STREAM: Final = "_stream"
_BREAKS: Final = frozenset({"=", "!=", "=~", "!~", ",", "(", ")", "{", "}", '"', "'", "`"})
_LABEL: Final = re.compile(r'("(?:[^"\\]|\\.)*"|[^=,{}"\s]+)=("(?:[^"\\]|\\.)*")')
_LISTS: Final = {"in": "=~", "not_in": "!~"}


@dataclass(frozen=True, slots=True)
class Label:
    """``name operator value``; the operator is one of ``= != =~ !~``, and a missing label is ""."""

    name: str
    operator: str
    value: str

    def __str__(self) -> str:
        """``name="value"``."""
        return f"{quote_if_needed(self.name)}{self.operator}{quote(self.value)}"

    def matches(self, stream: dict[str, str]) -> bool:
        """Whether a stream's labels fit. A regular expression must fit the whole value."""
        value = stream.get(self.name, "")
        if self.operator in {"=", "!="}:
            return (value == self.value) == (self.operator == "=")
        found = contains(pl.Series([value]), f"(?s)^(?:{rust_pattern(self.value)})$")
        return found.any() == (self.operator == "=~")


@component("stream", words=("{",), fields=(_STREAM,))
@dataclass(frozen=True, slots=True)
class Stream(Filter):
    """Alternatives, of which one must fit with all its labels; without any, every stream fits."""

    alternatives: tuple[tuple[Label, ...], ...]

    @classmethod
    def parse(cls, parser: Parser, field: str) -> "Stream | None":
        """``{...}``."""
        opened = parser.previous is not None and parser.previous.keyword == "{"
        if field not in {"", _STREAM}:
            raise parser.fail("a stream selector {...} stands alone or behind _stream:")
        if not opened:
            parser.expect("{")
        alternatives: list[tuple[Label, ...]] = []
        while not parser.take("}"):
            alternatives.append(_alternative(parser))
            if parser.take("or"):
                if parser.at("}"):
                    raise parser.fail("missing labels")
            elif not parser.at("}"):
                raise parser.fail("missing ',', 'or' or '}' between labels")
        return cls(tuple(alternatives))

    def __str__(self) -> str:
        """``{a="b",c="d" or e="f"}``."""
        return "{" + " or ".join(",".join(map(str, each)) for each in self.alternatives) + "}"

    def fields(self) -> frozenset[str]:
        """The stream."""
        return frozenset({_STREAM})

    def match(self, view: View) -> pl.Series:
        """In Python, once for each different stream."""
        return view.per_value(_STREAM, self.fits)

    def fits(self, stream: str) -> bool:
        """Whether the stream of this text, ``{a="b"}``, is selected."""
        if not self.alternatives:
            return True
        found = labels(stream)
        return any(all(label.matches(found) for label in each) for each in self.alternatives)


def labels(stream: str) -> dict[str, str]:
    """The labels of a stream's text, ``{a="b",c="d"}``."""
    return {_unquoted(name): _unquoted(value) for name, value in _LABEL.findall(stream)}


def _unquoted(text: str) -> str:
    return tokenize(text)[0].text if text.startswith('"') else text


def _alternative(parser: Parser) -> tuple[Label, ...]:
    found = [_label(parser)]
    while parser.take(","):
        if parser.at("}"):
            break
        found.append(_label(parser))
    return tuple(found)


def _label(parser: Parser) -> Label:
    name = parser.compound(_BREAKS, "a label's name")
    if parser.at(*_LISTS):
        operator = _LISTS[parser.advance().keyword]
        values = parser.values()
        return Label(name, operator, ".*" if values is None else "|".join(map(escape, values)))
    operator = parser.expect("=", "!=", "=~", "!~").text
    at = parser.token
    value = parser.compound(_BREAKS, "a label's value")
    if "~" in operator:
        try:
            check_pattern(value)
        except BadQuery as problem:
            raise parser.fail(problem.reason, at=at) from problem
    return Label(name, operator, value)
