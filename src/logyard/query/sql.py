"""Filters as conditions of the engine's SQL: one function a node, held equal to ``Filter.match`` by a property test.

Each takes the node and the stage whose rows it chooses from. On the table itself conditions are put in front that its
indexes answer (``tokens.py``, ``items``); they never decide alone.
"""

import math
import re
from collections.abc import Sequence
from functools import singledispatch
from typing import Final

from logyard.language.ast import All, And, Filter, Not, Or
from logyard.language.filters.any_case_phrase import AnyCasePhrase
from logyard.language.filters.any_case_prefix import AnyCasePrefix
from logyard.language.filters.any_value import AnyValue
from logyard.language.filters.comparison import Comparison
from logyard.language.filters.contains_all import ContainsAll
from logyard.language.filters.contains_any import ContainsAny
from logyard.language.filters.day_range import DayRange
from logyard.language.filters.empty_value import EmptyValue
from logyard.language.filters.eq_field import EqField
from logyard.language.filters.exact import Exact
from logyard.language.filters.exact_prefix import ExactPrefix
from logyard.language.filters.in_ import In
from logyard.language.filters.ipv4_range import Ipv4Range
from logyard.language.filters.le_field import LeField
from logyard.language.filters.len_range import LenRange
from logyard.language.filters.lt_field import LtField
from logyard.language.filters.phrase import Phrase
from logyard.language.filters.prefix import Prefix
from logyard.language.filters.range import Range
from logyard.language.filters.regexp import Regexp
from logyard.language.filters.seq import Seq
from logyard.language.filters.stream import Label, Stream
from logyard.language.filters.stream_id import StreamId
from logyard.language.filters.string_range import StringRange
from logyard.language.filters.time import Time
from logyard.language.filters.week_range import WeekRange
from logyard.language.times import DAY, EARLIEST, LATEST
from logyard.language.words import escape, phrase_pattern, prefix_pattern, sequence_pattern
from logyard.query.expressions import ipv4, literal, nanoseconds, number
from logyard.query.stage import Stage
from logyard.query.tokens import any_sieve, is_word, sieve, tokens

__all__ = ["NotInEngine", "condition", "conditions"]

_WEEK: Final = 7
_THURSDAY: Final = 4
"""The day of 1970-01-01; Sunday is 0."""
_FEW: Final = 16
"""Values that are worth asking an index for one by one."""
_AMBIGUOUS: Final = re.compile(r'["\[{]|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$|true$|false$|null$', re.ASCII)
_WHOLE: Final = re.compile(r"\d{1,19}", re.ASCII)
_CONTAINER: Final = ('"', "[", "{")
NEVER: Final = "0"
ALWAYS: Final = "1"


class NotInEngine(Exception):
    """A filter that only the evaluator in memory can answer. Caught where queries are planned, never seen outside."""


def conditions(filter_: Filter, stage: Stage) -> tuple[str, ...]:
    """The filter as conditions that must all hold, each on its own where the engine may order them."""
    if isinstance(filter_, All):
        return ()
    if isinstance(filter_, And):
        return tuple(each for part in filter_.filters for each in conditions(part, stage))
    return (condition(filter_, stage),)


@singledispatch
def condition(filter_: Filter, stage: Stage) -> str:  # noqa: ARG001 - the parameters of every node
    """One condition, in parentheses where it needs them."""
    raise NotInEngine(type(filter_).__name__)


@condition.register
def _all(_filter: All, _stage: Stage) -> str:
    return ALWAYS


# Constants are left out: the engine loses its way to an index over them.


@condition.register
def _and(filter_: And, stage: Stage) -> str:
    parts = [part for each in filter_.filters if (part := condition(each, stage)) != ALWAYS]
    if NEVER in parts:
        return NEVER
    return _joined(parts) if parts else ALWAYS


@condition.register
def _or(filter_: Or, stage: Stage) -> str:
    parts = [part for each in filter_.filters if (part := condition(each, stage)) != NEVER]
    if ALWAYS in parts:
        return ALWAYS
    return f"({' OR '.join(parts)})" if parts else NEVER


@condition.register
def _not(filter_: Not, stage: Stage) -> str:
    inner = condition(filter_.filter, stage)
    return {ALWAYS: NEVER, NEVER: ALWAYS}.get(inner, f"NOT {inner}")


# ---------------------------------------------------------------------------------------- words and texts


@condition.register
def _phrase(filter_: Phrase, stage: Stage) -> str:
    return _has_phrases(stage, filter_.field, [filter_.text])


@condition.register
def _prefix(filter_: Prefix, stage: Stage) -> str:
    found = _match(stage, filter_.field, prefix_pattern(filter_.text))
    return _joined([*_message_sieve(stage, filter_.field, tokens(filter_.text, ends=False)), found])


@condition.register
def _any_case_phrase(filter_: AnyCasePhrase, stage: Stage) -> str:
    text = stage.text(filter_.field)
    if not filter_.text:
        return f"{text} = ''"
    return f"match(lowerUTF8({text}), {literal(phrase_pattern(filter_.text.lower()))})"


@condition.register
def _any_case_prefix(filter_: AnyCasePrefix, stage: Stage) -> str:
    text = stage.text(filter_.field)
    if not filter_.text:
        return f"{text} != ''"
    return f"match(lowerUTF8({text}), {literal(prefix_pattern(filter_.text.lower()))})"


@condition.register
def _seq(filter_: Seq, stage: Stage) -> str:
    phrases = [phrase for phrase in filter_.phrases if phrase]
    if not phrases:
        return ALWAYS
    known = tuple(token for phrase in phrases for token in tokens(phrase))
    found = f"match({stage.text(filter_.field)}, {literal(sequence_pattern(phrases))})"
    return _joined([*_message_sieve(stage, filter_.field, known), found])


@condition.register
def _contains_all(filter_: ContainsAll, stage: Stage) -> str:
    phrases = [value for value in filter_.known_values() if value]
    return _has_phrases(stage, filter_.field, phrases) if phrases else ALWAYS


@condition.register
def _contains_any(filter_: ContainsAny, stage: Stage) -> str:
    values = filter_.known_values()
    if not values or "" in values:
        return ALWAYS if values else NEVER
    sieves = any_sieve([tokens(each) for each in values]) if _is_indexed(stage, filter_.field) else []
    if sieves and all(map(is_word, values)):
        return sieves[0]
    text = stage.text(filter_.field)
    patterns = _alternatives([phrase_pattern(each) for each in values])
    found = " OR ".join(f"match({text}, {literal(pattern)})" for pattern in patterns)
    return _joined([*sieves, f"({found})"])


@condition.register
def _exact(filter_: Exact, stage: Stage) -> str:
    return _equal(stage, filter_.field, filter_.text)


@condition.register
def _exact_prefix(filter_: ExactPrefix, stage: Stage) -> str:
    return f"startsWith({stage.text(filter_.field)}, {literal(filter_.text)})"


@condition.register
def _in(filter_: In, stage: Stage) -> str:
    values = filter_.known_values()
    if not values:
        return NEVER
    if len(values) <= _FEW and stage.cell(filter_.field).attribute:
        return "(" + " OR ".join(_equal(stage, filter_.field, value) for value in values) + ")"
    return f"{stage.text(filter_.field)} IN ({', '.join(map(literal, values))})"


@condition.register
def _stream_id(filter_: StreamId, stage: Stage) -> str:
    values = filter_.known_values()
    return f"{stage.text(filter_.field)} IN ({', '.join(map(literal, values))})" if values else NEVER


@condition.register
def _any_value(filter_: AnyValue, stage: Stage) -> str:
    cell = stage.cell(filter_.field)
    return f"{cell.json} NOT IN ('', '\"\"', 'null')" if cell.attribute else f"{cell.text} != ''"


@condition.register
def _empty_value(filter_: EmptyValue, stage: Stage) -> str:
    cell = stage.cell(filter_.field)
    return f"{cell.json} IN ('', '\"\"', 'null')" if cell.attribute else f"{cell.text} = ''"


@condition.register
def _regexp(filter_: Regexp, stage: Stage) -> str:
    # In the engine a dot is any character, in the language all but a line's end.
    pattern = f"(?-s){filter_.pattern}" if "." in filter_.pattern else filter_.pattern
    return f"match({stage.text(filter_.field)}, {literal(pattern)})"


@condition.register
def _string_range(filter_: StringRange, stage: Stage) -> str:
    text = stage.text(filter_.field)
    return f"({text} >= {literal(filter_.lower)} AND {text} < {literal(filter_.upper)})"


@condition.register
def _len_range(filter_: LenRange, stage: Stage) -> str:
    return f"(lengthUTF8({stage.text(filter_.field)}) BETWEEN {filter_.minimum} AND {filter_.maximum})"


# ------------------------------------------------------------------------------------------------ numbers


@condition.register
def _comparison(filter_: Comparison, stage: Stage) -> str:
    cell, value = stage.cell(filter_.field), filter_.number
    text = cell.text
    if cell.whole and _WHOLE.fullmatch(filter_.value):
        return f"({cell.whole} {filter_.operator} {filter_.value})"
    if value is None:
        return f"({text} {filter_.operator} {literal(filter_.value)})"
    return f"ifNull({number(text)} {filter_.operator} {_float(value)}, 0)"


@condition.register
def _range(filter_: Range, stage: Stage) -> str:
    size = number(stage.text(filter_.field))
    return f"ifNull({size} BETWEEN {_float(filter_.minimum)} AND {_float(filter_.maximum)}, 0)"


@condition.register
def _ipv4_range(filter_: Ipv4Range, stage: Stage) -> str:
    address = ipv4(stage.text(filter_.field))
    return f"ifNull({address} BETWEEN {filter_.minimum} AND {filter_.maximum}, 0)"


@condition.register
def _eq_field(filter_: EqField, stage: Stage) -> str:
    return f"({stage.text(filter_.field)} = {stage.text(filter_.other)})"


@condition.register
def _le_field(filter_: LeField, stage: Stage) -> str:
    left, right = stage.text(filter_.field), stage.text(filter_.other)
    return f"ifNull({number(left)} <= {number(right)}, {left} <= {right})"


@condition.register
def _lt_field(filter_: LtField, stage: Stage) -> str:
    left, right = stage.text(filter_.field), stage.text(filter_.other)
    return f"ifNull({number(left)} < {number(right)}, {left} < {right})"


# ------------------------------------------------------------------------------------------ time and stream


@condition.register
def _time(filter_: Time, stage: Stage) -> str:
    instant = _instant(stage)
    parts = []
    if filter_.minimum > EARLIEST:
        parts.append(f"{instant} >= {nanoseconds(filter_.minimum)}")
    if filter_.maximum < LATEST:
        parts.append(f"{instant} <= {nanoseconds(filter_.maximum)}")
    return _joined(parts) if parts else ALWAYS


@condition.register
def _day_range(filter_: DayRange, stage: Stage) -> str:
    day = f"positiveModulo(toUnixTimestamp64Nano({_instant(stage)}) - ({filter_.offset}), {DAY})"
    return f"({day} BETWEEN {filter_.start} AND {filter_.end})"


@condition.register
def _week_range(filter_: WeekRange, stage: Stage) -> str:
    days = f"toInt64(floor((toUnixTimestamp64Nano({_instant(stage)}) - ({filter_.offset})) / {DAY}))"
    return f"(positiveModulo({days} + {_THURSDAY}, {_WEEK}) BETWEEN {filter_.start} AND {filter_.end})"


@condition.register
def _stream(filter_: Stream, stage: Stage) -> str:
    if not filter_.alternatives:
        return ALWAYS
    text = stage.text("_stream")
    fits = [_joined([_label(label, text) for label in each]) for each in filter_.alternatives]
    return fits[0] if len(fits) == 1 else f"({' OR '.join(fits)})"


def _label(label: Label, stream: str) -> str:
    name = escape(label.name)
    quoted = escape('"' + label.name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"')
    pattern = rf'[{{,](?:{name}|{quoted})="((?:[^"\\]|\\.)*)"'
    value = f"extract({stream}, {literal(pattern)})"
    if label.operator in {"=", "!="}:
        wanted = label.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f"{value} {label.operator} {literal(wanted)}"
    plain = f"if(position({value}, '\\\\') = 0, {value}, JSONExtractString(concat('\"', {value}, '\"')))"
    found = f"match({plain}, {literal(f'(?s)^(?:{label.value})$')})"
    return found if label.operator == "=~" else f"NOT {found}"


# -------------------------------------------------------------------------------------------------- parts


def _joined(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"({' AND '.join(parts)})"


def _match(stage: Stage, field: str, pattern: str) -> str:
    return f"match({stage.text(field)}, {literal(pattern)})"


def _is_indexed(stage: Stage, field: str) -> bool:
    return stage.indexed and stage.text(field) == "message"


def _message_sieve(stage: Stage, field: str, known: tuple[str, ...]) -> list[str]:
    return sieve(known) if _is_indexed(stage, field) else []


def _has_phrases(stage: Stage, field: str, phrases: Sequence[str]) -> str:
    """All of the phrases; where the index says all about one, only the index is asked for it."""
    known = tuple(token for phrase in phrases for token in tokens(phrase))
    sieves = _message_sieve(stage, field, known)
    tested = [phrase for phrase in phrases if not (sieves and is_word(phrase))]
    return _joined([*sieves, *(_match(stage, field, phrase_pattern(phrase)) for phrase in tested)])


def _equal(stage: Stage, field: str, value: str) -> str:
    cell = stage.cell(field)
    if cell.whole and _WHOLE.fullmatch(value):
        return f"{cell.whole} = {value}"
    # What holds a string that looks like a container is kept in the sender's own escapes: no look-up finds it.
    if not (stage.indexed and cell.attribute and value) or value.startswith(_CONTAINER):
        return f"{cell.text} = {literal(value)}"
    forms = [value] if value != "null" else []
    if _AMBIGUOUS.match(value):
        forms.append(f'"{value}"')
    found = [f"has(items, {literal(f'{cell.attribute}={form}')})" for form in forms]
    return found[0] if len(found) == 1 else f"({' OR '.join(found)})"


def _instant(stage: Stage) -> str:
    instant = stage.cell("_time").instant
    if not instant:
        raise NotInEngine("_time is no longer the record's own")
    return instant


def _float(value: float) -> str:
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return f"toFloat64({value!r})" if abs(value) < 1e15 else f"toFloat64({literal(repr(value))})"  # noqa: PLR2004


def _alternatives(patterns: list[str], most: int = 200) -> list[str]:
    """Patterns joined by ``|``, in pieces that the engine's regular expressions have room for."""
    return ["|".join(patterns[start : start + most]) for start in range(0, len(patterns), most)]
