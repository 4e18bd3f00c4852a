"""Lines of one source into whole records. The open record is state that can be kept and given back.

Who reads a file keeps its checkpoint in front of the open record: ``open_lines`` and ``open_bytes`` say how far that
is. Time is told, never asked for.
"""

from typing import Final

import msgspec
import polars as pl

from logyard.formats.multiline.heads import AutoJoin
from logyard.formats.multiline.rules import JoinRules, decision

__all__ = ["Joined", "Joiner", "JoinerState"]

_NEVER: Final = -1.0


class Joined(msgspec.Struct, frozen=True, kw_only=True):
    """Whole records, in their order."""

    records: pl.Series
    """Each with its lines parted by a newline."""
    lines: pl.Series
    """How many lines each has (UInt32)."""


class JoinerState(msgspec.Struct, frozen=True, kw_only=True):
    """What another joiner needs to go on where this one stopped."""

    open: tuple[str, ...] = ()
    headed: bool | None = None


class Joiner:
    """One per source. Not for two threads at once."""

    def __init__(self, rules: JoinRules, state: JoinerState | None = None) -> None:
        """Raises ``BadConfig`` for rules that cannot be used."""
        state = state or JoinerState()
        self._rules = rules
        self._auto = AutoJoin(headed=state.headed) if rules.preset == "auto" else None
        self._begins = self._auto or decision(rules)
        self._open = pl.Series(state.open, dtype=pl.String)
        self._touched = _NEVER

    @property
    def open_lines(self) -> int:
        """Lines of the record that is not whole yet."""
        return self._open.len()

    @property
    def open_bytes(self) -> int:
        """Bytes of those lines, without their line ends."""
        return int(self._open.str.len_bytes().sum())

    @property
    def looks_ahead(self) -> bool:
        """Whether where a line belongs may depend on the line after it."""
        return bool(self._rules.preset) and (self._auto is None or not self._auto.headed)

    def feed(self, lines: pl.Series, now: float) -> Joined:
        """The records that these lines complete. ``now``: seconds on a clock that never goes back."""
        if not lines.len():
            return self._nothing()
        self._touched = now
        table = self._grouped(pl.concat([self._open, lines.cast(pl.String)]))
        last = table["group"][-1]
        self._open = table.filter(pl.col("group") == last)["line"]
        return _joined(table.filter(pl.col("group") != last))

    def expire(self, now: float) -> Joined:
        """The open record, if it has waited longer than the rules' timeout."""
        if not self._open.len() or now - self._touched < self._rules.timeout:
            return self._nothing()
        return self.flush()

    def flush(self) -> Joined:
        """The open record: nothing comes any more."""
        if not self._open.len():
            return self._nothing()
        table = self._grouped(self._open)
        self._open = self._open.clear()
        return _joined(table)

    def state(self) -> JoinerState:
        """What must be kept beside the position in the source."""
        return JoinerState(open=tuple(self._open), headed=self._auto.headed if self._auto else None)

    def _grouped(self, lines: pl.Series) -> pl.DataFrame:
        """Columns ``line`` and ``group``, which rises by one with each record."""
        begins = self._begins(lines)
        if begins.all():
            return pl.DataFrame({"line": lines, "group": pl.Series(range(1, lines.len() + 1), dtype=pl.UInt32)})
        table = pl.DataFrame({"line": lines, "group": begins.cast(pl.UInt32).cum_sum()})
        cut = table.select(self._piece().alias("piece"), "group")
        crossed = (cut["piece"] != cut["piece"].shift(1)) & (cut["group"] == cut["group"].shift(1))
        if crossed.any():
            if self._auto:
                self._auto.doubt()
            begins |= crossed.fill_null(value=False)
            table = pl.DataFrame({"line": lines, "group": begins.cast(pl.UInt32).cum_sum()})
        return table

    def _piece(self) -> pl.Expr:
        """Which piece of its record a line is in, where records are cut at the limits."""
        line = pl.int_range(pl.len()).over("group") // self._rules.max_lines
        size = pl.col("line").str.len_bytes().cum_sum().over("group") // (self._rules.max_bytes + 1)
        return pl.max_horizontal(line, size)

    def _nothing(self) -> Joined:
        return Joined(records=self._open.clear(), lines=pl.Series([], dtype=pl.UInt32))


def _joined(table: pl.DataFrame) -> Joined:
    if table["group"].n_unique() == table.height:
        return Joined(records=table["line"], lines=pl.Series([1], dtype=pl.UInt32).new_from_index(0, table.height))
    whole = table.group_by("group", maintain_order=True).agg(pl.col("line").str.join("\n"), pl.len().alias("lines"))
    return Joined(records=whole["line"], lines=whole["lines"])
