"""Automatic joining: by the heads of records where a source has them, else by the habits of all languages.

A head is what a log line begins with: a time, a priority, a brace, a mark that only heads have. In a source whose first
lines have heads, a line without one belongs to the record before: messages with line breaks, SQL, dumps. In a source
without heads only what looks like a part of a stack trace, or is indented, belongs to the line before.
"""

from functools import reduce
from operator import or_
from typing import Final

import polars as pl

from logyard.formats.multiline.rules import LANGUAGES, continues

__all__ = ["HEAD", "AutoJoin"]

_DATE: Final = (
    r"(?:[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}|[0-9]{1,2}[-/. ][A-Z][a-z]{2}[-/. ](?:[0-9]{4}[ :])?|"
    r"[0-9]{1,2}[/.-][0-9]{1,2}[/.-][0-9]{2,4}|[0-9]{6} |[0-9]{8}[ T-])[T :,_]{0,2}[0-9]{0,2}:?[0-9]{0,2}"
)
_NAMED: Final = (
    r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? )?"
    r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*[ -]{1,2}[0-9]{1,2}[ ,]"
)

HEAD: Final = (
    rf"^(?:\[?[0-9]+\]?:?[A-Z]? |[DIWEFAUN],? )?[\[(<\"]?(?:{_DATE}|{_NAMED})|"
    r"^<[0-9]{1,3}>|^\{\"|^\[[0-9]{10}\]|^[0-9]{10}\.[0-9]{3,6}\s|^[IWEFD][0-9]{4}(?:[0-9]{4})? [0-9]{2}:|"
    r"^type=[A-Z_]+ msg=audit\(|^# User@Host: |^(?:CEF|LEEF):[0-9]|"
    r"^[^ ]+ [^ ]+ [^ ]+ \[[0-9]{1,2}/[A-Z][a-z]{2}/[0-9]{4}:|"
    r"^(?:TRACE|DEBUG|INFO|WARN(?:ING)?|ERROR|FATAL|CRITICAL)[ :|\[]|"
    r"^\[(?:TRACE|DEBUG|INFO|WARN(?:ING)?|ERROR|FATAL|CRITICAL) *\]|"
    r"^(?:debug|notice|information|warning|critical)/[A-Z]"
)
"""How a record begins in nearly every log."""

_INDENTED: Final = r"^[ \t]+\S"
_SAMPLE: Final = 200
_ENOUGH: Final = 0.5


class AutoJoin:
    """Decides for one source, and again when it was wrong."""

    def __init__(self, *, headed: bool | None = None) -> None:
        """``headed``: what was decided before; None for a new source."""
        self.headed = headed

    def __call__(self, lines: pl.Series) -> pl.Series:
        """Whether a record begins at each line, of which the first does."""
        heads = lines.str.contains(HEAD)
        if self.headed is None and lines.len():
            self.headed = self._decided(lines.head(_SAMPLE), heads.head(_SAMPLE))
        if self.headed:
            begins = heads
        else:
            joined = reduce(or_, (continues(lines, habit) for habit in LANGUAGES.values()))
            begins = ~(joined | lines.str.contains(_INDENTED)) | heads
        return begins.scatter(0, values=True) if begins.len() else begins

    def doubt(self) -> None:
        """A record grew beyond its limits: this source has no heads after all."""
        self.headed = False

    @staticmethod
    def _decided(lines: pl.Series, heads: pl.Series) -> bool:
        if heads[0]:
            return True
        plain = ~lines.str.contains(r"^\s")
        return bool(plain.any()) and float((heads & plain).sum()) / float(plain.sum()) >= _ENOUGH
