"""The conformance suite of the store port: every adapter passes it unchanged.

Inherit it, give a fixture ``store`` with an empty ``logs`` table and a fixture ``parcels``.
"""

import polars as pl
import pytest

from logyard.errors import BadQuery, QueryTimeout
from logyard.model.reading import Reading
from logyard.ports import Retention, Statement, Store
from logyard.store.parcel import FEW_ROWS
from logyard.testing.parcels import NOW, ParcelMaker
from logyard.types import BatchId, Json, Nanoseconds

__all__ = ["StoreSuite"]

_DAY = 86_400


def _ask(store: Store, what: str, where: str = "1") -> list[tuple[object, ...]]:
    return store.query(Statement(sql=f"SELECT {what} FROM logs WHERE {where}")).rows()


def _records(count: int, **more: Json) -> list[dict[str, Json]]:
    return [{"timestamp": NOW // 1_000_000_000, "message": f"m{index}", **more} for index in range(count)]


class StoreSuite:
    """What a store promises."""

    @pytest.mark.parametrize("rows", [1, FEW_ROWS - 1, FEW_ROWS, FEW_ROWS * 2], ids=lambda rows: f"{rows}-rows")
    def test_every_record_of_a_parcel_is_found_once(self, store: Store, parcels: ParcelMaker, rows: int) -> None:
        name = f"all-{rows}"
        store.insert(parcels.parcel([parcels.batch(_records(rows, service=name))]))
        assert _ask(store, "count(), uniqExact(id), uniqExact(message)", f"service = '{name}'") == [(rows, rows, rows)]

    @pytest.mark.parametrize("rows", [3, FEW_ROWS], ids=["framed", "read-in-place"])
    def test_the_same_token_is_stored_once(self, store: Store, parcels: ParcelMaker, rows: int) -> None:
        name = f"again-{rows}"
        parcel = parcels.parcel([parcels.batch(_records(rows, service=name))])
        for _ in range(3):
            store.insert(parcel)
        assert _ask(store, "count()", f"service = '{name}'") == [(rows,)]

    def test_the_same_rows_under_another_token_are_other_rows(self, store: Store, parcels: ParcelMaker) -> None:
        for _ in range(2):
            store.insert(parcels.parcel([parcels.batch(_records(2, service="twice"))]))
        assert _ask(store, "count()", "service = 'twice'") == [(4,)]

    def test_a_parcel_over_many_days_is_stored_whole(self, store: Store, parcels: ParcelMaker) -> None:
        records: list[dict[str, Json]] = [
            {"timestamp": NOW // 1_000_000_000 - day * _DAY, "service": "days"} for day in range(150)
        ]
        store.insert(parcels.parcel([parcels.batch(records)]))
        assert _ask(store, "uniqExact(toDate(timestamp))", "service = 'days'") == [(150,)]

    def test_a_day_of_every_year_makes_few_partitions(self, store: Store, parcels: ParcelMaker) -> None:
        records: list[dict[str, Json]] = [{"timestamp": day * _DAY, "service": "ages ago"} for day in range(1, 20_000)]
        before = store.stats().partitions
        store.insert(parcels.parcel([parcels.batch(records)]))
        assert store.stats().partitions - before < 500
        assert _ask(store, "count()", "service = 'ages ago'") == [(19_999,)]

    def test_both_forms_give_the_same_rows(self, store: Store, parcels: ParcelMaker) -> None:
        records: list[dict[str, Json]] = [{"msg": "a", "lvl": "warn", "n": {"x": 1, "s": "1"}, "app": "both"}]
        batch = parcels.batch(records)
        store.insert(parcels.parcel([batch]))
        store.insert(parcels.parcel([parcels.framed(batch)]))
        rows = _ask(store, "message, level, level_text, attributes, objects, origin", "service = 'both'")
        assert len(rows) == 2
        assert rows[0] == rows[1]

    def test_each_way_of_reading_is_kept_apart(self, store: Store, parcels: ParcelMaker) -> None:
        mine = Reading(message=("text",))
        records: list[dict[str, Json]] = [{"text": "t", "message": "m", "service": "readings"}] * FEW_ROWS
        store.insert(parcels.parcel([parcels.batch(records), parcels.batch(records, reading=mine)]))
        rows = _ask(store, "message, count() AS n", "service = 'readings' GROUP BY message")
        assert sorted(map(str, rows)) == [f"('m', {FEW_ROWS})", f"('t', {FEW_ROWS})"]

    def test_facets_count_each_record_once(self, store: Store, parcels: ParcelMaker) -> None:
        parcel = parcels.parcel([parcels.batch(_records(FEW_ROWS, service="facets", colour="red"))])
        for _ in range(2):
            store.insert(parcel)
        sql = "SELECT sum(hits) FROM facets WHERE field = 'colour' AND value = 'red'"
        assert store.query(Statement(sql=sql)).rows() == [(FEW_ROWS,)]

    def test_keyed_batches_are_remembered(self, store: Store, parcels: ParcelMaker) -> None:
        key = BatchId(b"k" * 16)
        batch = parcels.batch(_records(3, service="keyed"), key=key)
        assert store.known([key]) == {}
        store.insert(parcels.parcel([batch]))
        found = store.known([key, BatchId(b"?" * 16)])
        assert set(found) == {key}
        assert (found[key].first, found[key].rows, found[key].duplicate) == (batch.first, 3, True)

    def test_ten_thousand_different_keys_do_no_harm(self, store: Store, parcels: ParcelMaker) -> None:
        records: list[dict[str, Json]] = [
            {"service": "keys", **{f"key_{row * 5 + n}": row for n in range(5)}} for row in range(2000)
        ]
        store.insert(parcels.parcel([parcels.batch(records)]))
        assert _ask(store, "count()", "service = 'keys' AND attributes['key_9999'] = '1999'") == [(1,)]

    def test_numbers_stay_numbers(self, store: Store, parcels: ParcelMaker) -> None:
        records: list[dict[str, Json]] = [{"service": "types", "n": 5, "s": "5", "b": True, "f": 1.5, "z": None}]
        store.insert(parcels.parcel([parcels.batch(records)]))
        (row,) = _ask(store, "attributes", "service = 'types'")
        assert row == ({"n": "5", "s": '"5"', "b": "true", "f": "1.5", "z": "null"},)

    def test_an_answer_can_come_in_pieces(self, store: Store) -> None:
        statement = Statement(sql="SELECT number FROM numbers(5000000)")
        with store.stream(statement) as pieces:
            frames = list(pieces)
        assert pl.concat(frames).height == 5_000_000
        assert len(frames) > 1

    def test_an_answer_may_be_left_half_way(self, store: Store) -> None:
        with store.stream(Statement(sql="SELECT number FROM numbers(100000000)")) as pieces:
            next(pieces)
        assert store.query(Statement(sql="SELECT 1 AS one")).rows() == [(1,)]

    def test_a_failed_query_leaves_nothing_behind(self, store: Store) -> None:
        for _ in range(3):
            with pytest.raises(BadQuery):
                store.query(Statement(sql="SELECT toInt64(concat('x', toString(number))) FROM numbers(100000)"))
            assert store.query(Statement(sql="SELECT 41 + 1 AS sum")).rows() == [(42,)]

    def test_a_long_query_ends_at_its_limit(self, store: Store) -> None:
        settings: dict[str, str | int] = {"max_execution_time": 1}
        with pytest.raises(QueryTimeout, match=r"query\.timeout"):
            store.query(Statement(sql="SELECT sum(sipHash64(number)) FROM numbers(100000000000)", settings=settings))

    def test_retention_by_age_drops_whole_days(self, store: Store, parcels: ParcelMaker) -> None:
        records: list[dict[str, Json]] = [
            {"timestamp": NOW // 1_000_000_000 - (20 - day) * _DAY, "service": "ages"} for day in range(3)
        ]
        store.insert(parcels.parcel([parcels.batch(records)]))
        now = Nanoseconds(NOW - 8 * _DAY * 1_000_000_000)
        gone = store.retain(Retention(age_days=10.5), now)
        assert len(gone) >= 2
        assert _ask(store, "count()", "service = 'ages'") == [(1,)]
        facets = "SELECT sum(hits) FROM facets WHERE field = 'service' AND value = 'ages'"
        assert store.query(Statement(sql=facets)).rows() == [(1,)]

    def test_statistics_count_what_is_stored(self, store: Store, parcels: ParcelMaker) -> None:
        before = store.stats()
        store.insert(parcels.parcel([parcels.batch(_records(7, service="counted"))]))
        after = store.stats()
        assert after.rows - before.rows == 7
        assert after.bytes_on_disk > 0
        assert after.newest is not None
        assert after.oldest is not None
        assert after.oldest <= NOW <= after.newest
