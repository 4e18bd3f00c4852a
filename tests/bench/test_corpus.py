import itertools
import json
from pathlib import Path

import pytest

from bench.corpus import FIRST_DAY, HOUR, Piece, lines, pieces, sample_values

ROWS = 3000


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "corpus.ndjson"
    path.write_bytes(b"".join(lines(ROWS, seed=7)))
    return path


def test_the_same_seed_makes_the_same_lines() -> None:
    assert list(lines(500, seed=3)) == list(lines(500, seed=3))
    assert list(lines(500, seed=3)) != list(lines(500, seed=4))


def test_every_line_is_an_object_of_about_270_bytes_with_nested_metadata(file: Path) -> None:
    found = file.read_bytes().splitlines()
    records = [json.loads(line) for line in found]
    assert len(records) == ROWS
    assert 250 < sum(map(len, found)) / ROWS < 300
    keys = {"timestamp", "level", "service", "host", "message", "trace_id", "metadata"}
    assert all(set(record) == keys for record in records)
    nested = {"user_id", "duration_ms", "status", "region", "path"}
    assert all(set(record["metadata"]) == nested for record in records)


def test_times_lie_within_the_hour_and_rise_but_for_late_ones(file: Path) -> None:
    times = [json.loads(line)["timestamp"] for line in file.read_bytes().splitlines()]
    assert HOUR[0][:19] <= min(times)
    assert max(times) < HOUR[1]
    late = sum(after < before for before, after in itertools.pairwise(times))
    assert late < ROWS * 0.02
    assert all(time.startswith(FIRST_DAY) for time in times)


def test_pieces_are_whole_lines_that_cover_the_file(file: Path) -> None:
    found = pieces(file, 100_000)
    data = file.read_bytes()
    assert all(piece.length <= 100_000 for piece in found)
    assert all(data[piece.offset + piece.length - 1 : piece.offset + piece.length] == b"\n" for piece in found)
    assert sum(piece.rows for piece in found) == ROWS
    assert b"".join(data[piece.offset : piece.offset + piece.length] for piece in found) == data


def test_a_file_smaller_than_a_piece_is_one_piece(file: Path) -> None:
    assert pieces(file, 1 << 30) == [Piece(0, file.stat().st_size, ROWS)]


def test_sample_values_come_from_all_over_the_file(file: Path) -> None:
    traces = [json.loads(line)["trace_id"] for line in file.read_bytes().splitlines()]
    found = sample_values(file, "trace_id", 10)
    places = [traces.index(trace) for trace in found]
    assert places == sorted(places)
    assert places[0] == 0
    assert places[-1] > ROWS * 0.85
