"""Finding what rules mean in columns of text, without looking for each rule in each text.

Most texts hold nothing. So all rules are first sought at once, and each by itself only where it may be: those that need
a text (``needs``) by one search for all of these texts (Aho-Corasick), the others by one expression that is the
alternative of all of theirs, which costs what one of them does. What is then found is few; that is taken apart in
Python, each different text judged once.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Final

import polars as pl

from logyard.pipeline.redaction.rules import Rule
from logyard.pipeline.redaction.validators import VALIDATORS

__all__ = ["find"]

_FOUND: Final = pl.Schema({"row": pl.UInt32(), "start": pl.Int64(), "end": pl.Int64(), "rule": pl.String()})
_TOGETHER: Final = 16
"""Expressions in one: of more, the automaton no longer fits into its cache."""
_MARKS: Final = [(chr(0xE000 + 2 * number), chr(0xE001 + 2 * number)) for number in range(64)]
"""Characters of private use, put around what is found; a pair that no text holds."""
_FAR: Final = 1 << 31
_GROUP: Final = re.compile(r"\(\?P<\w+>")


def find(texts: pl.Series, wanted: Sequence[Rule]) -> pl.DataFrame:
    """What the rules find: ``row``, ``start`` and ``end`` in characters, ``rule``; sorted, and no two overlap: of two
    that do, the one that begins first is kept, and made as long as both.
    """
    found = [table for rule, rows in _likely(texts, wanted) if (table := _by_rule(texts, rule, rows)) is not None]
    if not found:
        return pl.DataFrame(schema=_FOUND)
    return _apart(pl.concat(found).sort("row", "start", "end", descending=[False, False, True]))


def _likely(texts: pl.Series, wanted: Sequence[Rule]) -> Iterator[tuple[Rule, pl.Series]]:
    """For each rule that may be found the rows that it may be in."""
    yield from _needed(texts, [rule for rule in wanted if rule.needs])
    others = [rule for rule in wanted if not rule.needs]
    rare = [rule for rule in others if not rule.common]
    groups = [rare[start : start + _TOGETHER] for start in range(0, len(rare), _TOGETHER)]
    for group in [*groups, *([rule] for rule in others if rule.common)]:
        rows = texts.str.contains(_alternative(tuple(rule.regex for rule in group))).fill_null(value=False).arg_true()
        if not rows.is_empty():
            yield from ((rule, rows) for rule in group)


def _needed(texts: pl.Series, wanted: Sequence[Rule]) -> Iterator[tuple[Rule, pl.Series]]:
    needs = {need.lower() for rule in wanted for need in rule.needs}
    if not needs:
        return
    rows = texts.str.contains_any(sorted(needs), ascii_case_insensitive=True).fill_null(value=False).arg_true()
    if rows.is_empty():
        return
    held = texts.gather(rows).str.extract_many(sorted(needs), ascii_case_insensitive=True, overlapping=True)
    table = pl.DataFrame({"row": rows, "need": held}).explode("need").with_columns(pl.col("need").str.to_lowercase())
    by_need = dict(table.unique().group_by("need").agg("row").iter_rows())
    for rule in wanted:
        lists = [by_need[need.lower()] for need in rule.needs if need.lower() in by_need]
        if lists:
            places = sorted(set(chain.from_iterable(lists))) if len(lists) > 1 else sorted(lists[0])
            yield rule, pl.Series(places, dtype=pl.UInt32)


@lru_cache(maxsize=256)
def _alternative(expressions: tuple[str, ...]) -> str:
    return "|".join(f"(?:{_GROUP.sub('(?:', expression)})" for expression in expressions)


def _by_rule(texts: pl.Series, rule: Rule, rows: pl.Series) -> pl.DataFrame | None:
    likely = texts.gather(rows) if rows.len() < texts.len() else texts
    hits = likely.str.contains(rule.regex)
    if not hits.any():
        return None
    marked, marks = _marked(likely.filter(hits), rule)
    places, starts, matches = _parted(rows.filter(hits).to_list(), marked.to_list(), marks)
    judged = _judged(pl.Series(matches, dtype=pl.String), rule)
    spans = [
        (row, start + inside[0], start + inside[1])
        for row, start, match in zip(places, starts, matches, strict=True)
        if (inside := judged[match]) is not None
    ]
    if not spans:
        return None
    columns = list(zip(*spans, strict=True))
    found = pl.DataFrame(
        {
            "row": pl.Series(columns[0], dtype=pl.UInt32),
            "start": pl.Series(columns[1], dtype=pl.Int64),
            "end": pl.Series(columns[2], dtype=pl.Int64),
        }
    )
    return found.with_columns(pl.lit(rule.name).alias("rule"))


def _marked(texts: pl.Series, rule: Rule) -> tuple[pl.Series, tuple[str, str]]:
    """Every match between two marks: so its place is known, and not only what it is."""
    marks = next(pair for pair in _MARKS if not texts.str.contains_any(list(pair)).any())
    return texts.str.replace_all(rule.regex, f"{marks[0]}${{0}}{marks[1]}"), marks


def _parted(rows: list[int], texts: list[str], marks: tuple[str, str]) -> tuple[list[int], list[int], list[str]]:
    """Row, start and text of each match."""
    opening, closing = marks
    places: list[int] = []
    starts: list[int] = []
    matches: list[str] = []
    for row, text in zip(rows, texts, strict=True):
        before, *pieces = text.split(opening)
        position = len(before)
        for piece in pieces:
            match, _, rest = piece.partition(closing)
            places.append(row)
            starts.append(position)
            matches.append(match)
            position += len(match) + len(rest)
    return places, starts, matches


def _judged(matches: pl.Series, rule: Rule) -> Mapping[str, tuple[int, int] | None]:
    """Where in each different match the secret is; None where it is none."""
    kinds = matches.unique()
    texts = kinds.to_list()
    secrets = texts
    if "<secret>" in rule.regex:
        secrets = kinds.str.extract_groups(rule.regex).struct.field("secret").fill_null("").to_list()
    valid = VALIDATORS[rule.validator] if rule.validator else None
    judged: dict[str, tuple[int, int] | None] = {}
    for match, secret in zip(texts, secrets, strict=True):
        start = match.rfind(secret)
        is_one = secret and (valid is None or valid(secret))
        judged[match] = (start, start + len(secret)) if is_one else None
    return judged


def _apart(found: pl.DataFrame) -> pl.DataFrame:
    """Without overlaps."""
    # The rows in one line, each far behind the one before.
    line = pl.col("row").cast(pl.Int64) * _FAR
    reach = (line + pl.col("end")).cum_max().shift(1, fill_value=-1)
    fresh = found.select((line + pl.col("start") >= reach).alias("fresh"))["fresh"]
    if fresh.all():
        return found
    groups = found.with_columns(fresh.cast(pl.UInt32).cum_sum().alias("group"))
    merged = groups.group_by("group", maintain_order=True).agg(
        pl.first("row"), pl.min("start"), pl.max("end"), pl.first("rule")
    )
    return merged.select(_FOUND.names())
