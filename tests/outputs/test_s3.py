"""A real S3, OpenStack Swift from Debian, looked at with another client of the protocol."""

import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from minio import Minio

from logyard.errors import BadConfig, NotNow
from logyard.testing.swift import Swift
from tests.outputs.conftest import batch, lines_of, opened

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


def settings(swift: Swift) -> dict[str, object]:
    keys = {"access_key": swift.access_key, "secret_key": swift.secret_key}
    return {"endpoint": swift.endpoint, "bucket": BUCKET, **keys}


async def test_a_run_is_one_object_however_often_it_comes(swift: Swift, tmp_path: Path) -> None:
    for _ in range(2):
        async with opened(tmp_path, "s3", **settings(swift)) as output:
            await output.write([batch(1, "a", "b"), batch(2, "c")])
            await output.write([batch(3, "d")])
    names = sorted(str(each.object_name) for each in client(swift).list_objects(BUCKET, recursive=True))
    assert len(names) == 2
    assert f"logs/2023/11/14/22/{(3).to_bytes(16).hex()}.jsonl.gz" in names
    found = []
    for name in names:
        body = client(swift).get_object(BUCKET, name).read()
        found.append([line["message"] for line in lines_of(gzip.decompress(body))])
    assert sorted(found) == [["a", "b", "c"], ["d"]]


@pytest.mark.parametrize(
    ("other", "text"),
    [
        pytest.param({"bucket": "no-such"}, "is not there", id="no such bucket"),
        pytest.param({"secret_key": "wrong"}, "access denied", id="another key"),
        pytest.param({"endpoint": "http://127.0.0.1:1"}, "cannot reach", id="nobody there"),
    ],
)
async def test_what_the_operator_must_mend_loses_nothing(
    swift: Swift, tmp_path: Path, other: dict[str, object], text: str
) -> None:
    async with opened(tmp_path, "s3", **{**settings(swift), **other}) as output:
        with pytest.raises(NotNow, match=text):
            await output.write([batch(1, "a")])


async def test_an_endpoint_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="endpoint"):
        async with opened(tmp_path, "s3", endpoint="s3.example", bucket="b"):
            pass
