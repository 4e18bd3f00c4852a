"""Whole rows into a store, each once: what a move, an import and a restore of an archive end in.

A row is the same row when every stored column of it is the same, its id among them. Of what comes, the rows that are
there already are left out and the others go in as one insert. So the same rows may come again at any time, after a
crash, a lost answer or a year, and rows that retention has dropped meanwhile come back. One call at a time: between
looking and inserting nobody else may insert the same rows.
"""

import threading
import uuid
from collections.abc import Callable

import msgspec
import polars as pl

from logyard.errors import BadPayload
from logyard.ports import Rows, Statement, Store
from logyard.store.mapping import COLUMNS

__all__ = ["KEY_COLUMNS", "Loaded", "Loader"]

KEY_COLUMNS = ("batch", "first", "rows", "received")

_KINDS = pl.Schema(
    {
        "id": pl.Int64(),
        "timestamp": pl.Datetime("ns", "UTC"),
        "observed": pl.Datetime("ns", "UTC"),
        "severity": pl.UInt8(),
        "tags": pl.List(pl.String()),
        "attributes": pl.Map(pl.String(), pl.String()),
        "objects": pl.List(pl.String()),
    }
)


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """What became of rows that came."""

    rows: int
    stored: int
    """The others were there already."""


class Loader:
    """One for a store. Blocking; any thread."""

    def __init__(self, store: Store, token: Callable[[], str] = lambda: uuid.uuid4().hex) -> None:
        """``token`` names an insert, so that the adapter may try it again by itself."""
        self._store = store
        self._token = token
        self._lock = threading.Lock()

    def rows(self, frame: pl.DataFrame, *, dry: bool = False) -> Loaded:
        """Store rows of ``logs``: all of ``COLUMNS``. ``dry``: only count what would be stored.

        Raises ``BadPayload`` for a frame that is none, and what ``Store.load`` raises.
        """
        rows = _checked(frame)
        if rows.is_empty():
            return Loaded(rows=0, stored=0)
        with self._lock:
            missing = self._missing(rows)
            if missing.height and not dry:
                self._store.load(Rows(table="logs", frame=missing, token=self._token()))
        return Loaded(rows=rows.height, stored=missing.height)

    def keys(self, frame: pl.DataFrame) -> Loaded:
        """Store what keyed batches got: the columns of ``KEY_COLUMNS``. What is known stays as it is."""
        if tuple(frame.columns) != KEY_COLUMNS:
            raise BadPayload(f"the columns are {', '.join(frame.columns)}, not {', '.join(KEY_COLUMNS)}")
        if frame.height:
            self._store.load(Rows(table="keyed_batches", frame=frame, token=self._token()))
        return Loaded(rows=frame.height, stored=frame.height)

    def _missing(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Those that the store does not have. Ids are asked for first: mostly none of them is there."""
        times, ids = _span(rows["timestamp"].to_physical()), _span(rows["id"])
        near = (
            f"FROM logs WHERE timestamp >= fromUnixTimestamp64Nano(toInt64({times[0]}), 'UTC') "
            f"AND timestamp <= fromUnixTimestamp64Nano(toInt64({times[1]}), 'UTC') "
            f"AND id >= {ids[0]} AND id <= {ids[1]}"
        )
        found = self._store.query(Statement(sql=f"SELECT id {near}"))
        if found.is_empty() or not rows["id"].is_in(found["id"].implode()).any():
            return rows
        there = self._store.query(Statement(sql=f"SELECT {', '.join(COLUMNS)} {near}"))
        return rows.join(there.cast(rows.schema), on=COLUMNS, how="anti", maintain_order="left")


def _checked(frame: pl.DataFrame) -> pl.DataFrame:
    """The columns of the table, in their order. Raises ``BadPayload``."""
    for name in COLUMNS:
        kind = _KINDS.get(name, pl.String())
        if name not in frame.columns:
            raise BadPayload(f"there is no column {name!r}")
        if frame.schema[name] != kind:
            raise BadPayload(f"column {name!r} is {frame.schema[name]}, not {kind}")
        if frame[name].null_count():
            raise BadPayload(f"column {name!r} holds nulls")
    return frame.select(COLUMNS)


def _span(whole: pl.Series) -> tuple[int, int]:
    """The least and the greatest of whole numbers that are not none."""
    ordered = whole.sort()
    return int(ordered[0]), int(ordered[-1])
