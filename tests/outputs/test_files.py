"""Outputs to files: once in them whatever breaks, rotated, packed, kept; and what a stranger's field can name."""

import csv
import gzip
import io
import os
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec
import pytest
import zstandard

from logyard.errors import BadConfig, NotNow
from logyard.outputs.appending.archive import Archive, Rotation
from logyard.outputs.appending.paths import Paths
from logyard.testing.waiting import until
from tests.outputs.conftest import batch, framed, lines_of, opened, tagged

SECOND = 1_000_000_000
DAY = 86_400 * SECOND


def said(path: Path) -> list[str]:
    return [str(line["message"]) for line in lines_of(path.read_bytes())]


def everything(directory: Path) -> Sequence[Path]:
    return sorted(path for path in directory.rglob("*") if path.is_file())


def rows(path: Path) -> list[tuple[str, ...]]:
    with sqlite3.connect(path) as connection:
        return list(connection.execute("SELECT message FROM logs ORDER BY number"))


def table(path: Path) -> Sequence[str]:
    return [row["message"] for row in csv.DictReader(io.StringIO(path.read_bytes().decode(), newline=""))]


READERS: Mapping[str, Callable[[Path], Sequence[object]]] = {
    "jsonl": said,
    "file": said,
    "csv": table,
    "sqlite": lambda path: [row[0] for row in rows(path)],
}


@pytest.mark.parametrize("kind", READERS)
async def test_a_batch_that_comes_again_after_a_restart_is_not_written_again(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "deep" / "out"
    for run in ([batch(1, "a"), batch(2, "b", "c")], [batch(2, "b", "c"), batch(3, "d")], [batch(3, "d")]):
        async with opened(tmp_path, kind, path=str(path)) as output:
            await output.write(run)
            assert not await output.write([framed(batch(9 + run[0].id[-1], "x"))])
    assert READERS[kind](path) == ["a", "b", "c", "x", "d", "x", "x"]


@pytest.mark.parametrize("kind", ["jsonl", "file", "csv"])
async def test_what_a_crash_left_behind_the_last_commit_is_taken_away(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "out"
    async with opened(tmp_path, kind, path=str(path)) as output:
        await output.write([batch(1, "a")])
    with path.open("ab") as file:
        file.write(b'{"message":"half a li')
    with (tmp_path / "place" / "journal").open("ab") as journal:
        journal.write(b'{"files":{"torn')
    async with opened(tmp_path, kind, path=str(path)) as output:
        await output.write([batch(2, "b")])
    assert READERS[kind](path) == ["a", "b"]


async def test_what_others_have_in_the_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text('{"message":"mine"}\n')
    async with opened(tmp_path, "jsonl", path=str(path)) as output:
        await output.write([batch(1, "a")])
        path.rename(tmp_path / "moved")
        await output.write([batch(2, "b")])
    path.write_text('{"message":"another and longer than the one before"}\n')
    async with opened(tmp_path, "jsonl", path=str(path)) as output:
        await output.write([batch(3, "c")])
    assert said(tmp_path / "moved") == ["mine", "a"]
    assert said(path) == ["another and longer than the one before", "c"]


async def test_two_that_add_to_one_file_are_kept_apart(tmp_path: Path) -> None:
    path = str(tmp_path / "out")
    async with opened(tmp_path / "1", "jsonl", path=path) as one, opened(tmp_path / "2", "jsonl", path=path) as two:
        await one.write([batch(1, "a")])
        with pytest.raises(NotNow, match="another output"):
            await two.write([batch(2, "b")])
    assert said(Path(path)) == ["a"]


async def test_paths_are_made_of_times_and_of_what_records_say(tmp_path: Path) -> None:
    at = "2024-02-03T04:05:06Z"
    records = [{"ts": at, "service": name, "message": name} for name in ("shop", "../../etc/cron.d/x", "..", "shop")]
    template = f"{tmp_path}/out/{{service}}/%Y-%m-%d/%H.json"
    async with opened(tmp_path, "file", path=template) as output:
        await output.write([batch(1, *records)])
    found = {str(path.relative_to(tmp_path / "out")): said(path) for path in everything(tmp_path / "out")}
    assert found == {
        "shop/2024-02-03/04.json": ["shop", "shop"],
        "etc_cron.d_x/2024-02-03/04.json": ["../../etc/cron.d/x"],
        "none/2024-02-03/04.json": [".."],
    }


@pytest.mark.parametrize("path", ["a/{user}.log", "a/%q.log", "a/", ""])
async def test_a_path_that_cannot_be_made_is_said_at_once(tmp_path: Path, path: str) -> None:
    with pytest.raises(BadConfig, match="path"):
        async with opened(tmp_path, "file", path=path):
            pass


@pytest.mark.parametrize(
    ("packing", "ending", "unpacked"),
    [
        pytest.param("gzip", ".json.gz", gzip.decompress, id="gzip"),
        pytest.param("zstd", ".json.zst", lambda data: zstandard.decompress(data), id="zstd"),  # noqa: PLW0108 - its type
        pytest.param("none", ".json", bytes, id="none"),
    ],
)
async def test_a_full_file_is_complete_and_packed(
    tmp_path: Path, packing: str, ending: str, unpacked: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "app.json"
    rotation = {"bytes": 100, "compression": packing}
    async with opened(tmp_path, "file", path=str(path), rotation=rotation) as output:
        await output.write([batch(1, "a" * 100)])
        await output.write([batch(2, "b")])
    async with opened(tmp_path, "file", path=str(path), rotation=rotation):  # it packs when it begins
        await until(
            lambda: [path.name.partition("Z")[2] for path in everything(tmp_path) if "Z" in path.name] == [ending]
        )
    complete = next(path for path in everything(tmp_path) if path.name.startswith("app-"))
    assert [line["message"] for line in lines_of(unpacked(complete.read_bytes()))] == ["a" * 100]
    assert said(path) == ["b"]


def test_complete_files_go_by_age_and_by_size_and_nobody_elses_do(tmp_path: Path) -> None:
    now = 1000 * DAY
    names = {f"app-2024010{day}T000000.000000Z.json.gz": (day, 100) for day in range(1, 8)}
    for name, (day, size) in {**names, "app-copy.json": (1, 9), "b-20240101T000000.000000Z.json": (1, 9)}.items():
        (tmp_path / name).write_bytes(bytes(size))
        os.utime(tmp_path / name, ns=(now - (8 - day) * DAY,) * 2)
    Archive(Paths(f"{tmp_path}/app.json"), Rotation(keep_days=5.5, keep_bytes=350)).tidy(now)
    assert {path.name for path in tmp_path.iterdir()} == {
        *(f"app-2024010{day}T000000.000000Z.json.gz" for day in (5, 6, 7)),
        "app-copy.json",
        "b-20240101T000000.000000Z.json",
    }


async def test_csv_is_as_the_rfc_has_it(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    record = {"message": 'a, "b"\nc', "level": "warn", "user": 7, "tags": None, "deep": {"x": [1, 2]}}
    async with opened(tmp_path, "csv", path=str(path), fields=["user", "gone"]) as output:
        await output.write([tagged(batch(1, record), "pay", "eu"), batch(2, "plain")])
    data = path.read_bytes()
    assert data.count(b"\r\n") == 3
    assert b"\n" not in data.replace(b"\r\n", b"").replace(b"\nc", b"")
    first, second = csv.DictReader(io.StringIO(data.decode(), newline=""))
    assert first["message"] == record["message"]
    assert (first["level"], first["user"], first["gone"], first["tags"]) == ("WARNING", "7", "", "pay eu")
    assert msgspec.json.decode(first["attributes"]) == {"deep": {"x": [1, 2]}, "tags": None}
    assert (second["message"], second["attributes"]) == ("plain", "")


async def test_sqlite_has_columns_to_ask_for(tmp_path: Path) -> None:
    path = tmp_path / "out.sqlite"
    async with opened(tmp_path, "sqlite", path=str(path)) as output:
        await output.write([tagged(batch(1, {"msg": "low", "lvl": "error", "user": {"id": 7}}, "b"), "auth")])
    with sqlite3.connect(path) as connection:
        asked = "id, level, message, json_extract(attributes, '$.user.id'), json_extract(tags, '$[0]'), time"
        found = list(connection.execute(f"SELECT {asked} FROM logs ORDER BY number"))
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    key = (1).to_bytes(16).hex()
    assert found == [
        (f"{key}-0", "ERROR", "low", 7, "auth", 1_700_000_000_000_000_000),
        (f"{key}-1", "", "b", None, "auth", 1_700_000_000_000_000_000),
    ]


async def test_an_sqlite_that_another_writes_to_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "out.sqlite"
    async with opened(tmp_path, "sqlite", path=str(path)) as output:
        await output.write([batch(1, "a")])
        with sqlite3.connect(path, isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(NotNow, match="locked"):
                await output.write([batch(2, "b")])
            other.execute("ROLLBACK")
        await output.write([batch(2, "b")])
    assert rows(path) == [("a",), ("b",)]


async def test_the_report_counts_by_source_and_shows_the_latest(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    async with opened(tmp_path, "stdout", seconds=3600, latest=2) as output:
        await output.write([batch(1, "a", "b", "c", source="/x.log"), batch(2, "\x1b[2Jd", source="/y.log")])
    out = capfdbinary.readouterr().out.decode().splitlines()
    assert out[0].endswith("Z  4 records (+4) from 2 sources")
    assert out[1:] == ["  /x.log  3 (+3)", "    b", "    c", "  /y.log  1 (+1)", "     [2Jd"]


@pytest.mark.parametrize(("form", "want"), [("text", b"a\nb\n"), ("json", b'"message":"b"}\n')])
async def test_records_on_standard_output(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], form: str, want: bytes
) -> None:
    async with opened(tmp_path, "stdout", format=form) as output:
        await output.write([batch(1, "a", "b")])
    assert capfdbinary.readouterr().out.endswith(want)
