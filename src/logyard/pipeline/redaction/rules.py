"""Rules as data (``rules.toml``), and finding what they mean in columns of text."""

import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec
import polars as pl

from logyard.errors import BadConfig
from logyard.pipeline.redaction.validators import VALIDATORS

__all__ = ["EVERY", "Rule", "chosen", "find", "rules"]

EVERY: Final = "all"
_FOUND: Final = pl.Schema({"row": pl.UInt32(), "start": pl.Int64(), "end": pl.Int64(), "rule": pl.String()})


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is looked for."""

    name: str
    kind: str
    regex: str
    """RE2 syntax, linear time. The group ``secret``, where there is one, is what is masked."""
    validator: str = ""
    needs: tuple[str, ...] = ()
    """Texts of which one is in every match, in any case of ASCII: what holds none is not looked at."""


@cache
def rules() -> tuple[Rule, ...]:
    """All rules, in the order of the file."""
    text = files(__package__).joinpath("rules.toml").read_text("utf-8")
    return tuple(msgspec.convert(tomllib.loads(text)["rule"], list[Rule]))


def chosen(names: Sequence[str]) -> tuple[Rule, ...]:
    """The rules of these names and kinds; ``all`` is all of them. Raises ``BadConfig``."""
    known = {EVERY} | {rule.name for rule in rules()} | {rule.kind for rule in rules()}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise BadConfig(f"there is no rule {unknown[0]!r}; there are: {', '.join(sorted(known))}", path="rules")
    return tuple(rule for rule in rules() if {EVERY, rule.name, rule.kind} & set(names))


def find(texts: pl.Series, wanted: Sequence[Rule]) -> pl.DataFrame:
    """What the rules find: ``row``, ``start`` and ``end`` in characters, ``rule``; sorted, and no two overlap: of two
    that do, the one that begins first is kept, and made as long as both.
    """
    found = [table for rule in wanted if (table := _by_rule(texts, rule)) is not None]
    if not found:
        return pl.DataFrame(schema=_FOUND)
    return _apart(pl.concat(found).sort("row", "start", "end", descending=[False, False, True]))


def _hits(texts: pl.Series, rule: Rule) -> pl.Series:
    """Rows that match: first by the rule's needs, for looking for a text is ten times cheaper than an expression."""
    if not rule.needs:
        return texts.str.contains(rule.regex).fill_null(value=False).arg_true()
    likely = texts.str.contains_any(list(rule.needs), ascii_case_insensitive=True).fill_null(value=False).arg_true()
    if likely.is_empty():
        return likely
    return likely.filter(texts.gather(likely).str.contains(rule.regex))


def _by_rule(texts: pl.Series, rule: Rule) -> pl.DataFrame | None:
    rows = _hits(texts, rule)
    if rows.is_empty():
        return None
    found = pl.DataFrame({"row": rows.cast(pl.UInt32), "match": texts.gather(rows).str.extract_all(rule.regex)})
    matches = found.explode("match")
    secret = pl.col("match").str.extract_groups(rule.regex).struct.field("secret") if "<secret>" in rule.regex else None
    matches = matches.with_columns((pl.col("match") if secret is None else secret.fill_null("")).alias("secret"))
    spans: list[tuple[int, int, int, str]] = []
    valid = VALIDATORS[rule.validator] if rule.validator else None
    text, position, row = "", 0, -1
    # Only matches come here: the hits of a rule, not the records of a batch. A text is taken once for all of its own.
    for number, match, hidden in matches.iter_rows():
        if number != row:
            text, position, row = texts[number], 0, number
        begin = text.find(match, position)
        position = begin + len(match)
        inner = match.rfind(hidden)
        if hidden and (valid is None or valid(hidden)):
            spans.append((number, begin + inner, begin + inner + len(hidden), rule.name))
    return pl.DataFrame(spans, schema=_FOUND, orient="row") if spans else None


def _apart(found: pl.DataFrame) -> pl.DataFrame:
    """Without overlaps."""
    reach = pl.col("end").cum_max().shift(1, fill_value=-1).over("row")
    groups = found.with_columns((pl.col("start") >= reach).cast(pl.UInt32).cum_sum().alias("group"))
    merged = groups.group_by("group", maintain_order=True).agg(
        pl.first("row"), pl.min("start"), pl.max("end"), pl.first("rule")
    )
    return merged.select(_FOUND.names())
