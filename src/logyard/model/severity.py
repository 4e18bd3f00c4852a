"""Levels: every spelling found in the wild, and what it means here.

Six levels, and under them OpenTelemetry's severity number 1-24, which keeps finer differences apart
(``notice`` is INFO 10, ``alert`` is CRITICAL 22). ``TABLE`` is the whole rule; the store's SQL looks words up
in the same table.

Numbers stand for different things in different houses. For each number the first of these that knows it wins:
bunyan and pino (10 trace ... 60 fatal), syslog (0 emergency ... 7 debug), OpenTelemetry (the rest of 1-24),
loguru (25), Monolog (100 debug ... 600 emergency), Google Cloud (700, 800), log4j and logback (5000 ...
50000). So 5 is syslog's notice and 20 is pino's debug; Python's own ``levelno`` is not among them: its
loggers send the word.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

import polars as pl

__all__ = ["LEVELS", "NO_LEVEL", "STRIPPED", "TABLE", "Level", "canonical", "parse"]


class Level(NamedTuple):
    """A level's name (one of ``LEVELS``, or "") and its OpenTelemetry severity number (1-24, or 0)."""

    name: str
    severity: int


LEVELS: Final[Mapping[str, int]] = {
    "TRACE": 1, "DEBUG": 5, "INFO": 9, "WARNING": 13, "ERROR": 17, "CRITICAL": 21,
}  # fmt: skip
"""The levels, lowest first, each with its severity number. ERROR and above is ``severity >= 17``."""

NO_LEVEL: Final = Level("", 0)
"""What a record without a level has, and one whose word is not in ``TABLE``."""

STRIPPED: Final = " \t\r\n"
"""Characters around a word that do not count."""

_WORDS: Final = {
    1: "trace trc tr t tracing finest silly verbose vrb verb v all trace1",
    2: "trace2",
    3: "trace3 finer",
    4: "trace4 spam",
    5: "debug dbg dbug deb d fine debug1 d1 dev http",
    6: "debug2 d2",
    7: "debug3 d3",
    8: "debug4 debug5 d4 d5 config cfg conf",
    9: "info information informational informative inf ifo i info1 log default normal ok success succ audit",
    10: "notice note not ntc n info2",
    11: "info3",
    12: "info4",
    13: "warning warn wrn wng warnings w warn1 attention caution deprecated",
    14: "warn2",
    15: "warn3",
    16: "warn4",
    17: "error err erro eror errors e error1 severe sev exception fail failed failure",
    18: "error2",
    19: "error3 dpanic",
    20: "error4",
    21: "critical crit crt cri c fatal ftl fat f fatal1 fault panic pnc disaster",
    22: "alert alrt fatal2",
    23: "fatal3",
    24: "emergency emerg emrg emg fatal4",
}

_NUMBERS: Final[tuple[Mapping[int, int], ...]] = (
    {10: 1, 20: 5, 30: 9, 40: 13, 50: 17, 60: 21},
    {0: 24, 1: 22, 2: 21, 3: 17, 4: 13, 5: 10, 6: 9, 7: 5},
    {number: number for number in range(1, 25)},
    {25: 9},
    {100: 5, 200: 9, 250: 10, 300: 13, 400: 17, 500: 21, 550: 22, 600: 24},
    {700: 22, 800: 24},
    {5000: 1, 10000: 5, 20000: 9, 30000: 13, 40000: 17, 50000: 21},
)
"""Severity number for each sender's number; the first mapping that knows the number wins."""


def _level(severity: int) -> Level:
    return Level(list(LEVELS)[(severity - 1) // 4], severity)


def _table() -> dict[str, Level]:
    numbers = {str(number): _level(severity) for scale in reversed(_NUMBERS) for number, severity in scale.items()}
    words = {word: _level(severity) for severity, line in _WORDS.items() for word in line.split()}
    return numbers | words


TABLE: Final[Mapping[str, Level]] = _table()
"""Lower-case word or number as text -> level."""


def parse(text: str) -> Level:
    """The level that a sender's word stands for; ``NO_LEVEL`` for an unknown one. Case and outer blanks do
    not count.
    """
    # Only ASCII has a case here, as in the engine: KELVIN SIGN must not become "k".
    return TABLE.get(text.strip(STRIPPED).lower(), NO_LEVEL) if text.isascii() else NO_LEVEL


def canonical(texts: pl.Series) -> pl.DataFrame:
    """``parse`` for a column of words: columns ``level`` (String) and ``severity`` (UInt8), a row for each
    word.
    """
    words = texts.unique()
    levels = [parse(word) for word in words]
    names = pl.Series([level.name for level in levels], dtype=pl.String)
    numbers = pl.Series([level.severity for level in levels], dtype=pl.UInt8)
    return pl.DataFrame(
        {
            "level": texts.replace_strict(words, names, return_dtype=pl.String),
            "severity": texts.replace_strict(words, numbers, return_dtype=pl.UInt8),
        }
    )
