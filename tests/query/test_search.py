"""The questions of the query API, in our own names, over a few records of our own."""

from collections.abc import Callable, Sequence

import pytest

from logyard.errors import BadQuery
from logyard.language.entry import parse_filter
from logyard.model.dialect import Dialect
from logyard.query.records import Listing
from logyard.query.rows import Row
from logyard.query.search import FacetLimits, QueryRequest, Search, Value

Record = dict[str, object]
Filler = Callable[[str, Sequence[Record]], None]
TENANT = "shop"
START = 1_741_946_400_000_000_000
"""2025-03-14T10:00:00Z."""
MINUTE = 60_000_000_000
RECORDS: Sequence[Record] = [
    {
        "timestamp": f"2025-03-14T10:{index:02}:00.5Z",
        "level": ("info", "WARN", "err", "fatal")[index % 4],
        "message": f"order {index} from “Zoë_{index}”" if index % 2 else f"cart {index}",
        "service": "shop" if index < 10 else "billing",
        "host": "a",
        "user": {"name": f"u{index % 3}", "vip": index % 2 == 0},
        "n": index,
    }
    for index in range(12)
]
ODD: Sequence[Record] = [
    {
        "ts": "2025-03-14T11:00:00Z",
        "lvl": 30,
        "msg": "kept as it came",
        "app": "odd",
        "nested": {"deep": {"er": 1}, "list": [1, {"a": None}]},
        "dotted.name": "x",
        "number_text": "12",
        "nothing": None,
        "empty": "",
        "flag": False,
        "trace_id": "t-1",
        "big": 18_446_744_073_709_551_615,
        "fraction": 0.1,
    },
    {"msg": "no time, no service"},
]


@pytest.fixture
def shop(search: Search, fill: Filler) -> Search:
    fill(TENANT, RECORDS)
    fill("odd", ODD)
    fill("other", [{"timestamp": "2025-03-14T10:00:00Z", "message": "another tenant", "service": "shop"}])
    return search


def asking(query: str = "*", **more: object) -> QueryRequest:
    return QueryRequest(**{"query": query, "tenant": TENANT, **more})  # type: ignore[arg-type]


async def rows(search: Search, request: QueryRequest) -> list[Row]:
    return [row async for chunk in search.rows(request) for row in chunk]


async def numbers(search: Search, query: str, **more: object) -> list[object]:
    return [row["n"] for row in await rows(search, asking(query, **more))]


async def test_a_row_is_flat_and_has_our_names_and_json_types(shop: Search) -> None:
    (row,) = await rows(shop, asking("n:=3"))
    assert row.pop("id")
    assert row == {
        "timestamp": "2025-03-14T10:03:00.5Z",
        "level": "CRITICAL",
        "service": "shop",
        "host": "a",
        "message": "order 3 from “Zoë_3”",
        "user.name": "u0",
        "user.vip": False,
        "n": 3,
    }


async def test_types_are_those_of_the_sender(shop: Search) -> None:
    (row,) = await rows(shop, asking("kept", tenant="odd"))
    for name in ("id", "timestamp"):
        assert row.pop(name)
    assert row == {
        "level": "INFO",
        "service": "odd",
        "message": "kept as it came",
        "nested.deep.er": 1,
        "nested.list": [1, {"a": None}],
        "dotted.name": "x",
        "number_text": "12",
        "nothing": None,
        "empty": "",
        "flag": False,
        "trace_id": "t-1",
        "big": 18_446_744_073_709_551_615,
        "fraction": 0.1,
    }


async def test_types_are_kept_by_fields_and_sort(shop: Search) -> None:
    found = await rows(shop, asking("* | sort by (n desc) limit 1 | fields n, user.vip, user.name, level"))
    assert found == [{"n": 11, "user.vip": False, "user.name": "u2", "level": "CRITICAL"}]
    assert await rows(shop, asking("* | stats by (user.vip) count() as n | sort by (user.vip)")) == [
        {"user.vip": "false", "n": 6},
        {"user.vip": "true", "n": 6},
    ]


async def test_the_newest_come_first(shop: Search) -> None:
    assert await numbers(shop, "*") == list(range(11, -1, -1))
    assert await numbers(shop, "*", limit=3) == [11, 10, 9]
    assert await numbers(shop, "order | fields n", limit=2) == [11, 9]
    assert await numbers(shop, 'order | extract "order <x> " | fields n, x', limit=2) == ["11", "9"]


async def test_start_is_inside_and_end_is_outside(shop: Search) -> None:
    second = START + 2 * MINUTE + MINUTE // 120
    assert await numbers(shop, "*", start=second, end=second + MINUTE) == [2]
    assert await numbers(shop, "*", start=second, end=second + MINUTE + 1) == [3, 2]


async def test_the_end_is_inside_for_victoria(shop: Search) -> None:
    second = START + 2 * MINUTE + MINUTE // 120
    request = asking("* | count()", start=second, end=second + MINUTE, dialect=Dialect.VICTORIA)
    assert await rows(shop, request) == [{"count(*)": "2"}]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        pytest.param("level:warn", [9, 5, 1], id="level in another spelling"),
        pytest.param("level:WARNING", [9, 5, 1], id="canonical level"),
        pytest.param("level:=Warn", [9, 5, 1], id="exactly, in another spelling"),
        pytest.param("level:in(error, crit)", [11, 10, 7, 6, 3, 2], id="list of levels"),
        pytest.param("level:>=error", [11, 10, 7, 6, 3, 2], id="levels from one on"),
        pytest.param("level:<warning", [8, 4, 0], id="levels below one"),
        pytest.param("!level:>=warning n:>3", [8, 4], id="not"),
        pytest.param("* | filter level:fatal", [11, 7, 3], id="behind a pipe"),
        pytest.param("service:=billing", [11, 10], id="column"),
        pytest.param("user.name:u1 level:info", [4], id="attribute"),
        pytest.param("user.vip:=true n:<3", [2, 0], id="boolean"),
        pytest.param("Zoë_3", [3], id="word beyond ASCII, in typographic quotes"),
        pytest.param('"from “Zoë_3"', [3], id="phrase"),
        pytest.param("Zo*", [11, 9, 7, 5, 3, 1], id="prefix"),
        pytest.param("zoë_3", [], id="a word in another case"),
        pytest.param("i(zoë_3)", [3], id="in any case"),
        pytest.param("Zoë", [], id="a part of a word"),
        pytest.param('{service="billing"}', [11, 10], id="stream"),
        pytest.param("n:in(n:>9 | fields n)", [11, 10], id="query inside"),
        pytest.param("_time:2025-03-14T10:04Z", [4], id="time"),
    ],
)
async def test_a_filter_finds(shop: Search, query: str, found: list[int]) -> None:
    assert await numbers(shop, query) == found


async def test_records_of_another_tenant_are_not_seen(shop: Search) -> None:
    assert len(await rows(shop, asking("*", tenant="other"))) == 1
    assert await rows(shop, asking("another")) == []


async def test_the_requests_filters_hold_too(shop: Search) -> None:
    extra = parse_filter("service:=billing", now=0)
    assert await numbers(shop, "* | fields n", filters=(extra,)) == [11, 10]


async def test_an_error_points_at_the_place(shop: Search) -> None:
    with pytest.raises(BadQuery) as caught:
        await rows(shop, asking("error | sort by (a) limit x"))
    assert caught.value.position == 26


async def test_hits_by_time_and_field(shop: Search) -> None:
    first, second = await shop.hits(asking(), step=6 * MINUTE, fields=["service"])
    assert (first.fields, first.values, first.total) == ({"service": "shop"}, [6, 4], 10)
    assert first.timestamps == ["2025-03-14T10:00:00Z", "2025-03-14T10:06:00Z"]
    assert (second.fields, second.total) == ({"service": "billing"}, 2)
    (whole,) = await shop.hits(asking("order | fields x"), step=6 * MINUTE)
    assert (whole.fields, whole.total) == ({}, 6)
    most, others = await shop.hits(asking(), step=60 * MINUTE, fields=["user.name"], most=1)
    assert (most.fields, most.total, others.fields, others.total) == ({"user.name": "u0"}, 4, {}, 8)


async def test_facets_of_some_and_of_all(shop: Search) -> None:
    some = {each.field_name: each.values for each in await shop.facets(asking("n:>=0"))}
    assert some["service"] == [Value("shop", 10), Value("billing", 2)]
    assert "host" not in some, "one value for all rows says nothing"
    everything = {each.field_name: each.values for each in await shop.facets(asking())}
    assert everything["service"] == some["service"]
    const = await shop.facets(asking(), FacetLimits(keep_const=True, limit=1))
    assert {each.field_name: each.values for each in const}["host"] == [Value("a", 12)]


async def test_names_and_values_of_fields(shop: Search) -> None:
    for query in ("*", "n:>=0"):
        found = {each.value: each.hits for each in await shop.field_names(asking(query))}
        assert found["user.name"] == found["message"] == found["level"] == 12
        assert "trace_id" not in found
    assert await shop.field_values(asking("order"), "service") == [Value("shop", 5), Value("billing", 1)]
    assert await shop.field_values(asking(), "level", 1) == [Value("CRITICAL", 3)]


async def test_streams_and_their_labels(shop: Search) -> None:
    assert await shop.streams(asking()) == [
        Value('{host="a",service="shop"}', 10),
        Value('{host="a",service="billing"}', 2),
    ]
    assert [each.value for each in await shop.stream_field_names(asking())] == ["host", "service"]
    assert await shop.stream_field_values(asking(), "host") == [Value("a", 12)]


async def test_metrics(shop: Search) -> None:
    query = asking("* | stats by (service) count() as n, max(n) as m | filter n:>5", now=START)
    assert await shop.stats_query(query) == [
        {"metric": {"__name__": "n", "service": "shop"}, "value": [START // 10**9, "10"]},
        {"metric": {"__name__": "m", "service": "shop"}, "value": [START // 10**9, "9"]},
    ]
    (line,) = await shop.stats_query_range(asking("* | count() n"), step=6 * MINUTE)
    assert line == {"metric": {"__name__": "n"}, "values": [[START // 10**9, "6"], [START // 10**9 + 360, "6"]]}
    with pytest.raises(BadQuery):
        await shop.stats_query(asking("*"))


async def test_a_record_comes_back_as_it_was_sent(shop: Search) -> None:
    (found,) = await rows(shop, asking("kept", tenant="odd"))
    record = await shop.by_id(int(str(found["id"])), tenant="odd")
    assert record is not None
    assert record.pop("id") == found["id"]
    assert record == ODD[0]
    assert await shop.by_id(1, tenant="odd") is None
    assert await shop.by_id(int(str(found["id"])), tenant=TENANT) is None


async def test_defaults_have_our_names(shop: Search) -> None:
    (record,) = await shop.last("unknown", 5, tenant="odd")
    assert sorted(record) == ["id", "msg", "service", "timestamp"]


async def test_the_last_of_a_service_oldest_first(shop: Search) -> None:
    found = await shop.last("shop", 3, tenant=TENANT)
    assert [record["n"] for record in found] == [7, 8, 9]
    assert found[0]["level"] == "fatal"
    assert found[0]["user"] == {"name": "u1", "vip": False}
    assert await shop.last("../../etc/passwd", 3, tenant=TENANT) == []


async def test_a_page_of_a_list(shop: Search) -> None:
    found = await shop.listing(asking("level:error"), 2, 1)
    assert ([record["n"] for record in found.rows], found.total) == ([6, 2], 3)


async def test_a_list_ends_at_an_id(shop: Search) -> None:
    whole = await shop.listing(asking("level:error"), 10)
    assert whole.newest == int(str(whole.rows[0]["id"]))
    older = await shop.listing(asking("level:error"), 10, until=int(str(whole.rows[1]["id"])))
    assert (older.rows, older.total) == (whole.rows[1:], 2)
    assert await shop.listing(asking("nothing_like_this"), 10) == Listing(rows=[], total=0, newest=0)


async def test_context_is_of_the_same_stream(shop: Search) -> None:
    (row,) = await rows(shop, asking("n:=5"))
    found = await shop.context(int(str(row["id"])), before=2, after=1, request=asking())
    assert [each["n"] for each in found] == [3, 4, 5, 6]
    (last,) = await rows(shop, asking("n:=9"))
    assert [each["n"] for each in await shop.context(int(str(last["id"])), before=1, after=5, request=asking())] == [
        8,
        9,
    ]
    assert await shop.context(1, request=asking()) == []


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        pytest.param("kept | fields lvl, msg, app", {"lvl": "30", "msg": None, "app": "odd"}, id="the sender's keys"),
        pytest.param("kept | fields level, service, ts", {"ts": "2025-03-14T11:00:00Z"}, id="not our own names"),
        pytest.param("kept | fields number_text, flag, n", {"number_text": "12", "flag": "false"}, id="texts"),
    ],
)  # fmt: skip
async def test_victoria_sees_what_the_sender_gave(shop: Search, query: str, fields: dict[str, str | None]) -> None:
    (row,) = await rows(shop, asking(query, tenant="odd", dialect=Dialect.VICTORIA))
    wanted = {name: value for name, value in fields.items() if value is not None}
    row.pop("msg", None)
    assert row == wanted


async def test_ids_are_compared_without_rounding(shop: Search) -> None:
    newest, older = [int(str(row["id"])) for row in await rows(shop, asking("*", limit=2))]
    assert newest - older == 1
    assert len(await rows(shop, asking(f"id:>={newest}"))) == 1
    assert len(await rows(shop, asking(f"id:>{older}"))) == 1
    assert await numbers(shop, f"id:={older}") == [10]


async def test_victoria_shows_ids_to_those_who_ask(shop: Search) -> None:
    request = asking("n:=3", dialect=Dialect.VICTORIA)
    (plain,) = await rows(shop, request)
    (known,) = await rows(shop, asking("n:=3", dialect=Dialect.VICTORIA, ids=True))
    assert known == {**plain, "_id": (await rows(shop, asking("n:=3")))[0]["id"]}
    same = asking(f"_id:>={known['_id']} n:<4", dialect=Dialect.VICTORIA)
    assert await rows(shop, same) == [plain]
