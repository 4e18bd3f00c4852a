import os
from pathlib import Path

from bench import machine
from bench.corpus import lines, pieces
from bench.segments import batches, write_segment
from logyard.model.batch import Encoded
from logyard.wal.record import decode, header_at, verify


def test_a_written_segment_reads_back_as_the_log_reads_it(tmp_path: Path) -> None:
    corpus, segment = tmp_path / "corpus.ndjson", tmp_path / "segment"
    corpus.write_bytes(b"".join(lines(1000, seed=1)))
    made = list(batches(corpus, pieces(corpus, 100_000)))
    write_segment(segment, made)
    data = segment.read_bytes()
    found, at = [], 0
    while at < len(data):
        header = header_at(data, at, len(data))
        verify(data, header, len(data))
        found.append(decode(data, header, "lines"))
        at = header.end
    assert found == made
    assert sum(batch.rows for batch in found) == 1000


def test_a_day_can_be_written_anew(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus.ndjson"
    corpus.write_bytes(b"".join(lines(100, seed=1)))
    (batch,) = batches(corpus, pieces(corpus, 1 << 20), replaced=(b"2026-01-15", b"2026-01-14"))
    assert isinstance(batch.body, Encoded)
    assert batch.body.lines.count(b'"timestamp":"2026-01-14T') == 100
    assert b"2026-01-15" not in batch.body.lines


def test_the_kernel_tells_of_this_very_process(tmp_path: Path) -> None:
    before, all_before = machine.cpu_seconds(os.getpid()), machine.busy_seconds()
    sum(number * number for number in range(2_000_000))
    assert machine.cpu_seconds(os.getpid()) >= before
    assert machine.busy_seconds() >= all_before
    assert "loop" in machine.cpu_by_thread(os.getpid())
    assert 1 << 20 < machine.resident_bytes(os.getpid()) <= machine.peak_bytes(os.getpid())
    (tmp_path / "file").write_bytes(b"x" * 10_000)
    os.link(tmp_path / "file", tmp_path / "again")
    assert 10_000 <= machine.disk_bytes(tmp_path) < 20_000
