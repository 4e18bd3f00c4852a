"""Lines of any kind by HTTP, with what is known of all of them: what a collector sends, and what curl sends."""

import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import zstandard

from logyard.testing.server import Server
from tests.crash.stored import sql

LINES = b'plain\n{"message":"json","level":"warn","service":"own"}\n{broken\n\nlast\xff\n'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("server") / "data") as running:
        yield running


def rows(server: Server, source: str) -> list[tuple[str, ...]]:
    text = f"SELECT message, level, service FROM logs WHERE source = '{source}' ORDER BY id"
    return [tuple(row.values()) for row in sql(server.url, text)]


def post(server: Server, body: bytes, **headers: str) -> httpx.Response:
    given = {name.replace("_", "-"): text for name, text in headers.items()}
    return httpx.post(f"{server.url}/ingest?service=shop&source={given.pop('source')}", content=body, headers=given)


def test_every_line_is_kept_as_what_it_is(server: Server) -> None:
    answer = post(server, LINES, source="mixed")
    assert (answer.status_code, answer.json()["accepted"]) == (200, 4)
    want = [("plain", "", "shop"), ("json", "WARNING", "own"), ("{broken", "", "shop"), ("last\ufffd", "", "shop")]
    assert rows(server, "mixed") == want


def test_plain_means_plain(server: Server) -> None:
    httpx.post(f"{server.url}/ingest?format=plain&source=plain&service=s", content=b'{"message":"x"}\n')
    assert rows(server, "plain") == [('{"message":"x"}', "", "s")]


def test_the_same_key_again_stores_nothing(server: Server) -> None:
    key = uuid.uuid4().hex
    body = zstandard.ZstdCompressor().compress(b"one\ntwo\n")
    for _ in range(3):
        answer = post(server, body, source="keyed", Idempotency_Key=key, Content_Encoding="zstd")
        assert answer.json()["accepted"] == 2
    assert len(rows(server, "keyed")) == 2


def test_curl_with_a_file(server: Server, tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text("one\n  two\n")
    url = f"{server.url}/ingest?source=curl&field.env=prod"
    subprocess.run(["curl", "-sf", "--data-binary", f"@{log}", url], check=True, timeout=60)
    subprocess.run(["curl", "-sf", "--data-binary", f"@{log}", f"{server.url}/ingest"], check=True, timeout=60)
    assert rows(server, "curl") == [("one", "", "unknown"), ("  two", "", "unknown")]
    assert len(rows(server, "")) == 2


def test_a_line_over_the_limit_costs_only_itself(server: Server) -> None:
    answer = post(server, b"one\n" + b"x" * (2 << 20) + b"\ntwo\n", source="long")
    assert answer.status_code == 207
    assert [error["index"] for error in answer.json()["errors"]] == [1]
    assert [row[0] for row in rows(server, "long")] == ["one", "two"]


@pytest.mark.parametrize(
    ("query", "body"),
    [
        pytest.param("format=csv", b"x", id="unknown format"),
        pytest.param("field.=x", b"x", id="no name"),
        pytest.param("field.message=x", b"x", id="the lines' own"),
        pytest.param("service=s", b"\n\n", id="no line"),
    ],
)
def test_what_cannot_be_meant_is_400(server: Server, query: str, body: bytes) -> None:
    assert httpx.post(f"{server.url}/ingest?{query}", content=body).status_code == 400


def test_json_that_says_nothing_else_is_judged_as_json(server: Server) -> None:
    assert httpx.post(f"{server.url}/ingest", content=b"not json").status_code == 400
