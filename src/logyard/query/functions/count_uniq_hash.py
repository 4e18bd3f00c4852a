"""``count_uniq_hash(a, b) limit 10``: how many different combinations of the fields there are (a synonym of
``count_uniq``).
"""

from dataclasses import dataclass

import polars as pl

from logyard.language.parser import Parser
from logyard.query.counting import read_count
from logyard.query.function import Aggregate, Function, component, read_arguments

__all__ = ["CountUniqHash"]


@component("count_uniq_hash")
@dataclass(frozen=True, slots=True)
class CountUniqHash(Function):
    """Combinations in which all fields are empty do not count. Counted up to ``limit``, 0 for no limit."""

    limit: int = 0

    @classmethod
    def parse(cls, parser: Parser) -> "CountUniqHash":
        """At least one field."""
        fields = read_arguments(parser, at_least=1, wildcards=False)
        return cls(fields, read_count(parser, "limit") if parser.take("limit") else 0)

    def __str__(self) -> str:
        """``count_uniq_hash(a, b) limit 10``."""
        return Function.__str__(self) + (f" limit {self.limit}" if self.limit else "")

    def sql(self, at: Aggregate) -> str | None:
        """Exactly, by hashes of 128 bits where there are several fields."""
        cells = self.cells(at.stage)
        if cells is None:
            return None
        texts = ", ".join(cell.text for cell in cells)
        filled = " OR ".join(f"{cell.text} != ''" for cell in cells)
        value = texts if len(cells) == 1 else f"sipHash128({texts})"
        both = f"({filled}) AND {at.condition}" if at.condition else filled
        count = f"uniqExactIf({value}, {both})"
        return f"toString(least({count}, {self.limit}))" if self.limit else f"toString({count})"

    def fold(self, rows: pl.DataFrame) -> str:
        """In memory."""
        found = pl.DataFrame(self.columns(rows)).unique()
        filled = found.filter(pl.any_horizontal(pl.all() != "")) if found.height else found
        return str(min(filled.height, self.limit) if self.limit else filled.height)
