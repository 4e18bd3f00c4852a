"""Facts about one frame."""

import json
import mmap
import re
import struct
import zlib
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logyard.errors import Corrupt, TooLarge
from logyard.model.batch import Batch, Encoded
from logyard.model.reading import Reading
from logyard.types import BatchId, LogId, Nanoseconds, Tenant
from logyard.wal import record
from logyard.wal.record import (
    Header,
    body_of,
    check,
    decode,
    encode,
    form_of,
    header_at,
    is_cut_short,
    verify,
)

FORMAT = Path(__file__).parents[2] / "docs" / "formats" / "wal.md"
NOW = Nanoseconds(1_767_225_600_000_000_000)
GOLDEN = Batch(
    id=BatchId(bytes(range(16))),
    first=LogId(1),
    received=NOW,
    body=Encoded(lines=b'{"msg":"hi"}', rows=1),
    tenant=Tenant("acme"),
    keyed=True,
)
GOLDEN_BYTES = bytes.fromhex(
    "ff4c5731 38000000 7b27ddca 000102030405060708090a0b0c0d0e0f"
    "0100000000000000 0000faed51728618 01000000 01"
    "04 61636d65 00 0c 7b226d7367223a226869227d"
)


def frame(batch: Batch) -> bytes:
    body = body_of(batch)
    return encode(batch, body) + bytes(body)


def framed(words: list[str]) -> Batch:
    return Batch(id=GOLDEN.id, first=LogId(7), received=NOW, body=pl.DataFrame({"message": words}))


def whole(data: bytes) -> Header:
    header = header_at(data, 0, len(data))
    verify(data, header, len(data))
    return header


def test_a_frame_is_these_bytes() -> None:
    assert frame(GOLDEN) == GOLDEN_BYTES


def test_the_document_shows_the_same_bytes() -> None:
    shown = re.search(r"```hex\n(.*?)```", FORMAT.read_text(), re.DOTALL)
    assert shown is not None
    digits = re.sub(r"(?m)#.*$|\s", "", shown[1])
    assert bytes.fromhex(digits) == GOLDEN_BYTES


def test_length_and_crc_cover_what_follows_the_crc() -> None:
    _, length, crc = struct.unpack_from("<III", GOLDEN_BYTES)
    assert length == len(GOLDEN_BYTES) - 12
    assert crc == zlib.crc32(GOLDEN_BYTES[12:])


def test_the_structure_for_the_engine_names_every_field() -> None:
    names = [column.split()[0] for column in record.STRUCTURE.split(", ")]
    assert names[:3] + names[-3:] == ["magic", "length", "crc", "tenant", "reading", "body"]


@pytest.mark.parametrize(
    "batch",
    [
        pytest.param(GOLDEN, id="keyed lines"),
        pytest.param(
            Batch(
                id=GOLDEN.id,
                first=LogId(2**62),
                received=NOW,
                body=Encoded(lines=b"{}\n{}", rows=2, reading=Reading(message=("text",))),
            ),
            id="a sender's own keys",
        ),
        pytest.param(
            Batch(
                id=GOLDEN.id,
                first=LogId(0),
                received=Nanoseconds(0),
                body=Encoded(lines=json.dumps({"m": "x" * 20_000}).encode(), rows=1),
                tenant=Tenant("t" * 300),
            ),
            id="lengths of several bytes",
        ),
    ],
)
def test_lines_come_back_as_they_were(batch: Batch) -> None:
    data = frame(batch)
    assert form_of(batch) == "lines"
    assert decode(data, whole(data), "lines") == batch


def test_a_frame_of_columns_comes_back_as_it_was() -> None:
    batch = framed(["one", "two"] * 500)
    data = frame(batch)
    assert form_of(batch) == "frames"
    back = decode(data, whole(data), "frames")
    assert isinstance(back.body, pl.DataFrame)
    assert isinstance(batch.body, pl.DataFrame)
    assert back.body.equals(batch.body)
    assert (back.id, back.first, back.rows, back.keyed) == (batch.id, batch.first, 1000, False)


def test_lines_are_not_copied() -> None:
    assert isinstance(GOLDEN.body, Encoded)
    assert body_of(GOLDEN) is GOLDEN.body.lines


@given(st.integers(0, len(GOLDEN_BYTES) - 1), st.integers(0, 7))
def test_any_flipped_bit_is_found(offset: int, bit: int) -> None:
    data = bytearray(GOLDEN_BYTES)
    data[offset] ^= 1 << bit
    with pytest.raises(Corrupt):
        whole(bytes(data))
    assert not is_cut_short(bytes(data), 0, len(data))


@pytest.mark.parametrize("length", range(1, len(GOLDEN_BYTES)))
def test_any_beginning_of_a_frame_is_cut_short(length: int) -> None:
    data = GOLDEN_BYTES[:length]
    with pytest.raises(Corrupt):
        whole(data)
    assert is_cut_short(data, 0, length)


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_but_corrupt(noise: bytes) -> None:
    for data in (noise, record.MAGIC + noise):
        is_cut_short(data, 0, len(data))
        with pytest.raises(Corrupt):
            whole(data)


@pytest.mark.parametrize(
    ("batch", "form"),
    [
        pytest.param(GOLDEN, "frames", id="lines are no frame"),
        pytest.param(framed(["x"]), "lines", id="a frame has no tenant of bytes"),
    ],
)
def test_a_body_of_the_other_form(batch: Batch, form: record.Form) -> None:
    data = frame(batch)
    if form == "lines":
        data = _with_reading(b"{")
    with pytest.raises(Corrupt):
        decode(data, whole(data), form)


def _with_reading(reading: bytes) -> bytes:
    """A sound frame whose reading no version of ours wrote."""
    kept = GOLDEN_BYTES[12:54] + bytes([len(reading)]) + reading + GOLDEN_BYTES[55:]
    return struct.pack("<4sII", record.MAGIC, len(kept), zlib.crc32(kept)) + kept


def test_an_id_of_other_than_16_bytes_is_no_id() -> None:
    batch = Batch(id=BatchId(b"short"), first=LogId(1), received=NOW, body=Encoded(lines=b"{}", rows=1))
    with pytest.raises(ValueError, match="16 bytes"):
        check(batch, b"{}")


def test_a_body_beyond_the_limit_is_too_large() -> None:
    with (
        mmap.mmap(-1, record.MAX_FRAME + 1) as untouched,
        memoryview(untouched) as body,
        pytest.raises(TooLarge, match=str(record.MAX_FRAME)),
    ):
        check(GOLDEN, body)
