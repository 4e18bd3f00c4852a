import base64
import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from chdb import session
from hypothesis import given
from hypothesis import strategies as st

from logyard.errors import BadPayload
from logyard.formats.json.lines import LineLimits, Validated, frame, items, validate
from logyard.model.reading import Reading
from logyard.types import Nanoseconds

NOON = Nanoseconds(1_704_110_400_000_000_000)
FILLER = b'{"message":"fill","trace_id":"4e1230e5f0","n":%d}'


def lines(validated: Validated) -> list[bytes]:
    return validated.encoded.lines.split(b"\n") if validated.encoded else []


def reasons(validated: Validated) -> dict[int, str]:
    return {refusal.index: refusal.reason for refusal in validated.rejected}


def large(*unusual: bytes) -> tuple[bytes, int]:
    """A body that is looked at as a whole, with these lines in it; and the index of the first."""
    filler = [FILLER % number for number in range(4000)]
    return b"\n".join([*filler[:2000], *unusual, *filler[2000:]]), 2000


GOOD = [
    pytest.param(b"{}", id="empty object"),
    pytest.param(b'{"a":"\\ud83d\\ude00 \\u0000 \\/"}', id="escapes"),
    pytest.param('{"\u00e9":"\U0001f600\ufffd"}'.encode(), id="UTF-8"),
    pytest.param(b'{"a":"\\\\ud800"}', id="a backslash before ud800"),
    pytest.param(b'{"a":1e308,"b":-0.0,"c":1e-400,"d":0e999}', id="numbers at the edge of a double"),
    pytest.param(b'{"a":123456789012345678901234567890}', id="more than 64 bits"),
    pytest.param(b'{"a":1,"a":2}', id="repeated keys"),
    pytest.param(b'{"a":' * 60 + b"1" + b"}" * 60, id="sixty levels"),
    pytest.param(b'{"a":"' + b"x" * 100_000 + b'"}', id="long line"),
    pytest.param(b'{"a":"it is 4e999, or 1e400 ]"}', id="text that looks like a large number"),
]

REPAIRED = [
    pytest.param(b'{"a":"\xff!"}', '{"a":"\ufffd!"}'.encode(), id="no UTF-8"),
    pytest.param(b'{"\xc0\x80":1}', '{"\ufffd\ufffd":1}'.encode(), id="overlong UTF-8 in a key"),
    pytest.param(b'{"a":"\xed\xa0\x80"}', '{"a":"\ufffd\ufffd\ufffd"}'.encode(), id="surrogate in UTF-8"),
    pytest.param(b'{"a":"\\ud800"}', b'{"a":"\\ufffd"}', id="high half alone"),
    pytest.param(b'{"a":"x\\uDC00y"}', b'{"a":"x\\ufffdy"}', id="low half alone"),
    pytest.param(b'{"a":"\\ud800\\ud83d\\ude00"}', b'{"a":"\\ufffd\\ud83d\\ude00"}', id="high half before a pair"),
    pytest.param(b'{"a":"\\ud800\\u0041"}', b'{"a":"\\ufffd\\u0041"}', id="high half before a letter"),
    pytest.param(b'{"a":"\\ud800 \\udc00"}', b'{"a":"\\ufffd \\ufffd"}', id="halves apart"),
    pytest.param(b'{"\\ude00":"\\\\\\ud800"}', b'{"\\ufffd":"\\\\\\ufffd"}', id="behind a backslash"),
]

BAD = [
    pytest.param(b"{a:1}", "not valid JSON: object keys must be strings at byte 1", id="bare key"),
    pytest.param(b'{"a":1', "not valid JSON: it ends too early, at byte 6", id="cut off"),
    pytest.param(b"{}{}", "not valid JSON: trailing characters at byte", id="two on one line"),
    pytest.param(b"hello", "not valid JSON: invalid character at byte 0", id="plain text"),
    pytest.param(b'{"a":NaN}', "not valid JSON: NaN is not JSON, at byte 5", id="NaN"),
    pytest.param(b'{"a":-Infinity}', "not valid JSON: -Infinity is not JSON", id="infinity"),
    pytest.param(b'{"a":"\t"}', "not valid JSON: invalid character at byte 6", id="raw control character"),
    pytest.param(b"[{}]", "not an object but an array", id="array"),
    pytest.param(b'"x"', "not an object but a str", id="string"),
    pytest.param(b"1", "not an object but an int", id="number"),
    pytest.param(b"null", "not an object but a null", id="null"),
    pytest.param(b'{"a":1e400}', "not readable: number out of range", id="beyond a double"),
    pytest.param(b'{"a":[1E+0999]}', "not readable: number out of range", id="beyond a double, written oddly"),
    pytest.param(b'{"a":' + b"9" * 309 + b".0}", "not readable: number out of range", id="309 digits"),
    pytest.param(b'{"a":' + b"9" * 250 + b"e99}", "not readable: number out of range", id="digits and exponent"),
    pytest.param(b'{"a":' + b"9" * 5000 + b"}", "not readable: integer value out of range", id="5000 digits"),
    pytest.param(b'{"a":"' + b"x" * (1 << 20) + b'"}', "line of 1048584 bytes, over limits.line_bytes", id="1 MiB"),
    pytest.param(
        b"{" + b",".join(b'"%d":"%060d"' % (n, n) for n in range(1001)) + b"}",
        "1001 fields, over limits.fields 1000",
        id="1001 fields",
    ),
    pytest.param(b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "nesting deeper than limits.depth 64", id="nesting"),
    pytest.param(b'{"a":' + b"[" * 500_000, "nesting deeper than limits.depth 64", id="nesting, not closed"),
    pytest.param(
        b'{"f":"' + b"x" * 70_000 + b'","a":' + b"[" * 64 + b"]" * 64 + b"}",
        "nesting deeper than limits.depth 64",
        id="nesting in a long line",
    ),
]


@pytest.mark.parametrize("line", GOOD)
def test_a_good_line_is_kept_as_it_is(line: bytes) -> None:
    assert lines(validate(line)) == [line]
    body, index = large(line)
    validated = validate(body)
    assert lines(validated)[index] == line
    assert (len(lines(validated)), validated.repaired, validated.rejected) == (4001, 0, ())


@pytest.mark.parametrize(("line", "want"), REPAIRED)
def test_a_broken_character_is_replaced_and_counted(line: bytes, want: bytes) -> None:
    alone = validate(line)
    assert (lines(alone), alone.repaired) == ([want], 1)
    body, index = large(line)
    validated = validate(body)
    assert lines(validated)[index] == want
    assert (validated.repaired, validated.rejected) == (1, ())


@pytest.mark.parametrize(("line", "reason"), BAD)
def test_a_bad_line_is_refused_and_its_neighbours_are_kept(line: bytes, reason: str) -> None:
    assert reasons(validate(line))[0].startswith(reason)
    body, index = large(line)
    validated = validate(body)
    assert list(reasons(validated)) == [index]
    assert reasons(validated)[index].startswith(reason)
    assert lines(validated) == [FILLER % number for number in range(4000)]
    assert list(validated.kept) == [number for number in range(4001) if number != index]


@pytest.mark.parametrize(
    ("payload", "want"),
    [
        pytest.param(b"", [], id="nothing"),
        pytest.param(b"\n\n", [], id="blank lines alone"),
        pytest.param(b'{"a":1}\n', [b'{"a":1}'], id="newline at the end"),
        pytest.param(b'\n\n{"a":1}\n \n{"b":2}', [b'{"a":1}', b'{"b":2}'], id="blank lines do not count"),
        pytest.param(b'{"a":1}\r\n{"b":2}\r\n', [b'{"a":1}', b'{"b":2}'], id="CRLF"),
        pytest.param(b'  {"a": 1 }\t', [b'{"a": 1 }'], id="blanks around"),
        pytest.param(b'\xef\xbb\xbf{"a":1}', [b'{"a":1}'], id="byte order mark"),
    ],
)
def test_what_is_between_the_lines_is_not_kept(payload: bytes, want: list[bytes]) -> None:
    validated = validate(payload)
    assert lines(validated) == want
    assert (validated.rejected, validated.repaired) == ((), 0)


@pytest.mark.parametrize("ending", [b"\r\n", b"\n\n", b"\n \n", b"\t\n"])
def test_a_large_body_with_other_line_ends_is_the_same_body(ending: bytes) -> None:
    body, _ = large()
    validated = validate(body.replace(b"\n", ending))
    assert validated.encoded == validate(body).encoded
    assert list(validated.kept) == list(range(4000))


@pytest.mark.parametrize(
    "unusual",
    [(b"{}{}", b""), (b"{}{}", b'{"a":', b"{}}"), (b'{"a":{}', b"}", b"{}{}"), (b"{}{}{}", b"", b" ")],
)
def test_lines_are_not_mistaken_because_their_number_is_right(unusual: tuple[bytes, ...]) -> None:
    body, index = large(*unusual)
    validated = validate(body)
    assert lines(validated) == [FILLER % number for number in range(4000)]
    assert list(reasons(validated)) == [index + number for number, line in enumerate(unusual) if line.strip()]


def test_limits_are_settings() -> None:
    limits = LineLimits(line_bytes=12, fields=1, depth=1, inspect_bytes=0)
    validated = validate(b'{"a":1}\n{"a":[]}\n{"":1,"":2}\n{"a":1234567}\n{"x":1,"y":2}', limits=limits)
    assert lines(validated) == [b'{"a":1}', b'{"":1,"":2}']
    assert reasons(validated) == {
        1: "nesting deeper than limits.depth 1",
        3: "line of 13 bytes, over limits.line_bytes 12",
        4: "line of 13 bytes, over limits.line_bytes 12",
    }
    assert reasons(validate(b'{"x":1,"y":2}', limits=LineLimits(fields=1, inspect_bytes=0))) == {
        0: "2 fields, over limits.fields 1"
    }


def test_a_reading_that_cannot_be_used_is_refused() -> None:
    with pytest.raises(BadPayload, match="a key for message"):
        validate(b"{}", Reading(message=("a=b",)))


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
WHOLE = ANY_JSON.map(lambda value: json.dumps(value).encode(errors="replace"))
PLAIN = ANY_JSON.map(lambda value: json.dumps(value, ensure_ascii=False).encode(errors="surrogatepass"))
FRAGMENTS = st.sampled_from(
    [b"{", b"}", b"[", b"]", b'"', b":", b",", b"\\", b"\\u", b"d800", b"DC00", b"\n", b"\r", b" ", b"1",
     b"e", b"E+", b"-", b".", b"400", b"\xff", b"\xc3\xa9", b"\xed\xa0\x80", b'"a":', b"NaN",
     b"null", b"true", b"\0", b"\x0b"]
)  # fmt: skip
NOISE = st.lists(FRAGMENTS | st.binary(max_size=3), max_size=12).map(b"".join)
BODIES = st.lists(
    WHOLE
    | PLAIN
    | NOISE
    | NOISE.map(lambda noise: b'{"a":"' + noise + b'"}')
    | NOISE.map(lambda n: b'{"a":' + n + b"}"),
    max_size=6,
).map(b"\n".join)


@given(BODIES)
def test_every_line_is_kept_or_refused_and_neighbours_do_not_matter(body: bytes) -> None:
    validated = validate(body)
    assert sorted([*validated.kept, *reasons(validated)]) == list(range(len(validated.kept) + len(validated.rejected)))
    assert len(lines(validated)) == len(validated.kept)
    inside, index = large(*body.split(b"\n"))
    among = validate(inside)
    assert lines(among)[index : index + len(lines(validated))] == lines(validated)
    assert [refusal.reason for refusal in among.rejected] == [refusal.reason for refusal in validated.rejected]
    assert validated.encoded is None or frame(validated.encoded, NOON).height == validated.encoded.rows


@pytest.fixture(scope="module")
def engine() -> Iterator[session.Session]:
    opened = session.Session()  # type: ignore[no-untyped-call]
    yield opened
    opened.close()  # type: ignore[no-untyped-call]


def unreadable(engine: session.Session, kept: list[bytes]) -> list[bytes]:
    """Which of these lines the engine takes for invalid."""
    listed = ",".join(f"unhex('{line.hex()}')" for line in kept)
    question = f"SELECT isValidJSON(line) AND isValidUTF8(line) FROM (SELECT arrayJoin([{listed}]) line)"
    answer = engine.query(question, "TSV")  # type: ignore[no-untyped-call]
    return [line for line, good in zip(kept, answer.bytes().split(), strict=True) if good != b"1"]


@given(BODIES)
def test_the_engine_reads_every_line_that_is_kept(engine: session.Session, body: bytes) -> None:
    kept = lines(validate(body))
    assert not kept or unreadable(engine, kept) == []


def test_the_engine_reads_what_is_kept_of_the_json_test_suite(engine: session.Session) -> None:
    path = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "malformed" / "jsontestsuite.jsonl"
    if not path.exists():
        pytest.skip(f"no reference data at {path}")
    cases = [json.loads(line) for line in path.read_text().splitlines()]
    texts = {case["name"]: base64.b64decode(case["bytes_b64"]) for case in cases}
    wanted = {case["name"]: case["expect"] for case in cases}
    kept: list[bytes] = []
    for name, text in texts.items():
        inside = b'{"a":' + text.replace(b"\n", b" ") + b"}"
        found = lines(validate(inside))
        if wanted[name] in {"accept", "y"}:
            assert found == [inside], name
        if wanted[name] in {"reject", "n"} and text.isascii():
            assert found == [], name
        kept += found + lines(validate(text)) + lines(_items(text))
    assert kept
    assert unreadable(engine, kept) == []
    assert all(isinstance(msgspec.json.decode(line), dict) for line in kept)


def _items(text: bytes) -> Validated:
    try:
        return items(text)
    except BadPayload:
        return validate(b"")
