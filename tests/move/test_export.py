"""Records as Parquet and back: every column of every row."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import polars as pl
import pytest

from logyard.store.mapping import COLUMNS
from logyard.testing.server import Server
from tests.move.commands import contents, fill, logyard, rows_of, sql

ROWS = 5000


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("source") / "data") as server:
        fill(server.url, 0, ROWS)
        yield server


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("target") / "data") as server:
        yield server


@pytest.fixture(scope="module")
def archive(source: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive") / "all"
    said = logyard("export", "--from", source.url, "--to", folder, cwd=folder.parent)
    assert said.stdout == ""
    assert f"{ROWS:,} records are in 4 files" in said.stderr
    return folder


def test_any_parquet_reader_reads_them(archive: Path) -> None:
    frame = pl.scan_parquet(archive / "**/*.parquet").collect()
    assert frame.columns == list(COLUMNS)
    assert frame.height == ROWS
    assert frame["attributes"].dtype == pl.Map(pl.String(), pl.String())
    (row,) = frame.filter(pl.col("trace_id") == f"{7:032x}").to_dicts()
    assert (row["level"], row["service"], row["attributes"]["n"]) == ("WARNING", "shop-2", "7")


def test_imported_they_are_what_they_were(archive: Path, source: Server, target: Server) -> None:
    said = logyard("import", archive, "--url", target.url, cwd=archive)
    assert f"{ROWS:,} of them new" in said.stderr
    assert contents(target.url) == contents(source.url)
    again = logyard("import", archive, "--url", target.url, cwd=archive)
    assert "records are stored, 0 of them new" in again.stderr
    assert contents(target.url) == contents(source.url)


def test_an_export_that_was_stopped_goes_on(archive: Path, source: Server, tmp_path: Path) -> None:
    folder = tmp_path / "stopped"
    logyard("export", "--from", source.url, "--to", folder, cwd=tmp_path)
    files = sorted(folder.rglob("*.parquet"))
    kept = files[0].stat().st_mtime_ns
    for file in files[2:]:
        file.unlink()
    note = msgspec.json.decode((folder / "_export.json").read_bytes())
    (folder / "_export.json").write_bytes(msgspec.json.encode(note | {"complete": False}))
    logyard("export", "--from", source.url, "--to", folder, cwd=tmp_path)
    assert files[0].stat().st_mtime_ns == kept
    assert (
        pl.scan_parquet(folder / "**/*.parquet").collect().equals(pl.scan_parquet(archive / "**/*.parquet").collect())
    )


@pytest.mark.parametrize(
    ("options", "rows"),
    [
        pytest.param(["--query", "service:=shop-1"], ROWS // 5, id="a query"),
        pytest.param(["--partition", "20261121"], ROWS // 4, id="a partition"),
        pytest.param(["--since", "2026-11-21", "--until", "2026-11-23", "--tz", "UTC"], ROWS // 2, id="times"),
        pytest.param(["--query", "nothing_of_the_kind"], 0, id="nothing"),
    ],
)
def test_only_what_is_asked_for(source: Server, tmp_path: Path, options: list[str], rows: int) -> None:
    said = logyard("export", "--from", source.url, "--to", tmp_path / "some", *options, cwd=tmp_path)
    assert f"{rows:,} records are in" in said.stderr
    files = list((tmp_path / "some").rglob("*.parquet"))
    assert sum(pl.read_parquet(file).height for file in files) == rows


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        pytest.param(["--query", "* | stats count()"], "without pipes", id="pipes"),
        pytest.param(["--query", "("], "", id="no query"),
        pytest.param(["--partition", "19990101"], "there is no partition 19990101", id="no such partition"),
    ],
)
def test_what_cannot_be_exported(source: Server, tmp_path: Path, options: list[str], reason: str) -> None:
    said = logyard("export", "--from", source.url, "--to", tmp_path / "none", *options, cwd=tmp_path, code=1)
    assert reason in said.stderr


def test_a_folder_with_something_else_is_refused(source: Server, archive: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("keep me")
    said = logyard("export", "--from", source.url, "--to", tmp_path, cwd=tmp_path, code=1)
    assert "not empty" in said.stderr
    said = logyard("export", "--from", source.url, "--to", archive, cwd=tmp_path, code=1)
    assert "another export" in said.stderr


def test_files_of_others_fill_columns_by_known_names(target: Server, tmp_path: Path) -> None:
    moment = pl.Series("ts", [1_767_225_600_123_456_789, 1_767_225_601_000_000_000]).cast(pl.Datetime("ns"))
    frame = pl.DataFrame(
        {
            "ts": moment,
            "severity": ["warn", "error"],
            "msg": ["from elsewhere", "too"],
            "service.name": ["foreign", "foreign"],
            "status": [200, None],
            "raw": [b"plain", b"\xff\x00"],
            "labels": [{"k": "v"}, {"k": "w"}],
        }
    )
    frame.write_parquet(tmp_path / "others.parquet")
    for _ in range(3):
        logyard("import", "others.parquet", "--url", target.url, cwd=tmp_path)
    found = sql(
        target.url,
        "SELECT toString(timestamp) AS at, level, message, attributes['status'] AS status, attributes['raw'] AS raw, "
        "attributes['labels.k'] AS label FROM logs WHERE service = 'foreign' ORDER BY timestamp",
    )
    assert found == [
        {
            "at": "2026-01-01 00:00:00.123456789",
            "level": "WARNING",
            "message": "from elsewhere",
            "status": "200",
            "raw": "plain",
            "label": "v",
        },
        {
            "at": "2026-01-01 00:00:01.000000000",
            "level": "ERROR",
            "message": "too",
            "status": "null",
            "raw": "ff00",
            "label": "w",
        },
    ]


def test_a_file_that_is_no_parquet_is_named(target: Server, tmp_path: Path) -> None:
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 but not really")
    said = logyard("import", tmp_path, "--url", target.url, cwd=tmp_path, code=1)
    assert "broken.parquet is no Parquet file" in said.stderr


def test_a_folder_without_parquet_says_so(target: Server, tmp_path: Path) -> None:
    said = logyard("import", tmp_path, "--url", target.url, cwd=tmp_path, code=2)
    assert "no .parquet files" in said.stderr


def test_a_stopped_directory_will_do(archive: Path, tmp_path: Path) -> None:
    logyard("import", archive, "--data", tmp_path / "new", cwd=tmp_path)
    logyard("export", "--data", tmp_path / "new", "--to", tmp_path / "out", "--partition", "20261120", cwd=tmp_path)
    frames = [pl.read_parquet(folder / "20261120") for folder in (archive, tmp_path / "out")]
    assert frames[0].equals(frames[1])


def test_a_directory_in_use_says_so(source: Server, tmp_path: Path) -> None:
    said = logyard("export", "--data", source.data, "--to", tmp_path / "out", cwd=tmp_path, code=1)
    assert "cannot open" in said.stderr
    assert rows_of(contents(source.url)) == ROWS
