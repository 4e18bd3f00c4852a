"""Hypothesis strategies for filters of every kind, and for records that they sometimes match.

``filters()`` makes canonical nodes, ``parse(str(node)) == node``. With the same ``Vocabulary`` it asks about
the fields and words that ``records()`` has in them; each filter of ``language/filters`` is in ``LEAVES``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from hypothesis import strategies as st

from logyard.language.ast import All, Filter, all_of, any_of, negated
from logyard.language.entry import parse_filter
from logyard.language.filters.any_case_phrase import AnyCasePhrase
from logyard.language.filters.any_case_prefix import AnyCasePrefix
from logyard.language.filters.any_value import AnyValue
from logyard.language.filters.comparison import Comparison
from logyard.language.filters.contains_all import ContainsAll
from logyard.language.filters.contains_any import ContainsAny
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
from logyard.language.filters.value_type import ValueType

__all__ = ["LEAVES", "Vocabulary", "filters", "records"]

_WORDS: Final = (
    "error", "Error", "errors", "connection", "reset", "by", "peer", "user_1", "42", "-0.5", "1.5e3", "10KiB",
    "1m30s",
    "10.0.0.7",
    "zo\N{LATIN SMALL LETTER E WITH DIAERESIS}", "(", ")", "*", '"', "\\", "a-b", "or", "in", "x=y", "|",
)  # fmt: skip
_NUMBERS: Final = (
    "0",
    "-3",
    "42",
    "1.5",
    "1e3",
    "10KiB",
    "1m30s",
    "10.0.0.7",
    "0x10",
    "inf",
    "-inf",
    "1_000",
)
_PATTERNS: Final = (
    "err",
    "^error",
    "[0-9]+$",
    "con.*set",
    "(?i)ERROR",
    r"\bpeer\b",
    "a|b",
    "^$",
    r"user_\d",
    ".+",
)
_TIMES: Final = (
    "now",
    "2025",
    "2025-03Z",
    "2025-03-14",
    "2025-03-14T10+02:00",
    "2025-03-14T10:20:30.5Z",
    "now-1h",
)
_SPANS: Final = ("5m", "-1.5h", "<2d", ">=1d", "=2025-03", ">2025-03-14Z", "<=2025-03-14T10:20Z", "<now")
_DAYS: Final = ("Sun", "mon", "Tuesday", "wed", "Thu", "friday", "Sat")
_TYPES: Final = ("const", "dict", "string", "uint8", "int64", "float64", "ipv4", "iso8601")
_STREAM_WORDS: Final = ("api", "web", "node-1", "a.b", "", 'x"y')


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What filters and records are made of. ``now`` is in nanoseconds; the field "" is the message."""

    fields: tuple[str, ...] = ("", "level", "user.name", "http.status", "odd name", "or")
    words: tuple[str, ...] = _WORDS
    now: int = 1_741_950_000_000_000_000
    any_text: bool = True
    """Also texts of any characters, besides those of ``words``."""

    def field(self) -> st.SearchStrategy[str]:
        """One of the fields."""
        return st.sampled_from(self.fields)

    def text(self, *, least: int = 0) -> st.SearchStrategy[str]:
        """A few words, or any text, of at least so many characters."""
        phrase = st.lists(st.sampled_from(self.words), min_size=least, max_size=3).map(" ".join)
        if not self.any_text:
            return phrase
        return phrase | st.text(st.characters(exclude_categories=["Cs"]), min_size=least, max_size=6)

    def parsed(self, query: str) -> Filter:
        """The filter that this text means."""
        return parse_filter(query, now=self.now)


def filters(
    vocabulary: Vocabulary | None = None, *, without: frozenset[str] = frozenset(), leaves: int = 6
) -> st.SearchStrategy[Filter]:
    """Filters of every kind but ``without`` (names of files), nested, of about so many leaves."""
    known = vocabulary or Vocabulary()
    single = st.one_of(st.just(All()), *(make(known) for name, make in LEAVES.items() if name not in without))
    return st.recursive(
        single,
        lambda inner: (
            st.lists(inner, min_size=2, max_size=3).map(all_of)
            | st.lists(inner, min_size=2, max_size=3).map(any_of)
            | inner.map(negated)
        ),
        max_leaves=leaves,
    )


def records(vocabulary: Vocabulary | None = None, *, most: int = 8) -> st.SearchStrategy[list[dict[str, str]]]:
    """Rows of flat text: some of the fields, with values that filters of the same vocabulary ask for."""
    known = vocabulary or Vocabulary()
    value = known.text() | st.sampled_from(_NUMBERS)
    stream = st.sampled_from(('{app="api"}', '{app="web",host="node-1"}', "{}", ""))
    times = st.sampled_from(("2025-03-14T10:20:30.5Z", "2025-03-14T11:00:00Z", "2025-02-28T23:59:59.999999999Z"))
    row = st.fixed_dictionaries(
        {"_time": times},
        optional={"_stream": stream, **{field or "_msg": value for field in known.fields}},
    )
    return st.lists(row, min_size=1, max_size=most)


def _on_text(node: Callable[[str, str], Filter], least: int = 0) -> Callable[[Vocabulary], st.SearchStrategy[Filter]]:
    return lambda known: st.builds(node, known.field(), known.text(least=least))


def _on_values(
    node: Callable[[str, tuple[str, ...]], Filter],
) -> Callable[[Vocabulary], st.SearchStrategy[Filter]]:
    return lambda known: st.builds(node, known.field(), st.lists(known.text(), max_size=3).map(tuple))


def _on_fields(node: Callable[[str, str], Filter]) -> Callable[[Vocabulary], st.SearchStrategy[Filter]]:
    return lambda known: st.builds(node, known.field(), known.field())


def _comparisons(known: Vocabulary) -> st.SearchStrategy[Filter]:
    value = st.sampled_from(_NUMBERS) | known.text()
    return st.builds(Comparison, known.field(), st.sampled_from(("<", "<=", ">", ">=")), value)


def _ranges(known: Vocabulary) -> st.SearchStrategy[Filter]:
    number = st.sampled_from(_NUMBERS)
    return st.builds(Range, known.field(), st.sampled_from("(["), number, number, st.sampled_from(")]"))


def _addresses(known: Vocabulary) -> st.SearchStrategy[Filter]:
    address = st.integers(0, (1 << 32) - 1) | st.integers(10 << 24, (10 << 24) + 16)
    return st.builds(Ipv4Range, known.field(), address, address)


def _streams(_known: Vocabulary) -> st.SearchStrategy[Filter]:
    name = st.sampled_from(("app", "host", "k8s.pod-name", "or"))
    equal = st.builds(Label, name, st.sampled_from(("=", "!=")), st.sampled_from(_STREAM_WORDS))
    similar = st.builds(Label, name, st.sampled_from(("=~", "!~")), st.sampled_from(("a.*", "web|api", ".+", "")))
    alternative = st.lists(equal | similar, min_size=1, max_size=2).map(tuple)
    return st.lists(alternative, max_size=2).map(lambda found: Stream(tuple(found)))


def _stream_ids(_known: Vocabulary) -> st.SearchStrategy[Filter]:
    identifier = st.text("0123456789abcdef", min_size=48, max_size=48)
    return st.lists(identifier, max_size=2).map(lambda found: StreamId("_stream_id", tuple(found)))


def _times(known: Vocabulary) -> st.SearchStrategy[Filter]:
    point = st.sampled_from(_TIMES)
    between = st.tuples(st.sampled_from("(["), point, point, st.sampled_from(")]"))
    span = st.sampled_from(_SPANS) | point.filter(lambda text: "-1h" not in text)
    text = span | between.map(lambda part: f"{part[0]}{part[1]}, {part[2]}{part[3]}")
    return st.builds(lambda each, offset: known.parsed(f"_time:{each}{offset}"), text, _offset())


def _offset() -> st.SearchStrategy[str]:
    return st.sampled_from(("", " offset 2h", " offset -1.5h"))


def _day_ranges(known: Vocabulary) -> st.SearchStrategy[Filter]:
    clock = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59)) | st.just("24:00")
    parts = st.tuples(st.sampled_from("(["), clock, clock, st.sampled_from(")]"), _offset())
    return parts.map(lambda part: known.parsed("_time:day_range{}{}, {}{}{}".format(*part)))


def _week_ranges(known: Vocabulary) -> st.SearchStrategy[Filter]:
    day = st.sampled_from(_DAYS)
    parts = st.tuples(st.sampled_from("(["), day, day, st.sampled_from(")]"), _offset())
    return parts.map(lambda part: known.parsed("_time:week_range{}{}, {}{}{}".format(*part)))


LEAVES: Final[Mapping[str, Callable[[Vocabulary], st.SearchStrategy[Filter]]]] = {
    "any_case_phrase": _on_text(AnyCasePhrase),
    "any_case_prefix": _on_text(AnyCasePrefix),
    "any_value": lambda known: st.builds(AnyValue, known.field().filter(bool)),
    "comparison": _comparisons,
    "contains_all": _on_values(ContainsAll),
    "contains_any": _on_values(ContainsAny),
    "day_range": _day_ranges,
    "empty_value": lambda known: st.builds(EmptyValue, known.field()),
    "eq_field": _on_fields(EqField),
    "exact": _on_text(Exact),
    "exact_prefix": _on_text(ExactPrefix),
    "in": _on_values(In),
    "ipv4_range": _addresses,
    "le_field": _on_fields(LeField),
    "len_range": lambda known: st.builds(LenRange, known.field(), st.integers(0, 9), st.integers(0, 1 << 31)),
    "lt_field": _on_fields(LtField),
    "phrase": _on_text(Phrase, 1),
    "prefix": _on_text(Prefix, 1),
    "range": _ranges,
    "regexp": lambda known: st.builds(Regexp, known.field(), st.sampled_from(_PATTERNS)),
    "seq": _on_values(Seq),
    "stream": _streams,
    "stream_id": _stream_ids,
    "string_range": lambda known: st.builds(StringRange, known.field(), known.text(), known.text()),
    "time": _times,
    "value_type": lambda known: st.builds(ValueType, known.field(), st.sampled_from(_TYPES)),
    "week_range": _week_ranges,
}
"""The strategy of each filter, by the name of its file."""
