"""Give records a level."""

import msgspec
import polars as pl

from logyard.errors import BadConfig
from logyard.language.condition import first_of, read_filter
from logyard.model import severity
from logyard.pipeline.fields import check_settable, text, with_text
from logyard.registry import component

__all__ = ["Level", "LevelConfig", "LevelRule"]


class LevelRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``where``: LogsQL filter. ``level``: what the records that match get."""

    level: str
    where: str = "*"


class LevelConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``field``: field whose value is the level, in any spelling. ``rules``: a table of ``where``, a LogsQL filter, and
    ``level`` for each case; of those that match a record the first counts. ``words``: level to words that mean it where
    they are in the message; the first level in the order written counts. Case does not matter, a ``*`` at a word's end
    stands for any ending. ``within``: field in which the words are sought.

    ``default``: level of records that have none after that. ``overwrite``: whether a level that a record has gives way
    to what is found. ``former``: attribute that gets the level that gave way.
    """

    field: str = ""
    rules: tuple[LevelRule, ...] = ()
    words: dict[str, tuple[str, ...]] = {}
    within: str = "message"
    default: str = ""
    overwrite: bool = True
    former: str = ""


_EXAMPLE = """\
default = "INFO"

[words]
ERROR = ["error*", "exception*", "failed", "failure*"]
WARNING = ["warn*", "deprecated"]
"""


@component("level", config=LevelConfig, example=_EXAMPLE)
class Level:
    """Take the level from a field or from words in the message."""

    def __init__(self, config: LevelConfig) -> None:
        """Raises ``BadConfig`` for what is no level."""
        named = [*config.words, *(rule.level for rule in config.rules), *filter(None, [config.default])]
        for name in named:
            if not severity.parse(name).name:
                raise BadConfig(f"{name!r} is no level; there are: {', '.join(severity.LEVELS)}", path="words")
        if not (config.field or named):
            raise BadConfig("say a field, rules, words or a default", path="field")
        if config.former:
            check_settable([config.former], "former")
        self._config = config
        self._first = first_of([read_filter(rule.where) for rule in config.rules]) if config.rules else None
        self._levels = {number: severity.parse(rule.level).name for number, rule in enumerate(config.rules)}
        self._words = [(severity.parse(name).name, _pattern(words)) for name, words in config.words.items() if words]

    def __call__(self, frame: pl.DataFrame) -> pl.DataFrame:
        """All records."""
        before = frame["level"]
        found = self._found(frame)
        if not self._config.overwrite:
            found = found.set(before != "", None)
        if self._config.default:
            found = found.set(found.is_null() & (before == ""), self._config.default)
        if self._config.former:
            changed = found.is_not_null() & (before != "") & (found != before)
            frame = with_text(frame, self._config.former, before.set(~changed.fill_null(value=False), None))
        return with_text(frame, "level", found)

    def _found(self, frame: pl.DataFrame) -> pl.Series:
        """Levels, null where nothing says one."""
        found = pl.Series([None], dtype=pl.String).new_from_index(0, frame.height)
        if self._config.field:
            given = text(frame, self._config.field)
            known = severity.canonical(given)["level"] != ""
            found = given.set(~known, None)
        if self._first is not None:
            ruled = self._first(frame).replace_strict(self._levels, default=None, return_dtype=pl.String)
            found = found.zip_with(found.is_not_null(), ruled)
        if not self._words:
            return found
        texts = text(frame, self._config.within)
        for name, pattern in self._words:
            found = found.set(found.is_null() & texts.str.contains(pattern), name)
        return found


def _pattern(words: tuple[str, ...]) -> str:
    bodies = [pl.escape_regex(word.removesuffix("*")) + ("" if word.endswith("*") else r"\b") for word in words]
    return rf"(?i)\b(?:{'|'.join(bodies)})"
