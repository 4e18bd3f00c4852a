"""``unpack_json from _msg fields (a, b)``: the members of a JSON object as fields."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl

from logyard.language.ast import Filter
from logyard.language.parser import Parser
from logyard.language.quoting import quote_if_needed
from logyard.query.filling import REPLACE, Filling, read_condition, read_filling
from logyard.query.listing import read_field
from logyard.query.members import members
from logyard.query.pipe import Pipe, component
from logyard.query.table import text
from logyard.query.wildcards import is_wildcard, names_text, read_wildcard, select

__all__ = ["UnpackJson"]


@component("unpack_json")
@dataclass(frozen=True, slots=True)
class UnpackJson(Pipe):
    """``fields`` are names or beginnings of names; none are all there are."""

    source: str = "_msg"
    fields: tuple[str, ...] = ()
    prefix: str = ""
    condition: Filter | None = None
    filling: Filling = REPLACE

    row_wise = True

    @classmethod
    def parse(cls, parser: Parser) -> "UnpackJson":
        """``[if (filter)] [from field] [fields (...)] [result_prefix p] [keep_original_fields|skip_empty_results]``."""
        found = cls(condition=read_condition(parser))
        if parser.take("from") or not (parser.at_end or parser.at(*_WORDS, "|", ")")):
            found = replace(found, source=read_field(parser))
        if parser.take("fields"):
            found = replace(found, fields=_read_fields(parser))
        if parser.take("result_prefix"):
            found = replace(found, prefix=read_field(parser, "a prefix"))
        return replace(found, filling=read_filling(parser))

    def __str__(self) -> str:
        """``unpack_json from a fields (b) result_prefix c``."""
        chosen = f" if ({self.condition})" if self.condition is not None else ""
        source = f" from {quote_if_needed(self.source)}" if self.source != "_msg" else ""
        fields = f" fields ({names_text(self.fields)})" if self.fields else ""
        prefix = f" result_prefix {quote_if_needed(self.prefix)}" if self.prefix else ""
        return f"unpack_json{chosen}{source}{fields}{prefix}{self.filling}"

    def needs(self) -> tuple[str, ...]:
        """The text, and the fields that it is known to fill: others keep what they had if somebody needs that."""
        plain = (self.prefix + name for name in self.fields if not is_wildcard(name))
        return (self.source, *plain, *self.filter_fields())

    def table(self, table: pl.DataFrame) -> pl.DataFrame:
        """In Python, once for each different text; rows without a member keep what they had."""
        texts = text(table, self.source)
        found = {each: self._picked(members(each)) for each in texts.unique()}
        names = dict.fromkeys(name for each in found.values() for name in each)
        values = {}
        for name in names:
            old = text(table, self.prefix + name)
            new = [found[each].get(name, was) for each, was in zip(texts, old, strict=True)]
            values[self.prefix + name] = pl.Series(new, dtype=pl.String)
        return self.filling.fill(table, values, self.condition)

    def filters(self) -> tuple[Filter, ...]:
        """The one behind ``if``."""
        return () if self.condition is None else (self.condition,)

    def with_filters(self, filters: tuple[Filter, ...]) -> "UnpackJson":
        """Another one behind ``if``."""
        return replace(self, condition=filters[0]) if filters else self

    def _picked(self, found: Mapping[str, str]) -> Mapping[str, str]:
        """Names that were asked for are there, empty where the object has none."""
        if not self.fields:
            return found
        plain = {name: found.get(name, "") for name in self.fields if not is_wildcard(name)}
        return plain | {name: found[name] for name in select(filter(is_wildcard, self.fields), found)}


_WORDS = ("fields", "result_prefix", "keep_original_fields", "skip_empty_results")


def _read_fields(parser: Parser) -> tuple[str, ...]:
    parser.expect("(")
    names: list[str] = []
    while not parser.take(")"):
        names.append(read_wildcard(parser))
        if not parser.take(","):
            parser.expect(")")
            break
    return () if "*" in names else tuple(names)
