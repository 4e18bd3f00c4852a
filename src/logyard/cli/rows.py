"""Rows for people and for programs: text, JSON, NDJSON, CSV and logfmt.

A row is one flat object, as ``/api/v1/query`` gives it: ``id``, ``timestamp``, ``level``, ``service``,
``message`` and the attributes under dotted names; after a pipe such as ``stats``, whatever the pipe made.
"""

import csv
import io
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, tzinfo
from typing import Final

import msgspec

from logyard.cli.options import Output
from logyard.cli.terminal import BOLD, DIM, LEVEL_STYLES, json_without_controls, paint, without_controls
from logyard.cli.times import moment
from logyard.types import Json

__all__ = ["TAIL_COLUMNS", "Printer", "Row", "Style", "printer"]

Row = Mapping[str, Json]

TAIL_COLUMNS: Final = ("timestamp", "level", "service", "message")
"""Columns of CSV where the rows to come are not known and nobody named any."""

_HEADLINE: Final = ("timestamp", "level", "service", "message")
# Said already by what is printed, or of no use to a reader; --fields still prints them.
_UNSAID: Final = frozenset({*_HEADLINE, "id", "observed", "severity", "stream", "_stream", "_stream_id", "tenant"})
_PLAIN: Final = re.compile(r"[^\s\"=\x00-\x1f\x7f]+")
_LEVEL_WIDTH: Final = 8


class Style(msgspec.Struct, frozen=True, kw_only=True):
    """How to print."""

    output: Output = Output.TEXT
    fields: tuple[str, ...] = ()
    """Only these, in this order; empty: all there are."""
    zone: tzinfo = UTC
    """Zone of printed times."""
    colored: bool = False
    guarded: bool = False
    """The reader is a terminal: control characters are written out."""
    whole_times: bool = False


class Printer(ABC):
    """Rows into text. ``begin`` once, ``rows`` as often as there are some, ``end`` once."""

    def __init__(self, style: Style) -> None:
        self.style = style

    def begin(self) -> str:
        """What comes before the first row."""
        return ""

    @abstractmethod
    def rows(self, rows: Iterable[Row]) -> str:
        """These rows, each with its line feed."""

    def end(self) -> str:
        """What comes after the last row."""
        return ""

    def chosen(self, row: Row) -> Row:
        """The row with the fields that were asked for."""
        if not self.style.fields:
            return row
        return {name: row[name] for name in self.style.fields if name in row}


class _Text(Printer):
    """``2026-01-31 14:03:11.123 INFO     checkout  order placed  order=17 total=9.5``."""

    def rows(self, rows: Iterable[Row]) -> str:
        return "".join(map(self._line, rows))

    def _line(self, row: Row) -> str:
        row = self.chosen(row)
        named = bool(self.style.fields)
        rest = [self._pair(name, value) for name, value in row.items() if name not in (_HEADLINE if named else _UNSAID)]
        head = [
            self._time(row),
            self._level(row),
            self._styled(row, "service", BOLD),
            self._styled(row, "message", ""),
        ]
        text = "  ".join(part for part in [*head[2:], " ".join(rest)] if part)
        return " ".join(part for part in [*head[:2], text] if part) + "\n"

    def _time(self, row: Row) -> str:
        time = row.get("timestamp")
        if not isinstance(time, str):
            return "" if time is None else self._pair("timestamp", time)
        shown = moment(time, self.style.zone, whole=self.style.whole_times)
        return self._paint(self._safe(shown), DIM)

    def _level(self, row: Row) -> str:
        if "level" not in row:
            # Rows of logs stay aligned; rows of statistics have no level to align.
            return " " * _LEVEL_WIDTH if "message" in row and not self.style.fields else ""
        level = _text(row["level"])
        return self._paint(self._safe(level), LEVEL_STYLES.get(level, "")) + " " * (_LEVEL_WIDTH - len(level))

    def _styled(self, row: Row, name: str, style: str) -> str:
        return self._paint(self._safe(_text(row.get(name))), style)

    def _pair(self, name: str, value: Json) -> str:
        return self._paint(f"{self._safe(name)}=", DIM) + self._safe(_quoted(_text(value)))

    def _safe(self, text: str) -> str:
        # A line feed in a message must not look like the start of another record.
        text = text.rstrip("\n").replace("\n", "\n    ")
        return without_controls(text) if self.style.guarded else text

    def _paint(self, text: str, style: str) -> str:
        return paint(text, style) if self.style.colored else text


class _Ndjson(Printer):
    """One JSON object a line."""

    def rows(self, rows: Iterable[Row]) -> str:
        return "".join(f"{self._object(row)}\n" for row in rows)

    def _object(self, row: Row) -> str:
        text = msgspec.json.encode(self.chosen(row)).decode()
        return json_without_controls(text) if self.style.guarded else text


class _Json(_Ndjson):
    """One JSON array of objects."""

    def __init__(self, style: Style) -> None:
        super().__init__(style)
        self._before = "[\n  "

    def rows(self, rows: Iterable[Row]) -> str:
        out = []
        for row in rows:
            out += [self._before, self._object(row)]
            self._before = ",\n  "
        return "".join(out)

    def end(self) -> str:
        return "[]\n" if self._before.startswith("[") else "\n]\n"


class _Csv(Printer):
    """RFC 4180 with a header; lists and objects are JSON."""

    def begin(self) -> str:
        return self._record(self.style.fields)

    def rows(self, rows: Iterable[Row]) -> str:
        return "".join(self._record([_text(row.get(name)) for name in self.style.fields]) for row in rows)

    def _record(self, cells: Sequence[str]) -> str:
        out = io.StringIO()
        csv.writer(out).writerow(cells)
        return without_controls(out.getvalue().replace("\r\n", "\n")) if self.style.guarded else out.getvalue()


class _Logfmt(Printer):
    """``key=value`` pairs, quoted where they must be."""

    def rows(self, rows: Iterable[Row]) -> str:
        return "".join(f"{self._line(row)}\n" for row in rows)

    def _line(self, row: Row) -> str:
        pairs = (f"{_key(name)}={_quoted(_text(value))}" for name, value in self.chosen(row).items())
        line = " ".join(pairs)
        return without_controls(line) if self.style.guarded else line


_PRINTERS: Final[Mapping[Output, type[Printer]]] = {
    Output.TEXT: _Text,
    Output.JSON: _Json,
    Output.NDJSON: _Ndjson,
    Output.CSV: _Csv,
    Output.LOGFMT: _Logfmt,
}


def printer(style: Style) -> Printer:
    """The printer for a style. CSV needs ``style.fields``: its header comes before the first row."""
    return _PRINTERS[style.output](style)


def _text(value: Json) -> str:
    """A value as a cell: strings as they are, everything else as JSON; nothing for null."""
    if isinstance(value, str):
        return value
    return "" if value is None else msgspec.json.encode(value).decode()


def _quoted(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else msgspec.json.encode(text).decode()


def _key(name: str) -> str:
    """Keys of logfmt cannot be quoted: what would end one becomes ``_``."""
    return re.sub(r"[\s\"=\x00-\x1f\x7f]", "_", name) or "_"
