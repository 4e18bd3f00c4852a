"""Lines as they lie in a file into whole records: what container engines wrote around them is taken off, parts are put
together, and lines that belong together are joined, each stream of a container by itself.

No memory of lines: who calls keeps what was not taken, and gives it again with more behind it. What is remembered of a
source is only whether its records have heads (``heads.py``).
"""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec
import polars as pl

from logyard.formats.multiline.containers import Carried, Engine, carried, engine_of
from logyard.formats.multiline.joiner import Joiner, JoinerState
from logyard.formats.multiline.rules import JoinRules

__all__ = ["Container", "Gathered", "Gatherer"]

Container = Literal["auto", "docker", "cri", "off"]

_MOST: Final = 1 << 19
"""Bytes of the longest record, and of what is waited for: half of what is read at once, and of what a server takes as
one line.
"""
_ENOUGH: Final = 20
"""Lines that say for good whether records have heads; of fewer it is asked again."""


class Gathered(msgspec.Struct, frozen=True, kw_only=True):
    """Whole records, in the order of their first lines."""

    text: pl.Series
    """Lines of one record are parted by a newline."""
    joined: pl.Series
    """Whether a record is several lines."""
    time: pl.Series | None = None
    """What the container engine says of the record's first line; None without an engine."""
    stream: pl.Series | None = None
    taken: int
    """Lines, from the first, that need not be given again."""


class Gatherer:
    """One per source. Not for two threads at once."""

    def __init__(self, rules: JoinRules | None, container: Container = "auto") -> None:
        """``rules`` None: every line is a record. Raises ``BadConfig`` for rules that cannot be used."""
        self._rules = None if rules is None else _limited(rules)
        self._container = container
        self._headed: dict[str, bool | None] = {}
        if rules is not None:
            Joiner(rules)

    @property
    def leaves_objects(self) -> bool:
        """Whether lines that are JSON objects are records, each by itself."""
        return self._rules is None or bool(self._rules.preset)

    def gather(self, lines: pl.Series, *, final: bool) -> Gathered:
        """The records that are whole. ``final``: nothing more comes in time, so all are."""
        engine = self._engine(lines)
        if engine is None and self._rules is None:
            whole = pl.Series([False]).new_from_index(0, lines.len())
            return Gathered(text=lines, joined=whole, taken=lines.len())
        table = _table(lines, None if engine is None else carried(lines, engine))
        found = self._joined(table, final=final)
        taken = _taken(found, lines.len())
        waiting = 0 if taken == lines.len() else int(lines.slice(taken).str.len_bytes().sum())
        if waiting > _MOST:
            # Somebody never ends his record: nobody else waits for him any longer.
            found, taken = self._joined(table, final=True), lines.len()
        kept = found.filter(pl.col("first") < taken)
        return Gathered(
            text=kept["text"],
            joined=kept["joined"],
            time=None if engine is None else kept["time"],
            stream=None if engine is None else kept["stream"],
            taken=taken,
        )

    def _engine(self, lines: pl.Series) -> Engine | None:
        if self._container == "off" or not lines.len():
            return None
        return engine_of(lines) if self._container == "auto" else self._container

    def _joined(self, table: pl.DataFrame, *, final: bool) -> pl.DataFrame:
        """Columns first, last, text, joined, open, time, stream; by ``first``."""
        whole = _put_together(table, final=final)
        if self._rules is None:
            return whole
        if whole["stream"].n_unique() <= 1:
            return self._of_stream(whole, final=final)
        parts = whole.partition_by("stream", maintain_order=True)
        return pl.concat([self._of_stream(part, final=final) for part in parts]).sort("first")

    def _of_stream(self, table: pl.DataFrame, *, final: bool) -> pl.DataFrame:
        """The records of one stream; a part that is open at its end keeps the record before it open."""
        if self._rules is None or not table.height:
            return table
        stream = table["stream"][0]
        joiner = Joiner(self._rules, JoinerState(headed=self._headed.get(stream)))
        whole = joiner.feed(table["text"], 0.0)
        if table.height >= _ENOUGH:
            self._headed[stream] = joiner.state().headed
        rest = joiner.flush()
        counts = pl.concat([whole.lines, rest.lines])
        first = counts.cum_sum() - counts
        ahead = joiner.looks_ahead or bool(table["open"][-1])
        waiting = 0 if final else _still_open(whole.lines, rest.lines, ahead=ahead)
        return table[first].with_columns(
            table["last"][first + counts - 1],
            pl.concat([whole.records, rest.records]).alias("text"),
            (counts > 1).alias("joined"),
            (pl.int_range(pl.len()) >= pl.len() - waiting).alias("open"),
        )


def _taken(found: pl.DataFrame, lines: int) -> int:
    """Lines up to the first record that is open, and to the first that is woven into one that is not taken."""
    if not found["open"].any():
        return lines
    taken = int(found.filter("open")["first"][0])
    while (woven := found.filter((pl.col("first") < taken) & (pl.col("last") >= taken))).height:
        taken = int(woven["first"][0])
    return taken


def _limited(rules: JoinRules) -> JoinRules:
    return msgspec.structs.replace(rules, max_bytes=min(rules.max_bytes, _MOST))


def _still_open(whole: pl.Series, rest: pl.Series, *, ahead: bool) -> int:
    """How many records at the end may still change."""
    # What a lone last line is may depend on what follows: it may yet belong to the record before.
    return rest.len() + (1 if ahead and whole.len() and rest.sum() == 1 else 0)


def _table(lines: pl.Series, around: Carried | None) -> pl.DataFrame:
    rows = pl.Series("first", range(lines.len()), dtype=pl.UInt32)
    columns: Mapping[str, pl.Series | pl.Expr] = (
        {"text": lines, "time": pl.lit(""), "stream": pl.lit(""), "goes_on": pl.lit(value=False)}
        if around is None
        else {"text": around.text, "time": around.time, "stream": around.stream, "goes_on": around.goes_on}
    )
    return pl.DataFrame({"first": rows, "last": rows}).with_columns(**columns, joined=pl.lit(value=False))


def _put_together(table: pl.DataFrame, *, final: bool) -> pl.DataFrame:
    """Records that came in parts as one; what lacks its last part is open."""
    if not table["goes_on"].any():
        return table.rename({"goes_on": "open"})
    size = pl.col("text").str.len_bytes().cum_sum().over("stream", "record") // _MOST
    begins = ~pl.col("goes_on").shift(1, fill_value=False).over("stream")
    cut = table.with_columns(begins.cast(pl.UInt32).cum_sum().over("stream").alias("record"))
    whole = cut.with_columns(size.alias("piece")).group_by("stream", "record", "piece", maintain_order=True)
    found = whole.agg(
        pl.col("first").first(),
        pl.col("last").last(),
        pl.col("text").str.join(""),
        pl.col("time").first(),
        pl.col("goes_on").last(),
        pl.col("joined").first(),
    )
    # Of a record that is cut because it grew too long only the last piece can be open.
    is_last = pl.col("piece") == pl.col("piece").max().over("stream", "record")
    opened = pl.col("goes_on") & is_last & (not final)
    return found.select("first", "last", "text", "time", "stream", opened.alias("open"), "joined").sort("first")
