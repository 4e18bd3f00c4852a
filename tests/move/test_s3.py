"""Backups, exports and tiers on a real S3: OpenStack Swift from Debian."""

import io
import os
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from minio import Minio

from logyard.errors import BadInput, NotFound, NotNow
from logyard.store.places import open_place
from logyard.store.s3 import Bucket, ObjectStorage
from logyard.testing.server import Server, ServerOptions
from logyard.testing.swift import Swift
from tests.move.commands import contents, fill, logyard, rows_of, sql

ROWS = 2000
BUCKET = "yard"


@pytest.fixture(scope="module")
def swift(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Swift]:
    missing = Swift.missing()
    if missing and os.geteuid() != 0:
        pytest.skip(f"not installed: {', '.join(missing)} (Debian packages swift-proxy ..., see DEBIAN_PACKAGES)")
    with Swift(tmp_path_factory.mktemp("swift")) as running:
        client(running).make_bucket(BUCKET)
        yield running


def client(swift: Swift) -> Minio:
    return Minio(
        swift.address, access_key=swift.access_key, secret_key=swift.secret_key, secure=False, region="us-east-1"
    )


def names(swift: Swift, prefix: str) -> list[str]:
    return [str(each.object_name) for each in client(swift).list_objects(BUCKET, prefix=prefix, recursive=True)]


@pytest.fixture(scope="module")
def variables(swift: Swift, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The section [s3] as the environment has it, the secret in a file."""
    secret = tmp_path_factory.mktemp("secret") / "key"
    secret.write_text(f"{swift.secret_key}\n")
    return {
        "LOGYARD__S3__ENDPOINT": swift.endpoint,
        "LOGYARD__S3__ACCESS_KEY": swift.access_key,
        "LOGYARD__S3__SECRET_KEY_FILE": str(secret),
    }


@pytest.fixture(scope="module")
def options(variables: dict[str, str]) -> ServerOptions:
    settings = {name.removeprefix("LOGYARD__").lower().replace("__", "."): value for name, value in variables.items()}
    tiers: dict[str, str | int | float] = {
        "tiers.cold": f"s3://{BUCKET}/cold",
        "tiers.cold_days": 1,
        "tiers.check_seconds": 0.5,
    }
    return ServerOptions(settings={**settings, **tiers})


def test_old_days_move_to_object_storage_and_are_found_there(
    swift: Swift, options: ServerOptions, tmp_path: Path
) -> None:
    with Server(tmp_path / "data", options) as server:
        fill(server.url, 0, ROWS)
        wait_for_cold(server.url)
        assert names(swift, "cold/")
        before = contents(server.url)
        assert rows_of(before) == ROWS
        fill(server.url, 90_000, 10)  # late for days that lie there already
        wait_for_cold(server.url)
        assert server.stop() == 0
        server.start()
        assert rows_of(contents(server.url)) == ROWS + 10
        found = sql(server.url, "SELECT count() AS n FROM logs WHERE attributes['n'] = '77'")
        assert found == [{"n": 1}]


def wait_for_cold(url: str) -> None:
    """Until every part lies in the cold tier: all records are old."""
    deadline = time.monotonic() + 60
    query = "SELECT groupUniqArray(_disk_name) AS disks FROM logs"
    while (disks := sql(url, query)[0]["disks"]) != ["cold"]:
        assert time.monotonic() < deadline, disks
        time.sleep(0.1)


def test_a_backup_in_a_bucket_comes_back(
    swift: Swift, options: ServerOptions, variables: dict[str, str], tmp_path: Path
) -> None:
    place = f"s3://{BUCKET}/backups"
    with Server(tmp_path / "data", options) as server:
        fill(server.url, 0, ROWS, key="k")
        logyard("backup", "--to", place, "--url", server.url, cwd=tmp_path)
        fill(server.url, ROWS, 50)
        logyard("backup", "--to", place, "--url", server.url, cwd=tmp_path)
        wanted = contents(server.url)
    assert "2 backups are as they were" in logyard("backup", "verify", place, cwd=tmp_path, variables=variables).stdout
    logyard("restore", "--from", place, "--data", "back", cwd=tmp_path, variables=variables)
    with Server(tmp_path / "back") as back:
        assert contents(back.url) == wanted
    (victim,) = [name for name in names(swift, "backups/") if name.endswith("data.bin") and "/logs/" in name][:1]
    body = client(swift).get_object(BUCKET, victim).read()
    flipped = bytes([body[0] ^ 1]) + body[1:]
    put(swift, victim, flipped)
    said = logyard("backup", "verify", place, cwd=tmp_path, variables=variables, code=1)
    assert victim.removeprefix("backups/") in said.stderr


def put(swift: Swift, name: str, body: bytes) -> None:
    client(swift).put_object(BUCKET, name, io.BytesIO(body), len(body))


def test_an_export_to_a_bucket_is_imported_from_there(swift: Swift, variables: dict[str, str], tmp_path: Path) -> None:
    place = f"s3://{BUCKET}/archive"
    with Server(tmp_path / "data") as server:
        fill(server.url, 0, ROWS)
        logyard("export", "--from", server.url, "--to", place, cwd=tmp_path, variables=variables)
        wanted = contents(server.url)
    files = [name for name in names(swift, "archive/") if name.endswith(".parquet")]
    client(swift).fget_object(BUCKET, files[0], str(tmp_path / "one.parquet"))
    assert pl.read_parquet(tmp_path / "one.parquet").height == ROWS // 4
    with Server(tmp_path / "other") as other:
        logyard("import", place, "--url", other.url, cwd=tmp_path, variables=variables)
        assert contents(other.url) == wanted


def test_a_place_in_a_bucket_keeps_what_it_is_given(swift: Swift) -> None:
    storage = ObjectStorage(endpoint=swift.endpoint, access_key=swift.access_key, secret_key=swift.secret_key)
    place = open_place(f"s3://{BUCKET}/odd", storage)
    wanted = {"a b/ü+%.bin": b"\0" * 70_000, "z": b"", "plain": b"x"}
    for name, body in wanted.items():
        place.write(name, body)
    assert dict(place.list()) == {name: len(body) for name, body in wanted.items()}
    for name, body in wanted.items():
        with place.read(name) as pieces:
            assert b"".join(pieces) == body
    with pytest.raises(NotFound), place.read("nothing") as pieces:
        list(pieces)


def test_many_objects_are_listed_page_by_page(swift: Swift) -> None:
    storage = ObjectStorage(endpoint=swift.endpoint, access_key=swift.access_key, secret_key=swift.secret_key)
    bucket = Bucket(storage, BUCKET, page=3)
    for number in range(7):
        bucket.write(f"pages/{number}", b"")
    assert [name for name, _ in bucket.list("pages/")] == [f"pages/{number}" for number in range(7)]


def test_a_wrong_key_and_a_wrong_server_say_so(swift: Swift) -> None:
    wrong = ObjectStorage(endpoint=swift.endpoint, access_key=swift.access_key, secret_key="wrong")
    with pytest.raises(BadInput, match="access denied"):
        list(open_place(f"s3://{BUCKET}/x", wrong).list())
    away = ObjectStorage(endpoint="http://127.0.0.1:9")
    with pytest.raises(NotNow, match="cannot reach"):
        list(open_place(f"s3://{BUCKET}/x", away).list())
    storage = ObjectStorage(endpoint=swift.endpoint, access_key=swift.access_key, secret_key=swift.secret_key)
    with pytest.raises(NotFound):
        list(open_place("s3://no-such-bucket/x", storage).list())
