"""Facts about what of a damaged segment can be believed."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logyard.model.batch import Batch, Encoded
from logyard.testing.faulty_disk import FaultyDisk
from logyard.types import BatchId, LogId, Nanoseconds
from logyard.wal.record import MAGIC, body_of, encode
from logyard.wal.salvage import put_aside, survey


def frame(number: int) -> bytes:
    batch = Batch(
        id=BatchId(bytes([number]) * 16),
        first=LogId(number),
        received=Nanoseconds(0),
        body=Encoded(lines=b'{"n":%d}' % number, rows=1),
    )
    body = body_of(batch)
    return encode(batch, body) + bytes(body)


ONE, TWO, THREE = frame(1), frame(2), frame(3)
SIZE = len(ONE)
BAD = ONE[:-1] + b"?"
LONG = ONE[:4] + b"\xff" + ONE[5:]


@pytest.mark.parametrize(
    ("data", "good", "corrupt", "torn"),
    [
        pytest.param(b"", [], [], 0, id="nothing"),
        pytest.param(ONE + TWO + THREE, [1, 2, 3], [], 0, id="all whole"),
        pytest.param(ONE + TWO[:-3], [1], [], SIZE - 3, id="torn in the body"),
        pytest.param(ONE + TWO[:20], [1], [], 20, id="torn in the header"),
        pytest.param(ONE + TWO[:2], [1], [], 2, id="torn in the magic"),
        pytest.param(ONE + bytes(100), [1], [], 100, id="room that was never written"),
        pytest.param(BAD + TWO, [2], [(0, SIZE)], 0, id="bad frame in front"),
        pytest.param(ONE + BAD + THREE, [1, 3], [(SIZE, 2 * SIZE)], 0, id="bad frame in the middle"),
        pytest.param(ONE + BAD, [1], [(SIZE, 2 * SIZE)], 0, id="bad frame at the end is no torn one"),
        pytest.param(ONE + LONG + THREE, [1, 3], [(SIZE, 2 * SIZE)], 0, id="bad length"),
        pytest.param(ONE + LONG, [1], [(SIZE, 2 * SIZE)], 0, id="bad length at the end"),
        pytest.param(ONE + BAD + BAD + TWO, [1, 2], [(SIZE, 3 * SIZE)], 0, id="two bad frames are one span"),
        pytest.param(ONE + b"noise" + TWO, [1, 2], [(SIZE, SIZE + 5)], 0, id="noise between"),
        pytest.param(ONE + MAGIC + b"!" + TWO, [1, 2], [(SIZE, SIZE + 5)], 0, id="a magic without a frame"),
        pytest.param(ONE + bytes(60) + TWO, [1, 2], [(SIZE, SIZE + 60)], 0, id="a hole with a frame behind"),
    ],
)
def test_survey(data: bytes, good: list[int], *, corrupt: list[tuple[int, int]], torn: int) -> None:
    found = survey(data, len(data))
    assert [header.first for header in found.good] == good
    assert (found.corrupt, found.torn) == (corrupt, torn)


def test_nothing_beyond_the_limit_is_believed() -> None:
    assert [header.first for header in survey(ONE + TWO, SIZE).good] == [1]


@given(st.lists(st.sampled_from([ONE, TWO, BAD, b"noise", MAGIC, bytes(9), TWO[:30]]), max_size=8))
def test_every_byte_is_accounted_for(pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    found = survey(data, len(data))
    spans = [*((header.start, header.end) for header in found.good), *found.corrupt]
    spans.append((len(data) - found.torn, len(data)))
    at = 0
    for begin, end in sorted(spans):
        assert begin == at
        at = end
    assert at == len(data)


def test_remains_are_kept_once_and_one_after_another(disk: FaultyDisk, tmp_path: Path) -> None:
    path = tmp_path / "00000000000000000001.lines.corrupt"
    for remains in (b"first", b"second", b"first", b""):
        put_aside(disk, path, remains)
    assert path.read_bytes() == b"firstsecond"
