"""How filters see records: every field is text, and a missing field is "".

A view stands on rows of flat text (tests, tables that pipes made) or on a canonical frame
(``language/frame.py``).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import polars as pl

from logyard.language import frame as frames
from logyard.language.numbers import numbers
from logyard.model import timestamp
from logyard.model.dialect import Dialect

__all__ = ["View"]

_MESSAGE: Final = "_msg"
_TIME: Final = "_time"

Source = Callable[[str], pl.Series]
"""A field's name to its texts: String, no nulls."""


class View:
    """Records, seen field by field. Columns are made when they are asked for, and kept."""

    def __init__(self, height: int, source: Source, names: Callable[[], tuple[str, ...]]) -> None:
        """Use ``of_rows``, ``of_table`` or ``of_frame``."""
        self.height = height
        self._source = source
        self._names = names
        self._texts: dict[str, pl.Series] = {}
        self._numbers: dict[str, pl.Series] = {}
        self._time: pl.Series | None = None
        self._clock: pl.Series | None = None

    @staticmethod
    def of_rows(rows: Sequence[Mapping[str, str]]) -> "View":
        """Rows as mappings from field to text."""

        def source(field: str) -> pl.Series:
            return pl.Series(field, [row.get(field, "") for row in rows], dtype=pl.String)

        return View(len(rows), source, lambda: tuple(dict.fromkeys(name for row in rows for name in row)))

    @staticmethod
    def of_table(table: pl.DataFrame) -> "View":
        """A table whose columns are fields, all of type String."""

        def source(field: str) -> pl.Series:
            if field not in table.columns:
                return pl.repeat("", table.height, dtype=pl.String, eager=True).alias(field)
            return table[field].fill_null("")

        return View(table.height, source, lambda: tuple(table.columns))

    @staticmethod
    def of_frame(frame: pl.DataFrame, *, dialect: Dialect = Dialect.NATIVE) -> "View":
        """A frame in the canonical columns of ``model/schema.py``, its fields named in ``dialect``."""
        reader = frames.FrameFields(frame, dialect)
        view = View(frame.height, reader.text, reader.names)
        view._clock = frame["timestamp"]
        return view

    def names(self) -> tuple[str, ...]:
        """The fields that some record has, or may have."""
        return self._names()

    def text(self, field: str) -> pl.Series:
        """The values of a field as text, "" where it is missing. The field "" is the message."""
        name = field or _MESSAGE
        if name not in self._texts:
            self._texts[name] = self._source(name)
        return self._texts[name]

    def numbers(self, field: str) -> pl.Series:
        """The numbers that these texts read as (``language/numbers.py``), null where one is none."""
        name = field or _MESSAGE
        if name not in self._numbers:
            self._numbers[name] = numbers(self.text(field))
        return self._numbers[name]

    def time(self) -> pl.Series:
        """When each record happened, nanoseconds as Int64; null where ``_time`` is no time."""
        if self._time is None:
            self._time = (
                self._clock.to_physical() if self._clock is not None else timestamp.parse_series(self.text(_TIME))
            )
        return self._time

    def constant(self, *, value: bool) -> pl.Series:
        """The same answer for every record."""
        return pl.repeat(value, self.height, dtype=pl.Boolean, eager=True)

    def per_value(self, field: str, test: Callable[[str], bool]) -> pl.Series:
        """The answers of ``test``, a Python function, which is called once for each different value."""
        texts = self.text(field)
        answers = {text: test(text) for text in texts.unique()}
        if not answers:
            return self.constant(value=False)
        return texts.replace_strict(list(answers), list(answers.values()), return_dtype=pl.Boolean)
