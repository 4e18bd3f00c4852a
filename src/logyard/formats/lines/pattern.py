"""A format that is data: a file ``formats/patterns/<name>.toml`` with grok expressions, and nothing else.

    summary = "one line"
    rank = 50                     # of the formats that fit a line, the one with the highest is taken
    regex = ['''...''', ...]      # grok expressions (lines/grok.py), tried in order; from ^ to $ where possible
    envelope = false              # true: what is left as message is looked at once more, as a line of its own
    nothing = ["", "-"]          # texts that mean "no value"
    zone = ""                     # of times without one, where the format says so itself
    date_order = ""               # of dates in numbers, likewise
    [types]                       # kind of a field (lines/fields.py), default text
    [level]                       # default = "info"; words = { W = "warn" }: own words, to known ones
    [pairs]                       # of a field: regex = '''(?P<key>..)=(?P<bare>..)'''; rename = {}; types = {}
    [[samples]]                   # line, and what must come out: timestamp, level, severity, message, fields ...

The fields ``timestamp``, ``level``, ``message``, ``service``, ``host``, ``trace_id``, ``span_id`` and
``correlation_id`` fill the columns of those names; the others become attributes. ``pri`` (kind ``pri``) is syslog's
priority: without a field ``level`` its severity is the level. Without a field ``message`` the message is the line.
"""

import tomllib
from importlib.resources import files
from typing import Final

import msgspec
import polars as pl

from logyard.errors import BadConfig
from logyard.formats.lines.assemble import PLACES, Words, assembled
from logyard.formats.lines.fields import KINDS, NOTHING, fragments, object_of, severity_words
from logyard.formats.lines.grok import Grok, compile_grok
from logyard.formats.lines.pairs import MARKED, PAIR, found_pairs, marked, pair_objects, renamed
from logyard.model import severity
from logyard.model.civil.customs import Customs
from logyard.ports import Decoded

__all__ = ["Pattern", "PatternFile", "Sample", "load_pattern", "pattern_names"]

_HOME: Final = "logyard.formats.patterns"
_COLUMNS: Final = frozenset({"timestamp", "level", "message", *PLACES})


class Sample(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line of the format and what must come out of it; the tests run all."""

    line: str
    timestamp: str = ""
    level: str = ""
    severity: int = 0
    message: str | None = None
    service: str = "unknown"
    host: str = ""
    fields: dict[str, object] = {}


class LevelWords(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Section ``level``."""

    default: str = ""
    words: dict[str, str] = {}


class PairFields(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Section ``pairs``: a field that holds pairs, which become fields."""

    field: str
    regex: str = PAIR
    rename: dict[str, str] = {}
    types: dict[str, str] = {}
    spaced: bool = False
    """A value ends where the next key begins, not at a blank (CEF)."""


class PatternFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file, as it stands."""

    summary: str
    rank: int
    regex: tuple[str, ...]
    envelope: bool = False
    nothing: tuple[str, ...] = NOTHING
    zone: str = ""
    date_order: str = ""
    types: dict[str, str] = {}
    level: LevelWords = LevelWords()
    pairs: PairFields | None = None
    samples: tuple[Sample, ...] = ()


class Pattern:
    """A compiled pattern file. Pure; any thread."""

    def __init__(self, name: str, file: PatternFile) -> None:
        """Raises ``BadConfig`` for an expression, a kind or a level that there is not."""
        self.name = name
        self.summary = file.summary
        self.rank = file.rank
        self.envelope = file.envelope
        self.samples = file.samples
        self._file = file
        self._groks = [compile_grok(f"(?s){regex}", path=f"{name}.regex") for regex in file.regex]
        self._words = _words(file.level, name)
        unknown = {*file.types.values(), *(file.pairs.types.values() if file.pairs else ())} - set(KINDS)
        if unknown:
            raise BadConfig(f"there is no kind {min(unknown)!r}; there are: {', '.join(KINDS)}", path=f"{name}.types")

    def fits(self, lines: pl.Series) -> pl.Series:
        """Which lines are of this format."""
        return pl.select(pl.any_horizontal(*(lines.str.contains(grok.regex) for grok in self._groks))).to_series()

    def decode(self, lines: pl.Series, customs: Customs) -> Decoded:
        """The records of the lines that fit."""
        customs = self._customs(customs)
        pending = pl.Series([True], dtype=pl.Boolean).new_from_index(0, lines.len())
        rows: list[pl.Series] = []
        frames: list[pl.DataFrame] = []
        for grok in self._groks:
            fits = lines.str.contains(grok.regex) & pending
            if not fits.any():
                continue
            frames.append(self._frame(grok, lines if fits.all() else lines.filter(fits), customs))
            if fits.all():
                return self._decoded(frames[0], fits)
            rows.append(fits.arg_true())
            pending &= ~fits
        if not frames:
            return Decoded(frame=self._frame(self._groks[0], lines.clear(), customs), fits=~pending)
        order = pl.concat(rows).arg_sort()
        return self._decoded(pl.concat(frames)[order], ~pending)

    def _decoded(self, frame: pl.DataFrame, fits: pl.Series) -> Decoded:
        wrapped = pl.Series([True]).new_from_index(0, frame.height) if self.envelope else None
        return Decoded(frame=frame, fits=fits, wrapped=wrapped)

    def _customs(self, customs: Customs) -> Customs:
        changes: dict[str, str] = {}
        if self._file.zone and not customs.zone:
            changes["zone"] = self._file.zone
        if self._file.date_order:
            changes["date_order"] = self._file.date_order
        return msgspec.structs.replace(customs, **changes) if changes else customs

    def _frame(self, grok: Grok, lines: pl.Series, customs: Customs) -> pl.DataFrame:
        found = grok.extract(lines)
        texts = {name: self._present(found[name]) for name in _COLUMNS if name in found.columns}
        texts["message"] = found["message"].fill_null("") if "message" in found.columns else lines
        if self._file.types.get("message") == "doubled":
            texts["message"] = texts["message"].str.replace_all('""', '"', literal=True)
        if "pri" in found.columns and "level" not in found.columns:
            texts["level"] = severity_words(found["pri"])
        columns: list[pl.Series] = []
        paired = self._file.pairs
        for name in found.columns:
            if name in _COLUMNS or (paired and name == paired.field):
                continue
            kind = self._file.types.get(name, grok.kinds.get(name, "text"))
            columns += fragments(name, found[name], kind, nothing=self._file.nothing)
        if paired and paired.field in found.columns:
            columns += _paired(found[paired.field], paired)
        return assembled(texts, object_of(columns, lines.len()), customs, words=self._words)

    def _present(self, texts: pl.Series) -> pl.Series:
        return texts.set(texts.is_in(self._file.nothing), None)


def _paired(texts: pl.Series, paired: PairFields) -> list[pl.Series]:
    found = found_pairs(marked(texts), MARKED) if paired.spaced else found_pairs(texts, paired.regex)
    table = renamed(found, paired.rename)
    columns: list[pl.Series] = []
    for key, kind in paired.types.items():
        own = table.filter(pl.col("key") == key)
        column = pl.Series([None], dtype=pl.String).new_from_index(0, texts.len()).scatter(own["row"], own["value"])
        columns += fragments(key, column, kind)
    rest = table.filter(~pl.col("key").is_in(list(paired.types)))
    return [*columns, pair_objects(rest, texts.len())]


def _words(level: LevelWords, name: str) -> Words:
    numbers: dict[str, int] = {}
    for word, meaning in level.words.items():
        known = severity.parse(meaning)
        if known is severity.NO_LEVEL:
            raise BadConfig(f"{meaning!r} is no level", path=f"{name}.level.words")
        numbers[word.lower()] = known.severity
    return Words(severity=numbers, default=level.default)


def pattern_names() -> list[str]:
    """The formats that are files, sorted."""
    found = (entry.name for entry in files(_HOME).iterdir())
    return sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml"))


def load_pattern(name: str) -> Pattern:
    """Raises ``BadConfig`` for a file that cannot be used."""
    text = files(_HOME).joinpath(f"{name}.toml").read_text("utf-8")
    try:
        return Pattern(name, msgspec.convert(tomllib.loads(text), PatternFile))
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise BadConfig(str(error), path=f"formats/patterns/{name}.toml") from error
