"""What a log gives, through a real agent, from real engines."""

import time
from pathlib import Path

import grpc
import pytest

from logyard.agent.v1 import agent_pb2 as pb
from logyard.agent.v1 import details_pb2 as details
from tests.agent.sites import Site, eventually, status, status_details

SIZES = (0, 1, 16_384, 16_385, 1_000_000)
MANY = "".join(f"printf '%*s\\n' {size} '' | tr ' ' x;" for size in SIZES)


def test_lines_of_every_size_are_whole(site: Site) -> None:
    name = site.launch(MANY)
    site.ended(name)
    wanted = [b"x" * size + b"\n" for size in SIZES]
    assert site.lines(name) == wanted
    assert site.lines(name, tail=1) == wanted[-1:]
    assert site.lines(name, tail=4) == wanted[1:]
    batches = [response.batch for response in site.logs(name, batches=True)]
    assert b"".join(batch.data for batch in batches) == b"".join(wanted)


BYTES = r"printf '\000\001\377\376\r\n\033[31mred\033[0m\n\xe2\x82'; printf '\xac\n\n\n'"


def test_exact_bytes_come_through(site: Site) -> None:
    if site.engine is not None and site.kind == "docker":
        # Docker's default driver keeps JSON, where what is no text becomes U+FFFD; its driver "local" keeps bytes.
        name = site.name()
        site.engine.run(
            *("run", "--name", name, "--network", "none", "--log-driver", "local", site.image, "sh", "-c", BYTES)
        )
    else:
        name = site.launch(BYTES)
    site.ended(name)
    wanted = b"\x00\x01\xff\xfe\r\n\x1b[31mred\x1b[0m\n\xe2\x82\xac\n\n\n"
    assert b"".join(site.lines(name)) == wanted
    assert b"".join(response.batch.data for response in site.logs(name, batches=True)) == wanted


def test_a_burst_is_complete_and_in_order(site: Site) -> None:
    name = site.launch("seq 1 1000")
    site.ended(name)
    wanted = [b"%d\n" % number for number in range(1, 1001)]
    assert site.lines(name) == wanted
    assert site.lines(name, tail=7) == wanted[-7:]
    assert site.lines(name, tail=5000) == wanted


def test_stdout_and_stderr_are_told_apart(site: Site) -> None:
    name = site.launch("for i in 1 2 3; do echo out $i; echo err $i >&2; done")
    site.ended(name)
    out, err = ([f"{word} {number}\n".encode() for number in (1, 2, 3)] for word in ("out", "err"))
    assert site.lines(name, stdout=True) == out
    assert site.lines(name, stderr=True) == err
    assert sorted(site.lines(name)) == sorted(out + err)
    assert sorted(site.lines(name, stdout=True, stderr=True)) == sorted(out + err)
    assert site.lines(name, stderr=True, tail=2) == err[1:], "tail counts what is wanted"
    streams = {response.entry.data: response.entry.stream_type for response in site.logs(name)[:-1]}
    assert streams == dict.fromkeys(out, "stdout") | dict.fromkeys(err, "stderr")


def test_tail_comes_after_the_filters(site: Site) -> None:
    name = site.launch("for i in 1 2 3 4 5 6; do echo keep $i; echo leave $i; done")
    site.ended(name)
    assert site.lines(name, include=["^keep"], tail=2) == [b"keep 5\n", b"keep 6\n"]
    assert site.lines(name, include=["^keep", "5$"], exclude=["[1-4]$"]) == [b"keep 5\n", b"leave 5\n", b"keep 6\n"]


def test_since_is_inclusive_and_until_exclusive(site: Site) -> None:
    name = site.steps("echo 1;", "echo 2;", "echo 3;", "echo 4")
    entries = [response.entry for response in site.logs(name)[:-1]]
    stamps = [entry.timestamp for entry in entries]
    assert [entry.data for entry in entries] == [b"1\n", b"2\n", b"3\n", b"4\n"]
    assert stamps == sorted(stamps)
    assert len(set(stamps)) == 4
    assert site.lines(name, since=stamps[1]) == [b"2\n", b"3\n", b"4\n"]
    assert site.lines(name, until=stamps[1]) == [b"1\n"]
    assert site.lines(name, since=stamps[1], until=stamps[3]) == [b"2\n", b"3\n"]
    assert site.lines(name, since=stamps[0], tail=1) == [b"4\n"]
    assert site.lines(name, since="1h", until="now") == [b"1\n", b"2\n", b"3\n", b"4\n"]
    assert site.lines(name, until="1d") == []


def test_a_cursor_goes_on_without_gap_or_duplicate(site: Site) -> None:
    name = site.launch("seq 1 50; seq 51 100 >&2; sleep 600")
    eventually(lambda: len(site.lines(name)) == 100)
    whole = site.lines(name)
    read: list[bytes] = []
    placed: list[bytes] = []
    cursor = ""
    call = site.stream(name, follow=True)
    for response in call:
        read.append(response.entry.data)
        if response.cursor:
            cursor, placed = response.cursor, list(read)
        if placed and len(read) >= 30:
            break
    call.cancel()
    rest = site.lines(name, cursor=cursor)
    assert placed + rest == whole
    site.remove(name)


def test_a_terminal_has_no_frames(site: Site) -> None:
    name = site.launch("echo one; echo two >&2; printf '%*s\\n' 20000 '' | tr ' ' x", tty=True)
    site.ended(name)
    wanted = b"one\r\ntwo\r\n" + b"x" * 20_000 + b"\r\n"
    assert b"".join(site.lines(name)) == wanted
    assert b"".join(response.batch.data for response in site.logs(name, batches=True)) == wanted


@pytest.mark.parametrize(
    ("asked", "field", "words"),
    [
        pytest.param({"tail": -1}, "tail", "Tail value must be non-negative", id="negative tail"),
        pytest.param({"since": "soon"}, "since", "Invalid since format", id="bad since"),
        pytest.param({"until": "1x"}, "until", "Invalid until format", id="bad until"),
        pytest.param({"include": ["("]}, "include", "cannot parse pattern", id="bad pattern"),
        pytest.param({"cursor": "here"}, "cursor", "no cursor", id="bad cursor"),
    ],
)
def test_a_bad_request_names_its_field(site: Site, asked: dict[str, object], field: str, words: str) -> None:
    with pytest.raises(grpc.RpcError, match=words) as raised:
        site.logs("any", **asked)
    assert status(raised.value) is grpc.StatusCode.INVALID_ARGUMENT
    said = details.StatusDetail.FromString(status_details(raised.value))
    violations = details.BadRequest()
    found = next(detail for detail in said.details if detail.type_url == "type.googleapis.com/google.rpc.BadRequest")
    violations.ParseFromString(found.value)
    assert [violation.field for violation in violations.field_violations] == [field]


def test_an_unknown_container_is_not_found(site: Site) -> None:
    with pytest.raises(grpc.RpcError, match="Container 'nobody' not found") as raised:
        site.logs("nobody")
    assert status(raised.value) is grpc.StatusCode.NOT_FOUND


def test_a_finished_log_says_so(site: Site) -> None:
    name = site.launch("echo x")
    site.ended(name)
    last = site.logs(name)[-1]
    assert (last.status.success, last.status.finished) == (True, True)


def test_an_id_or_its_beginning_is_a_name(site: Site) -> None:
    name = site.launch("echo me")
    found = site.ended(name)
    assert site.lines(found.id) == site.lines(found.id[:12]) == site.lines(name) == [b"me\n"]


def test_a_slow_reader_costs_no_memory_and_no_line(site: Site) -> None:
    # Not `yes ... | head`: where SIGPIPE is ignored, busybox's yes goes on for ever.
    line = "a line that is a hundred bytes long, or nearly so, to fill all buffers"
    name = site.launch(f"awk 'BEGIN {{ for (i = 0; i < 150000; i++) print \"{line}\" }}'")
    before = resident(site)
    call = site.stream(name, follow=True, batches=True, linger_seconds=0.1)
    first = next(iter(call))
    site.ended(name)
    # Whatever can wait between engine and reader has filled up by now: see that the agent does not hold it.
    time.sleep(0.5)
    assert resident(site) - before < 40 << 20
    lines = first.batch.data.count(b"\n") + sum(response.batch.data.count(b"\n") for response in call)
    assert lines == 150_000
    site.remove(name)


def resident(site: Site) -> int:
    lines = Path(f"/proc/{site.process.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmRSS"))


def test_batches_have_times_where_asked(site: Site) -> None:
    name = site.launch("echo a; echo b >&2")
    site.ended(name)
    timed = [response.batch for response in site.logs(name, batches=True, timestamps=True)[:-1]]
    lines = {size: time for batch in timed for size, time in zip(batch.sizes, batch.times, strict=True)}
    assert list(lines) == [2]
    assert sum(len(batch.times) for batch in timed) == 2
    untimed = [response.batch for response in site.logs(name, batches=True)[:-1]]
    assert sum(len(batch.times) for batch in untimed) == 0
    assert isinstance(timed[0], pb.LogBatch)
