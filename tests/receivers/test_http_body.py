import asyncio
import gzip
import os
import resource
import zlib
from collections.abc import Callable, Sequence

import pytest
import zstandard

from logyard.errors import BadPayload, TooLarge
from logyard.receivers.http_body import ClientGone, Message, UnknownCoding, codings, decode, read_body

TEXT = b'{"message":"hello"}\n' * 50
LIMIT = 1 << 20


def raw_deflate(body: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(body) + stream.flush()


def zstd(body: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(body)


def messages(*parts: bytes) -> Sequence[Message]:
    last = len(parts) - 1
    return [{"type": "http.request", "body": part, "more_body": at < last} for at, part in enumerate(parts)]


def read(parts: Sequence[Message], limit: int = LIMIT, **headers: str) -> bytes:
    waiting = iter(parts)

    async def receive() -> Message:
        return next(waiting)

    named = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    return asyncio.run(read_body(receive, named, limit))


@pytest.mark.parametrize(
    ("body", "applied"),
    [
        pytest.param(gzip.compress(TEXT), ("gzip",), id="gzip"),
        pytest.param(gzip.compress(TEXT[:100]) + gzip.compress(TEXT[100:]), ("gzip",), id="two members"),
        pytest.param(gzip.compress(TEXT) + bytes(512), ("gzip",), id="gzip padded with zeros"),
        pytest.param(zlib.compress(TEXT), ("deflate",), id="deflate with zlib's header"),
        pytest.param(raw_deflate(TEXT), ("deflate",), id="raw deflate"),
        pytest.param(zstd(TEXT), ("zstd",), id="zstd"),
        pytest.param(zstd(TEXT[:100]) + zstd(TEXT[100:]), ("zstd",), id="two frames"),
        pytest.param(b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc" + zstd(TEXT), ("zstd",), id="skippable frame"),
        pytest.param(zstd(gzip.compress(TEXT)), ("gzip", "zstd"), id="stacked, the last outermost"),
        pytest.param(TEXT, (), id="not encoded"),
    ],
)
def test_decodes(body: bytes, applied: tuple[str, ...]) -> None:
    assert decode(body, applied, LIMIT) == TEXT


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        pytest.param(b"", "gzip", id="empty gzip"),
        pytest.param(gzip.compress(TEXT)[:-9], "gzip", id="gzip cut off"),
        pytest.param(gzip.compress(TEXT)[:-3] + b"abc", "gzip", id="gzip with a wrong checksum"),
        pytest.param(gzip.compress(TEXT) + b"rest", "gzip", id="gzip with rubbish behind"),
        pytest.param(TEXT, "gzip", id="no gzip at all"),
        pytest.param(raw_deflate(TEXT)[:-2], "deflate", id="deflate cut off"),
        pytest.param(zlib.compress(TEXT) + b"rest", "deflate", id="deflate with rubbish behind"),
        pytest.param(zstd(TEXT)[:-6], "zstd", id="zstd cut off"),
        pytest.param(zstd(TEXT)[:-2], "zstd", id="zstd cut off in its checksum"),
        pytest.param(zstd(TEXT)[:6], "zstd", id="zstd cut off in its head"),
        pytest.param(zstd(TEXT) + b"rest", "zstd", id="zstd with rubbish behind"),
        pytest.param(TEXT, "zstd", id="no zstd at all"),
    ],
)
def test_refuses_what_is_broken(body: bytes, coding: str) -> None:
    with pytest.raises(BadPayload, match=f"not valid {coding}"):
        decode(body, (coding,), LIMIT)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "zstd"])
def test_any_damage_is_a_bad_payload_or_the_limit(coding: str) -> None:
    encoders: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstd}
    whole = encoders[coding](TEXT)
    for at in range(len(whole)):
        for broken in (whole[:at], whole[:at] + os.urandom(1) + whole[at + 1 :]):
            try:
                decode(broken, (coding,), LIMIT)
            except (BadPayload, TooLarge):
                continue


def bomb_gzip(size: int) -> bytes:
    stream = zlib.compressobj(9, wbits=31)
    return b"".join(stream.compress(bytes(1 << 20)) for _ in range(size >> 20)) + stream.flush()


def bomb_zstd(size: int) -> bytes:
    stream = zstandard.ZstdCompressor(19).compressobj()
    return b"".join(stream.compress(bytes(1 << 20)) for _ in range(size >> 20)) + stream.flush()


@pytest.mark.parametrize(
    ("body", "applied"),
    [
        pytest.param(bomb_gzip(128 << 20), ("gzip",), id="gzip"),
        pytest.param(bomb_zstd(256 << 20), ("zstd",), id="zstd"),
        pytest.param(gzip.compress(bomb_gzip(128 << 20)), ("gzip", "gzip"), id="gzip in gzip"),
        pytest.param(gzip.compress(bytes(900 << 10)) * 100, ("gzip",), id="many small members"),
    ],
)
def test_a_bomb_is_given_up_at_the_limit(body: bytes, applied: tuple[str, ...]) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(TooLarge, match=r"http\.body_bytes 1048576"):
        decode(body, applied, LIMIT)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40 << 10  # KiB


@pytest.mark.parametrize(
    ("part", "coding"),
    [pytest.param(gzip.compress(b""), "gzip", id="gzip"), pytest.param(zstd(b""), "zstd", id="zstd")],
)
def test_a_crowd_of_empty_members_is_refused(part: bytes, coding: str) -> None:
    with pytest.raises(TooLarge, match="more than 10000"):
        decode(part * 100_000, (coding,), LIMIT)


@pytest.mark.parametrize(
    ("header", "want"),
    [
        pytest.param(b"", (), id="none"),
        pytest.param(b"identity", (), id="identity"),
        pytest.param(b"GZip", ("gzip",), id="any case"),
        pytest.param(b"x-gzip", ("gzip",), id="old name"),
        pytest.param(b"gzip, zstd", ("gzip", "zstd"), id="two, in their order"),
        pytest.param(b"deflate ,, identity", ("deflate",), id="blanks and empty names"),
    ],
)
def test_reads_the_header(header: bytes, want: tuple[str, ...]) -> None:
    assert codings(header) == want


@pytest.mark.parametrize("header", [b"br", b"gzip, br", b"compress", b"\xff", b"gzip," * 5 + b"gzip"])
def test_unknown_codings_are_named(header: bytes) -> None:
    with pytest.raises(UnknownCoding):
        codings(header)


def test_reads_a_body_in_pieces() -> None:
    assert read(messages(b"ab", b"", b"c")) == b"abc"


def test_reads_a_large_encoded_body_in_a_thread() -> None:
    text = os.urandom(100_000)
    assert read(messages(gzip.compress(text)), content_encoding="gzip") == text


def test_an_empty_body_needs_no_decoding() -> None:
    assert read(messages(b""), content_encoding="gzip") == b""


def test_a_declared_length_over_the_limit_is_refused_before_reading() -> None:
    with pytest.raises(TooLarge, match="20 bytes"):
        read([], limit=10, content_length="20")


def test_an_undeclared_length_over_the_limit_is_refused() -> None:
    with pytest.raises(TooLarge):
        read(messages(b"123456", b"123456"), limit=10)


def test_a_client_that_goes_away_is_no_short_body() -> None:
    with pytest.raises(ClientGone):
        read([*messages(b"half", b"")[:1], {"type": "http.disconnect"}])
