"""``facets 10``: the most frequent values of every field that has few different ones."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import polars as pl

from logyard.language.parser import Parser
from logyard.query.counting import read_count
from logyard.query.discovery import SKIPPED, total_sql, values_source
from logyard.query.pipe import Pipe, component
from logyard.query.stage import Cell, Stage
from logyard.query.table import HITS, distinct

__all__ = ["Facets"]

_COLUMNS = ("field_name", "field_value", "hits")


@component("facets")
@dataclass(frozen=True, slots=True)
class Facets(Pipe):
    """Left out are fields with more different values than ``max_values``, with a value of more bytes than
    ``max_length``, with nothing but different values, and, unless ``keep_const``, with one value for all rows.
    """

    limit: int = 10
    max_values: int = 1000
    max_length: int = 128
    keep_const: bool = False

    @classmethod
    def parse(cls, parser: Parser) -> "Facets":
        """All parts may be left out."""
        found = cls()
        if parser.token.text[:1].isdecimal():
            found = replace(found, limit=read_count(parser, "facets"))
        while parser.at("max_values_per_field", "max_value_len", "keep_const_fields"):
            word = parser.advance().keyword
            if word == "keep_const_fields":
                found = replace(found, keep_const=True)
            elif word == "max_values_per_field":
                found = replace(found, max_values=read_count(parser, word))
            else:
                found = replace(found, max_length=read_count(parser, word))
        return found

    def __str__(self) -> str:
        """``facets 10 max_values_per_field 1000``."""
        parts = [f"facets {self.limit}"]
        parts.append(f"max_values_per_field {self.max_values}" if self.max_values != Facets().max_values else "")
        parts.append(f"max_value_len {self.max_length}" if self.max_length != Facets().max_length else "")
        parts.append("keep_const_fields" if self.keep_const else "")
        return " ".join(filter(None, parts))

    def sql(self, stage: Stage) -> Stage | None:
        """While the fields are those of stored records."""
        return self.over(stage, most=None)

    def over(self, stage: Stage, *, most: int | None) -> Stage | None:
        """Of at most so many rows."""
        source = values_source(stage, most=most)
        if source is None:
            return None
        capped = stage if most is None or stage.limit is not None else replace(stage, limit=most)
        return self.among(source, total_sql(capped))

    def among(self, source: str, total: str) -> Stage:
        """Of a sub-select of ``name``, ``value`` and ``hits`` (see ``query/discovery.py``) over ``total`` rows."""
        over = "OVER (PARTITION BY name)"
        counted = (
            f"(SELECT *, count() {over} AS different, max(length(value)) {over} AS longest, max(hits) {over} AS most, "
            f"row_number() OVER (PARTITION BY name ORDER BY hits DESC, value) AS place FROM {source})"
        )
        where = [f"different <= {self.max_values}", f"longest <= {self.max_length}", f"place <= {self.limit}"]
        if not self.keep_const:
            where.append(f"NOT (different = 1 AND most = {total})")
        above = Stage(counted, None, where=tuple(where), order=("name", "place"), depth=1)
        cells = (Cell("name"), Cell("value"), Cell("toString(hits)", numeric=True))
        return above.closed(dict(zip(_COLUMNS, cells, strict=True)))

    def table(self, table: pl.DataFrame) -> pl.DataFrame:
        """Field by field."""
        rows = [row for name in sorted(table.columns) if name and name not in SKIPPED for row in self._of(table, name)]
        return pl.DataFrame(rows, schema=dict.fromkeys(_COLUMNS, pl.String), orient="row")

    def _of(self, table: pl.DataFrame, name: str) -> Iterator[tuple[str, str, str]]:
        counted = distinct(table.filter(pl.col(name) != ""), [name])
        if not 0 < counted.height <= self.max_values or max(counted[name].str.len_bytes()) > self.max_length:
            return
        if not self.keep_const and counted[HITS][0] == str(table.height):
            return
        ordered = counted.sort([pl.col(HITS).cast(pl.Int64), name], descending=[True, False]).head(self.limit)
        for value, hits in ordered.rows():
            yield name, value, hits
