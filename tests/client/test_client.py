import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import polars as pl
import pyarrow as pa
import pytest

from logyard.client import Client, Facet, Ingested, Missed, Replicated, Row
from logyard.clock import SystemClock
from logyard.errors import BadInput, BadQuery, NotFound, NotNow
from logyard.model.ids import SnowflakeIds
from tests.handler.target import Answer, Target
from tests.handler.target import target as listening


def records(count: int) -> list[dict[str, Any]]:
    return [
        {"level": "ERROR" if number % 3 == 0 else "INFO", "message": f"m{number}", "n": number}
        for number in range(count)
    ]


def test_what_went_in_is_found(logs: Client, service: str) -> None:
    assert logs.ingest(records(6), service=service) == Ingested(accepted=6)
    found = list(logs.query(f"service:={service} level:ERROR | sort by (n)"))
    assert [row["message"] for row in found] == ["m0", "m3"]


def test_one_record(logs: Client, service: str) -> None:
    one: Any = {"message": "alone"}
    assert logs.ingest(one, service=service).accepted == 1
    assert [row["message"] for row in logs.query(f"service:={service}")] == ["alone"]


def test_pages_of_records_as_they_were_sent(logs: Client, service: str) -> None:
    logs.ingest([{"msg": f"m{number}", "nested": {"n": number}} for number in range(5)], service=service)
    first = logs.page(f"service:={service}", limit=2)
    assert [(row["msg"], row["nested"]) for row in first.logs] == [("m4", {"n": 4}), ("m3", {"n": 3})]
    logs.ingest([{"msg": "later"}], service=service)
    rest = logs.page(f"service:={service}", limit=3, offset=2, until=first.newest)
    assert ([row["msg"] for row in rest.logs], rest.total) == (["m2", "m1", "m0"], 5)
    with pytest.raises(BadQuery):
        logs.page("* | limit 1")


def test_records_that_were_accepted_elsewhere(logs: Client, service: str) -> None:
    ids = SnowflakeIds(77, SystemClock())
    first, now = ids.reserve(2), SystemClock().now()
    head = msgspec.json.encode({"blocks": [{"first": first, "received": now, "rows": 2}]})
    body = b"\n".join([head, *(msgspec.json.encode({"service": service, "message": str(n)}) for n in range(2))])
    assert logs.replicate(body) == Replicated(blocks=1, rows=2, stored=2)
    assert logs.replicate(body) == Replicated(blocks=1, rows=2, stored=0)
    assert logs.get(ids.text(ids.nth(first, 1)))["message"] == "1"
    with pytest.raises(BadInput):
        logs.replicate(b"nonsense")


def test_ready(logs: Client) -> None:
    logs.ready()
    with Client("http://127.0.0.1:1") as nobody, pytest.raises(NotNow):
        nobody.ready()


def test_nothing(logs: Client) -> None:
    assert logs.ingest([]) == Ingested()


def test_a_frame(logs: Client, service: str) -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
    frame = pl.DataFrame({"timestamp": [moment], "message": ["framed"], "n": [7], "service": [service]})
    assert logs.ingest(frame).accepted == 1
    row = next(iter(logs.query(f"service:={service}", start=moment)))
    assert (row["timestamp"], row["n"]) == ("2026-01-02T03:04:05.678Z", 7)


def test_many_records_go_in_several_requests(logs: Client, service: str) -> None:
    assert logs.ingest(records(25_000), service=service).accepted == 25_000
    assert logs.query(f"service:={service} | stats count() as n").to_polars()["n"].cast(int).to_list() == [25_000]


def test_the_same_key_again_stores_nothing(logs: Client, service: str) -> None:
    for _ in range(2):
        assert logs.ingest(records(3), service=service, key=service).accepted == 3
    assert len(list(logs.query(f"service:={service}"))) == 3


def test_bad_records_are_named(logs: Client, service: str) -> None:
    given: list[Any] = [{"message": "good"}, 7, {"message": "better"}]
    found = logs.ingest(given, service=service)
    assert (found.accepted, found.rejected) == (2, 1)
    assert found.errors[0].index == 1
    with pytest.raises(BadInput):
        logs.ingest(given[1:2])


def test_a_frame_comes_back(logs: Client, service: str) -> None:
    logs.ingest(records(10), service=service)
    frame = logs.query(f"service:={service} | sort by (n) | fields message, n").to_polars()
    assert frame.columns == ["message", "n"]
    assert frame["message"].to_list() == [f"m{number}" for number in range(10)]


def test_a_field_of_several_types_is_text(logs: Client, service: str) -> None:
    logs.ingest([{"message": "a", "v": 1}, {"message": "b", "v": "x"}], service=service)
    frame = logs.query(f"service:={service} | sort by (message)").to_polars()
    assert frame["v"].to_list() == ["1", "x"]


def test_arrow(logs: Client, service: str) -> None:
    logs.ingest(records(4), service=service)
    table = pa.table(logs.query(f"service:={service}"))
    assert table.num_rows == 4


def test_rows_may_be_left_early(logs: Client, service: str) -> None:
    logs.ingest(records(5000), service=service)
    with logs.query(f"service:={service}", limit=5000) as rows:
        assert next(iter(rows))["service"] == service
    assert len(list(logs.query(f"service:={service}", limit=5))) == 5


def test_sql(logs: Client, service: str) -> None:
    logs.ingest(records(4), service=service)
    found = list(logs.sql(f"SELECT count() AS n FROM logs WHERE service = '{service}'"))
    assert [str(row["n"]) for row in found] == ["4"]


def test_counts(logs: Client, service: str) -> None:
    logs.ingest(records(6), service=service)
    asked = f"service:={service}"
    hits = logs.hits(asked, step="1d", fields=["level"])
    assert {(each.fields["level"], each.total) for each in hits} == {("INFO", 4), ("ERROR", 2)}
    facets = {facet.field_name: facet for facet in logs.facets(asked)}
    assert isinstance(facets["level"], Facet)
    assert [(each.field_value, each.hits) for each in facets["level"].values] == [("INFO", 4), ("ERROR", 2)]
    assert {"message", "level", "n"} <= {each.value for each in logs.field_names(asked)}
    assert [(each.value, each.hits) for each in logs.field_values("level", asked)] == [("INFO", 4), ("ERROR", 2)]
    assert logs.stats().total_logs > 0


def test_one_by_its_id(logs: Client, service: str) -> None:
    logs.ingest(records(3), service=service)
    row = next(iter(logs.query(f"service:={service} m1")))
    assert logs.get(str(row["id"]))["message"] == "m1"
    assert [each["message"] for each in logs.context(str(row["id"]), before=1, after=1)] == ["m0", "m1", "m2"]


@pytest.mark.parametrize("log_id", ["1-1-1", "nonsense", "../stats", "a/b?c"])
def test_no_such_id(logs: Client, log_id: str) -> None:
    with pytest.raises(NotFound):
        logs.get(log_id)


def test_a_query_that_is_none(logs: Client) -> None:
    with pytest.raises(BadQuery, match="at character"):
        logs.query("level:(")
    with pytest.raises(BadInput, match="start: 2026-01-02T00:00:00 has no time zone"):
        logs.query(start=datetime(2026, 1, 2))  # noqa: DTZ001 - that is the mistake


def test_tail(logs: Client, service: str) -> None:
    logs.ingest([{"message": "before"}], service=service)
    tail = logs.tail(f"service:={service}", history=10)
    assert message(next(tail)) == "before"
    logs.ingest([{"message": "after"}], service=service)
    last = next(tail)
    assert message(last) == "after"
    logs.ingest([{"message": "meanwhile"}], service=service)
    assert isinstance(last, dict)
    resumed = logs.tail(f"service:={service}", resume=str(last["id"]))
    assert message(next(resumed)) == "meanwhile"
    closed(tail)
    closed(resumed)


def message(event: Row | Missed) -> str:
    assert isinstance(event, dict)
    return str(event["message"])


def closed(tail: Iterator[Row | Missed]) -> None:
    tail.close()  # type: ignore[attr-defined] # it is a generator


def test_a_tail_that_cannot_be(logs: Client) -> None:
    with pytest.raises(BadQuery):
        next(logs.tail("* | stats count()"))


def test_many_threads(logs: Client, service: str) -> None:
    threads = [threading.Thread(target=logs.ingest, args=(records(50),), kwargs={"service": service}) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(logs.query(f"service:={service}"))) == 400


def test_nobody_there() -> None:
    with Client("http://127.0.0.1:1") as logs:
        with pytest.raises(NotNow, match=r"cannot reach http://127\.0\.0\.1:1"):
            logs.stats()
        with pytest.raises(NotNow):
            next(logs.tail())


@pytest.mark.parametrize("url", ["ftp://a", "127.0.0.1:1"])
def test_no_address(url: str) -> None:
    with pytest.raises(BadInput, match="is no address of a server"), Client(url) as logs:
        logs.stats()


@pytest.mark.parametrize(
    "answer", [Answer(503), Answer(429, headers={"Retry-After": "0"}), Answer(raw=b"nonsense"), Answer(lose=True)]
)
def test_ingest_is_tried_again_under_the_same_key(target: Target, answer: Answer) -> None:
    target.answers.append(answer)
    target.answers.append(Answer(body=b'{"accepted":1,"rejected":0}'))
    with Client(target.url, api_key="secret") as logs:
        assert logs.ingest([{"message": "x"}]).accepted == 1
    assert len(target.requests) == 2
    assert len({request.key for request in target.requests}) == 1
    assert target.requests[0].headers["authorization"] == "Bearer secret"
    assert target.messages == ["x"]


def test_an_answer_that_is_none(target: Target) -> None:
    target.answers.append(Answer(body=b"<html>"))
    with Client(target.url) as logs, pytest.raises(Exception, match="none that this client knows"):
        logs.ingest([{"message": "x"}])


@pytest.fixture
def target() -> Iterator[Target]:
    with listening() as found:
        yield found
