"""What nobody should send, sent to a real server: a clear answer, no harm to the neighbours, none to the process."""

import datetime as dt
import gzip
import itertools
import json
import random
import uuid
import zlib
from collections.abc import Iterator, Mapping
from urllib.parse import quote

import httpx
import pytest
import zstandard

from logyard.testing.server import Server
from tests.crash.stored import count, sql

GIB = 1 << 30
MIB = 1 << 20
RESIDENT = 1_200 * MIB

REFUSED = {
    "NaN": b'{"v":NaN}',
    "Infinity": b'{"v":Infinity}',
    "minus Infinity": b'{"v":-Infinity}',
    "objects nested 10,000 deep": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "arrays nested 10,000 deep": b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "100,000 fields": json.dumps({f"field{number}": number for number in range(100_000)}).encode(),
    "a line of 2 MB": b'{"message":"' + b"x" * (2 * MIB) + b'"}',
    "cut short": b'{"message":"x',
    "more than one value": b'{"a":1}}',
    "single quotes": b"{'a':1}",
    "a bare word": b"hello",
    "a number": b"12",
    "a string": b'"text"',
    "null": b"null",
    "an array": b"[1,2]",
    "a raw control character": b'{"message":"a\x01b"}',
}
REFUSED_OR_MENDED = {
    "invalid UTF-8": b'{"message":"caf\xe9 \xff\xfe"}',
    "overlong UTF-8": b'{"message":"\xc0\xaf"}',
    "a lone surrogate": b'{"message":"\\ud800"}',
    "a number beyond all bounds": b'{"v":1e999999}',
    "a number of 1,000 digits": b'{"v":' + b"9" * 1_000 + b"}",
    "a key of 100 KB": b'{"' + b"k" * 100_000 + b'":1}',
    "NUL in a key": b'{"a\\u0000b":1}',
}
TAKEN = {
    "the same key twice": b'{"message":"a","message":"b","x":1,"x":2}',
    "an empty key": b'{"":1}',
    "an empty object": b"{}",
    "the year 1": b'{"timestamp":"0001-01-01T00:00:00Z"}',
    "the year 9999": b'{"timestamp":"9999-12-31T23:59:59.999999999Z"}',
    "a timestamp of 30 digits": b'{"timestamp":' + b"9" * 30 + b"}",
    "a negative timestamp": b'{"timestamp":-1}',
    "an object for a timestamp": b'{"timestamp":{"a":1}}',
    "a timestamp that is none": b'{"timestamp":"yesterday, about noon"}',
    "an object for a message": b'{"message":{"a":[1,{"b":null}]}}',
    "null for everything": b'{"message":null,"service":null,"level":null,"timestamp":null}',
    "an array for a level": b'{"level":[1,2]}',
    "a service that is a path": b'{"service":"../../etc/group"}',
    "a service with NUL and newlines": b'{"service":"a\\u0000b\\nc\\r\\n"}',
    "a service of 10 KB": b'{"service":"' + b"s" * 10_240 + b'"}',
    "names of our own columns": b'{"id":"x","tenant":"y","origin":[1],"attributes":{"a":1},"objects":2,"_stream":"{}"}',
    "SQL": b'{"message":"\'); DROP TABLE logs; --","service":"\\\\\'"}',
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("bad") / "data") as running:
        yield running
        assert running.alive
        assert running.resident_bytes(peak=True) < RESIDENT
        assert not list(running.data.glob("dead_letters/*"))
        assert running.stop() == 0
        assert "Traceback" not in running.output()


def post(server: Server, content: bytes | Iterator[bytes], path: str = "/ingest", **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.post(f"{server.url}{path}", content=content, headers=named, timeout=120)


def between_neighbours(server: Server, line: bytes) -> tuple[httpx.Response, int]:
    """Send a line with a good one before and behind it; the answer, and how many of the two are found."""
    word = f"neighbour{uuid.uuid4().hex}"
    good = json.dumps({"message": word}).encode()
    answer = post(server, b"\n".join([good, line, good]), Content_Type="application/x-ndjson")
    return answer, count(server.url, word)


def cases(lines: Mapping[str, bytes]) -> list[object]:
    return [pytest.param(line, id=name) for name, line in lines.items()]


@pytest.mark.parametrize("line", cases(REFUSED))
def test_a_bad_line_is_refused_by_its_index_and_its_neighbours_are_kept(server: Server, line: bytes) -> None:
    answer, kept = between_neighbours(server, line)
    assert answer.status_code == 207, answer.text[:500]
    document = answer.json()
    assert (document["accepted"], document["rejected"], kept) == (2, 1, 2)
    assert [(error["index"], bool(error["reason"])) for error in document["errors"]] == [(1, True)]


@pytest.mark.parametrize("line", cases(REFUSED_OR_MENDED))
def test_a_doubtful_line_is_refused_or_mended_and_its_neighbours_are_kept(server: Server, line: bytes) -> None:
    answer, kept = between_neighbours(server, line)
    assert answer.status_code in {200, 207}, answer.text[:500]
    document = answer.json()
    assert document["accepted"] + document["rejected"] == 3
    assert kept == 2


@pytest.mark.parametrize("line", cases(TAKEN))
def test_an_odd_line_is_taken_as_it_is(server: Server, line: bytes) -> None:
    answer, kept = between_neighbours(server, line)
    assert (answer.status_code, answer.json()["accepted"], kept) == (200, 3, 2), answer.text[:500]


@pytest.mark.parametrize("line", cases({**REFUSED, **REFUSED_OR_MENDED, **TAKEN}))
def test_alone_it_gets_a_clear_answer(server: Server, line: bytes) -> None:
    answer = post(server, line, "/logs", Content_Type="application/json")
    assert answer.status_code in {200, 201, 400, 413}, answer.text[:500]
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(b"", 400, id="nothing"),
        pytest.param(b" \r\n\t\n ", 400, id="blanks"),
        pytest.param(b"\x00" * 100, 400, id="zeros"),
        pytest.param(random.Random(7).randbytes(1 << 16), 400, id="noise"),
        pytest.param(b"[" * 1_000_000, 400, id="a million brackets"),
        pytest.param(b'{"a":' * 1_000_000, 400, id="a million braces"),
        pytest.param(b"[1,2,3]", 400, id="an array of no objects"),
    ],
)
def test_a_bad_body_is_refused(server: Server, body: bytes, status: int) -> None:
    answer = post(server, body, "/logs/batch", Content_Type="application/json")
    assert answer.status_code == status, answer.text[:500]
    assert answer.json()["detail"]


def packed_zeros(coding: str, size: int) -> Iterator[bytes]:
    """``size`` zeros as a small compressed body."""
    block = bytes(MIB)
    pack = (
        zstandard.ZstdCompressor(level=3).compressobj()
        if coding == "zstd"
        else zlib.compressobj(6, zlib.DEFLATED, 31 if coding == "gzip" else 15)
    )
    for _ in range(size // MIB):
        yield pack.compress(block)
    yield pack.flush()


@pytest.mark.parametrize("coding", ["gzip", "zstd", "deflate"])
def test_a_bomb_does_not_go_off(server: Server, coding: str) -> None:
    before = server.resident_bytes(peak=True)
    bomb = b"".join(packed_zeros(coding, GIB))
    answer = post(server, bomb, Content_Encoding=coding)
    assert answer.status_code == 413, answer.text
    assert "body_bytes" in answer.json()["detail"]
    assert server.resident_bytes(peak=True) - before < 300 * MIB


@pytest.mark.parametrize(
    ("body", "coding", "status"),
    [
        pytest.param(gzip.compress(b'{"message":"x"}' * 100)[:-20], "gzip", 400, id="cut short"),
        pytest.param(b"no gzip", "gzip", 400, id="not what it says"),
        pytest.param(b"x", "snappy7", 415, id="unknown"),
    ],
)
def test_a_bad_encoding_is_refused(server: Server, body: bytes, coding: str, status: int) -> None:
    assert post(server, body, Content_Encoding=coding).status_code == status


@pytest.mark.parametrize("announced", [pytest.param(True, id="length given"), pytest.param(False, id="in chunks")])
def test_a_line_of_100_mb_is_too_large(server: Server, *, announced: bool) -> None:
    pieces = itertools.chain([b'{"message":"'], itertools.repeat(b"x" * MIB, 100), [b'"}'])
    answer = post(server, b"".join(pieces) if announced else iter(pieces))
    assert answer.status_code == 413, answer.text
    assert "body_bytes" in answer.json()["detail"]


@pytest.mark.parametrize(
    "service", ["../../etc/passwd", "..", "/", "a/b?c=d#e", "%2e%2e%2f", "日本 語", "'; --", "{}", "*", "a\u0000b"]
)
def test_a_service_is_only_a_name(server: Server, service: str) -> None:
    assert post(server, json.dumps({"service": service, "message": "here"}).encode(), "/logs").status_code == 201
    answer = httpx.get(f"{server.url}/logs", params={"service": service}, timeout=120)
    assert answer.status_code == 200
    assert [entry["message"] for entry in answer.json()["logs"]] == ["here"]


@pytest.mark.parametrize("service", ["../../etc/shadow", "c/d?e=f#g", "%2e%2e%2fetc", "語 日本"])
def test_a_service_is_only_a_name_in_a_path_too(server: Server, service: str) -> None:
    assert post(server, json.dumps({"service": service, "message": "here"}).encode(), "/logs").status_code == 201
    answer = httpx.get(f"{server.url}/logs/{quote(service, safe='')}", params={"limit": 1}, timeout=120)
    assert answer.json()["service"] == service
    assert [entry["message"] for entry in answer.json()["logs"]] == ["here"]


@pytest.mark.slow
def test_ten_thousand_different_keys_do_no_harm(server: Server) -> None:
    rows = [{"message": "manykeys", **{f"key{row * 4 + key}": row for key in range(4)}} for row in range(5_000)]
    body = "\n".join(map(json.dumps, rows)).encode()
    assert post(server, body).status_code == 200
    assert count(server.url, "manykeys") == 5_000
    assert count(server.url, "manykeys key10000:=2500") == 1
    assert count(server.url, "manykeys key19999:>4998") == 1


@pytest.mark.slow
def test_ten_thousand_different_services_do_no_harm(server: Server) -> None:
    rows = [{"message": "manyservices", "service": f"service {row}", "host": f"host {row}"} for row in range(10_000)]
    assert post(server, "\n".join(map(json.dumps, rows)).encode()).status_code == 200
    assert count(server.url, "manyservices") == 10_000
    assert httpx.get(f"{server.url}/logs/service 9999", timeout=120).json()["count"] == 1


@pytest.mark.slow
def test_thousands_of_days_in_one_batch_do_not_hold_up_the_rest(server: Server) -> None:
    first = dt.datetime(1980, 1, 1, tzinfo=dt.UTC)
    days = [(first + dt.timedelta(days=day)).isoformat() for day in range(10_000)]
    body = "\n".join(json.dumps({"message": "manydays", "timestamp": day}) for day in days)
    assert post(server, body.encode()).status_code == 200
    assert post(server, b'{"message":"afterthedays"}', "/logs").status_code == 201
    found = [count(server.url, "afterthedays") for _ in range(6)]  # each waits for the store, ten seconds at most
    assert found[-1] == 1
    assert count(server.url, "manydays") == 10_000
    partitions = sql(server.url, "SELECT uniqExact(_partition_id) AS partitions FROM logs")[0]["partitions"]
    assert partitions < 1_000
