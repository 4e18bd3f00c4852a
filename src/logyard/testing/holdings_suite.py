"""The conformance suite of moving rows: what ``store/holdings.py`` promises over any adapter of the store port.

Inherit it, give a fixture ``store`` with an empty ``logs`` table and a fixture ``parcels``. The checksum of one certain
row is written down here: two engines that both pass count the same.
"""

import io

import polars as pl
import pytest

from logyard.errors import BadInput, BadPayload
from logyard.ports import Retention, Rows, Statement, Store
from logyard.store.holdings import Holdings, arrow, received_before
from logyard.store.loading import KEY_COLUMNS
from logyard.store.mapping import COLUMNS
from logyard.store.partitions import BUCKET, HASH, PARTITION, Extent, Limits, Slice, plan
from logyard.testing.parcels import NOW, ParcelMaker
from logyard.types import BatchId, Json, Nanoseconds

__all__ = ["HoldingsSuite", "golden_row"]

_DAY = 86_400
_NOON = NOW // 1_000_000_000 + _DAY // 2
_CHECKSUM = 13_747_611_641_614_925_552


def golden_row() -> pl.DataFrame:
    """One row with something in every column."""
    moment = pl.lit(NOW).cast(pl.Datetime("ns", "UTC"))
    return pl.DataFrame({"id": [7_000_001], "message": ["hé\n\"llo\" \\ 'x'"]}).select(
        "id",
        moment.alias("timestamp"),
        moment.alias("observed"),
        pl.lit("acme").alias("tenant"),
        pl.lit("WARNING").alias("level"),
        pl.lit(13, dtype=pl.UInt8).alias("severity"),
        pl.lit("warn").alias("level_text"),
        pl.lit("golden").alias("service"),
        pl.lit("h1").alias("host"),
        pl.lit("/var/log/x").alias("source"),
        pl.lit('{service="golden"}').alias("stream"),
        "message",
        pl.lit("t" * 32).alias("trace_id"),
        pl.lit("s" * 16).alias("span_id"),
        pl.lit("c").alias("correlation_id"),
        pl.Series("tags", [["a", "b"]]),
        pl.Series("attributes", [{"n": "5", "s": '"5"', "o.x": "é"}], dtype=pl.Map(pl.String(), pl.String())),
        pl.Series("objects", [["o"]]),
        pl.lit(",level=lvl,").alias("origin"),
    )


def _fill(store: Store, parcels: ParcelMaker, name: str, *, rows: int, days: int = 1) -> None:
    records: list[dict[str, Json]] = [
        {
            "timestamp": _NOON - (index % days) * _DAY - index % 900,
            "service": name,
            "message": f"m{index}",
            "n": index,
            "o": {"x": "1"},
        }
        for index in range(rows)
    ]
    store.insert(parcels.parcel([parcels.batch(records)]))


def _load(store: Store, frame: pl.DataFrame, token: str) -> None:
    store.load(Rows(table="logs", frame=frame, token=token))


def _only(name: str) -> list[str]:
    return [f"service = '{name}'"]


def _all(held: Holdings, name: str, limits: Limits | None = None) -> list[bytes]:
    """Every row of a service, in slices."""
    bodies = []
    for extent in held.partitions(_only(name)):
        found = held.buckets(extent, _only(name))
        pieces = plan(found, {bucket.number for bucket in found}, limits)
        bodies += [held.rows(extent.name, piece, _only(name)) for piece in pieces]
    return bodies


def _frame(body: bytes) -> pl.DataFrame:
    return pl.read_ipc_stream(io.BytesIO(body))


class HoldingsSuite:
    """What any store can do with whole rows."""

    def test_a_row_has_the_same_checksum_everywhere(self, store: Store) -> None:
        _load(store, golden_row(), "golden")
        sql = f"SELECT {HASH} AS checksum FROM logs WHERE service = 'golden'"
        assert store.query(Statement(sql=sql))["checksum"].to_list() == [_CHECKSUM]

    def test_a_loaded_row_is_what_was_loaded(self, store: Store) -> None:
        row = golden_row().with_columns(service=pl.lit("loaded"))
        _load(store, row, "loaded")
        found = store.query(Statement(sql=f"SELECT {', '.join(COLUMNS)} FROM logs WHERE service = 'loaded'"))
        assert found.rows() == row.rows()

    def test_the_same_token_loads_once(self, store: Store) -> None:
        row = golden_row().with_columns(service=pl.lit("token"))
        for _ in range(3):
            _load(store, row, "once")
        found = store.query(Statement(sql="SELECT count() AS rows FROM logs WHERE service = 'token'"))
        assert found["rows"].to_list() == [1]

    def test_partitions_are_named_as_the_table_names_them(self, store: Store, parcels: ParcelMaker) -> None:
        _fill(store, parcels, "named", rows=100, days=80)
        found = store.query(
            Statement(sql=f"SELECT uniqExact(_partition_id), countIf({PARTITION} != _partition_id) FROM logs")
        )
        partitions, others = found.row(0)
        assert (partitions > 40, others) == (True, 0)

    def test_partitions_and_buckets_count_every_row_once(self, store: Store, parcels: ParcelMaker) -> None:
        _fill(store, parcels, "counted", rows=1000, days=4)
        held = Holdings(store)
        extents = held.partitions(_only("counted"))
        assert sum(extent.rows for extent in extents) == 1000
        for extent in extents:
            buckets = held.buckets(extent, _only("counted"))
            assert sum(bucket.rows for bucket in buckets) == extent.rows
            assert buckets[0].number == extent.oldest // BUCKET
            assert buckets[-1].number == extent.newest // BUCKET

    def test_slices_hold_every_row_once(self, store: Store, parcels: ParcelMaker) -> None:
        _fill(store, parcels, "sliced", rows=3000, days=3)
        bodies = _all(Holdings(store), "sliced", Limits(rows=70))
        frames = pl.concat(map(_frame, bodies))
        assert (frames.height, frames["id"].n_unique()) == (3000, 3000)
        assert len(bodies) > 40

    def test_checksums_do_not_depend_on_parts(self, store: Store, parcels: ParcelMaker) -> None:
        for _ in range(3):
            _fill(store, parcels, "merged", rows=50)
        held = Holdings(store)
        before = [held.buckets(extent, _only("merged")) for extent in held.partitions(_only("merged"))]
        store.query(Statement(sql="OPTIMIZE TABLE logs FINAL"))
        after = [held.buckets(extent, _only("merged")) for extent in held.partitions(_only("merged"))]
        assert before == after

    def test_a_row_more_changes_the_checksum(self, store: Store, parcels: ParcelMaker) -> None:
        _fill(store, parcels, "grown", rows=10)
        held = Holdings(store)
        (extent,) = held.partitions(_only("grown"))
        before = {bucket.number: bucket.checksum for bucket in held.buckets(extent, _only("grown"))}
        _fill(store, parcels, "grown", rows=1)
        (extent,) = held.partitions(_only("grown"))
        after = {bucket.number: bucket.checksum for bucket in held.buckets(extent, _only("grown"))}
        assert [number for number in after if after[number] != before.get(number)] == [_NOON * 1_000_000_000 // BUCKET]

    def test_rows_that_are_there_are_not_stored_again(self, store: Store, parcels: ParcelMaker) -> None:
        _fill(store, parcels, "again", rows=500, days=2)
        held = Holdings(store)
        done = [held.add(body) for body in _all(held, "again")]
        assert (sum(each.rows for each in done), sum(each.stored for each in done)) == (500, 0)
        assert sum(extent.rows for extent in held.partitions(_only("again"))) == 500

    def test_rows_that_went_come_back(self, store: Store, parcels: ParcelMaker) -> None:
        _fill(store, parcels, "back", rows=300, days=2)
        held = Holdings(store)
        bodies = _all(held, "back")
        before = [held.buckets(extent, _only("back")) for extent in held.partitions(_only("back"))]
        store.retain(Retention(age_days=0.5), Nanoseconds(_NOON * 1_000_000_000))
        left = sum(extent.rows for extent in held.partitions(_only("back")))
        assert 0 < left < 300
        assert sum(held.add(body, dry=True).stored for body in bodies) == 300 - left
        assert sum(held.add(body).stored for body in bodies) == 300 - left
        assert [held.buckets(extent, _only("back")) for extent in held.partitions(_only("back"))] == before

    def test_a_row_that_differs_in_anything_is_another_row(self, store: Store) -> None:
        row = golden_row().with_columns(service=pl.lit("other"))
        held = Holdings(store)
        assert held.add(arrow(row)).stored == 1
        for changed in (
            row.with_columns(message=pl.lit("another")),
            row.with_columns(attributes=pl.Series([{"n": "6"}], dtype=pl.Map(pl.String(), pl.String()))),
            row.with_columns(tags=pl.Series([["a"]])),
        ):
            assert held.add(arrow(changed)).stored == 1
            assert held.add(arrow(changed)).stored == 0

    def test_rows_are_cut_off_at_a_moment(self, store: Store, parcels: ParcelMaker) -> None:
        _fill(store, parcels, "moment", rows=5)
        held = Holdings(store)
        assert held.partitions([*_only("moment"), received_before(NOW)]) == []
        (extent,) = held.partitions([*_only("moment"), received_before(NOW + 1)])
        assert extent.rows == 5

    def test_keys_go_over(self, store: Store, parcels: ParcelMaker) -> None:
        key = BatchId(b"\x01moved-key-0123" + b"x")
        store.insert(parcels.parcel([parcels.batch([{"message": "m", "service": "keys"}], key=key)]))
        held = Holdings(store)
        body = held.keys(b"\0")
        frame = _frame(body)
        assert tuple(frame.columns) == KEY_COLUMNS
        assert key.hex().upper() in frame["batch"].to_list()
        assert held.add_keys(body).rows == frame.height
        assert _frame(held.keys(b"\xff" * 16)).is_empty()
        assert _frame(held.keys(b"\0", NOW + 1)).is_empty()
        assert store.known([key])[key].rows == 1

    @pytest.mark.parametrize(
        ("frame", "reason"),
        [
            pytest.param(golden_row().drop("origin"), "no column 'origin'", id="a column is missing"),
            pytest.param(golden_row().cast({"id": pl.String()}), "'id' is String", id="another type"),
            pytest.param(golden_row().with_columns(host=pl.lit(None, dtype=pl.String())), "nulls", id="nulls"),
        ],
    )
    def test_a_frame_that_is_none_of_ours_is_refused(self, store: Store, frame: pl.DataFrame, reason: str) -> None:
        with pytest.raises(BadPayload, match=reason):
            Holdings(store).add(arrow(frame))

    @pytest.mark.parametrize("body", [b"", b"garbage", arrow(golden_row())[:300]], ids=["empty", "garbage", "cut"])
    def test_a_body_that_is_no_arrow_is_refused(self, store: Store, body: bytes) -> None:
        with pytest.raises(BadPayload):
            Holdings(store).add(body)

    def test_a_partition_with_another_name_is_refused(self, store: Store) -> None:
        with pytest.raises(BadInput, match="no partition"):
            Holdings(store).rows("x' OR 1", Slice(first=0, last=1))

    def test_a_partition_that_is_not_there_is_empty(self, store: Store) -> None:
        extent = Extent(name="19990101", rows=0, oldest=Nanoseconds(0), newest=Nanoseconds(1 << 62))
        assert Holdings(store).buckets(extent) == []
