"""Lines become records where they are read: formats, times, joining, encodings, also over restarts and rotations."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logyard.errors import BadConfig
from logyard.formats.json.frame import frame
from logyard.formats.multiline.rules import JoinRules
from logyard.model.batch import Encoded
from logyard.model.civil.customs import Customs
from logyard.model.reading import DEFAULT_READING
from logyard.receivers.tailing.assemble import Assembler
from logyard.receivers.tailing.events import FormatUnknown, ParseErrors
from logyard.receivers.tailing.line_settings import LineSettings, assembler_maker
from tests.receivers.files.conftest import ARRIVAL, Tailing, write

Make = Callable[..., Tailing]

ACCESS = '10.0.0.7 - - [10/Oct/2025:13:55:36 +0200] "GET /items?q=1 HTTP/1.1" 404 12 "-" "curl/8"'
TRACE = ["Traceback (most recent call last):", '  File "/srv/shop.py", line 3, in <module>', "ValueError: no stock"]
HEAD = "2025-10-10 13:55:36,123 ERROR request failed"


def assembler(**settings: Any) -> Assembler:
    return assembler_maker(LineSettings(**settings), lambda: ARRIVAL)("/var/log/shop.log")


def told(tail: Tailing, *columns: str) -> list[tuple[Any, ...]]:
    tail.run()
    return list(tail.records().select(columns).iter_rows())


def attributes(tail: Tailing) -> list[dict[str, Any]]:
    return [msgspec.json.decode(text) for text in tail.records()["attributes"]]


def test_parser_mode_structures_records(home: Path, tailing: Make) -> None:
    tail = tailing()
    tail.understanding(format="combined_access")
    write(home / "shop.log", ACCESS, "no such line")
    assert told(tail, "timestamp", "service", "source") == [
        (
            pl.Series(["2025-10-10T11:55:36Z"]).str.to_datetime(time_unit="ns", time_zone="UTC")[0],
            "shop",
            home_of(home),
        ),
        (pl.Series([ARRIVAL]).cast(pl.Datetime("ns", "UTC"))[0], "shop", home_of(home)),
    ]
    first, second = attributes(tail)
    assert (first["method"], first["status"], first["path"]) == ("GET", 404, "/items")
    assert second == {"processing_error": "is not in the format combined_access"}
    assert tail.of(ParseErrors) == [ParseErrors(count=1)]
    assert [file.tally.errors for file in tail.follower.files] == [1]


def home_of(home: Path) -> str:
    return f"{home}/shop.log"


def test_formats_are_found_out_and_found_out_anew(home: Path, tailing: Make) -> None:
    tail = tailing()
    tail.understanding()
    write(home / "shop.log", *[ACCESS] * 3)
    tail.run()
    write(home / "shop.log", "level=warn msg=half user=7", "just words")
    tail.run()
    write(home / "shop.log", '{"message":"j","level":"error"}')
    assert told(tail, "level", "message")[3:] == [("WARNING", "half"), ("", "just words"), ("ERROR", "j")]
    assert attributes(tail)[3] == {"user": 7}
    assert sum(event.count for event in tail.of(FormatUnknown)) == 1


def test_json_of_the_usual_keys_travels_as_the_bytes_that_it_is(home: Path, tailing: Make) -> None:
    tail = tailing()
    tail.understanding()
    lines = ['{"message":"one","time":"2025-10-10T11:55:36Z"}', '{"message": "two", "level": 40}']
    write(home / "shop.log", *lines)
    tail.run()
    assert tail.lines == lines


@pytest.mark.parametrize(
    ("line", "message", "level"),
    [
        pytest.param('{"@t":"2025-10-10T11:55:36Z","@mt":"hello {User}"}', "hello {User}", "INFO", id="Serilog"),
        pytest.param(
            '{"t":{"$date":"2025-10-10T11:55:36Z"},"s":"E","c":"NET","msg":"gone"}', "gone", "ERROR", id="MongoDB"
        ),
    ],
)
def test_json_of_keys_of_its_own_is_understood(home: Path, tailing: Make, line: str, message: str, level: str) -> None:
    tail = tailing()
    tail.understanding()
    write(home / "shop.log", line)
    assert told(tail, "message", "level") == [(message, level)]
    assert tail.records()["timestamp"].dt.year().to_list() == [2025]


def test_wrapped_json(home: Path, tailing: Make) -> None:
    """JSON within a container's JSON."""
    tail = tailing()
    tail.understanding()
    inner = msgspec.json.encode({"message": "paid", "level": "warn", "amount": 7}).decode()
    write(home / "c.log", msgspec.json.encode({"log": inner + "\n", "stream": "stderr", "time": TIME}).decode())
    assert told(tail, "message", "level") == [("paid", "WARNING")]
    assert attributes(tail) == [{"stream": "stderr", "amount": 7}]
    assert tail.records()["timestamp"].dt.to_string("%FT%T%.9fZ").to_list() == [TIME]


TIME = "2025-10-10T11:55:36.123456789Z"


def docker(text: str, stream: str = "stdout") -> str:
    return msgspec.json.encode({"log": text, "stream": stream, "time": TIME}).decode()


def test_docker_partial_events_merging(home: Path, tailing: Make) -> None:
    """Found out, parts of 16 KB put together, over two rotations and a kill."""
    log, tail = home / "c.log", tailing()
    tail.understanding()
    parts = ["a" * 16384, "b" * 16384, "end\n"]
    write(log, docker("first\n"), docker(parts[0]))
    tail.run()
    log.rename(home / "c.log.1")
    write(log, docker(parts[1]), docker("other\n", "stderr"))
    tail.run()
    tail.crash()
    tail.start()
    write(log, docker(parts[2]), docker("last\n"))
    tail.run()
    assert tail.records()["message"].to_list() == ["first", "".join(parts).rstrip(), "other", "last"]


def test_json_that_is_none_says_so_and_is_counted(home: Path, tailing: Make) -> None:
    tail = tailing()
    tail.understanding(format="json")
    write(home / "shop.log", '{"message":"one"}', '{"message":', "three", '{"message":"four"}')
    assert [message for (message,) in told(tail, "message")] == ["one", '{"message":', "three", "four"]
    errors = ["processing_error" in each for each in attributes(tail)]
    assert errors == [False, True, True, False]
    assert sum(event.count for event in tail.of(ParseErrors)) == 2


def test_plain_lines_are_messages_whatever_they_look_like(home: Path, tailing: Make) -> None:
    tail = tailing()
    tail.understanding(format="plain", multiline="python")
    write(home / "shop.log", '{"message":"one"}', *TRACE, "two")
    tail.run(final=True)
    assert told(tail, "message") == [('{"message":"one"}',), ("\n".join(TRACE),), ("two",)]


def test_grok_of_ones_own(home: Path, tailing: Make) -> None:
    tail = tailing()
    tail.understanding(
        grok=(r"^%{TIMESTAMP_ISO8601:timestamp} \[%{WORD:level}\] %{NUMBER:took:float}ms (?P<message>.*)$",),
        types={"took": "ms"},
    )
    write(home / "shop.log", "2025-10-10 11:55:36 [warn] 12.5ms slow")
    assert told(tail, "level", "message") == [("WARNING", "slow")]
    assert attributes(tail) == [{"took": 12_500_000}]


@pytest.mark.parametrize(
    ("customs", "line", "want"),
    [
        pytest.param(Customs(zone="Europe/Berlin"), HEAD, "2025-10-10T11:55:36.123Z", id="a zone"),
        pytest.param(Customs(zone="-02:00"), HEAD, "2025-10-10T15:55:36.123Z", id="an offset"),
        pytest.param(
            Customs(year=2019), "Oct 10 13:55:36 box sshd[1]: Accepted publickey for root", "2019-10-10T13:55:36.000Z",
            id="a year",
        ),
    ],
)  # fmt: skip
def test_parser_time_zone_generates_native_timestamp(
    home: Path, tailing: Make, customs: Customs, line: str, want: str
) -> None:
    tail = tailing()
    tail.understanding(customs=customs)
    write(home / "shop.log", line)
    tail.run()
    assert tail.records()["timestamp"].dt.to_string("%FT%T%.3fZ").to_list() == [want]


def test_the_header_of_a_file_is_remembered_over_a_kill(home: Path, tailing: Make) -> None:
    log, tail = home / "u_ex.log", tailing()
    tail.understanding()
    write(
        log,
        "#Software: Microsoft Internet Information Services 10.0",
        "#Fields: date time cs-method cs-uri-stem sc-status",
    )
    write(log, "2025-10-10 11:55:36 GET /items 404")
    tail.run()
    tail.crash()
    tail.start()
    write(log, "2025-10-10 11:55:37 POST /items 201")
    tail.run()
    assert attributes(tail)[-1].items() >= {"method": "POST", "status": 201}.items()


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        pytest.param({"format": "nonsense"}, "nonsense", id="no format"),
        pytest.param({"multiline": "cobol"}, "cobol", id="no language"),
        pytest.param({"multiline": JoinRules(mode="halt_with", pattern="(")}, "cannot read", id="a bad pattern"),
        pytest.param({"grok": ("%{NOSUCH:x}",)}, "NOSUCH", id="no such expression"),
        pytest.param({"grok": ("x",), "format": "json"}, "not both", id="two formats"),
        pytest.param({"customs": Customs(zone="Mars/Base")}, "Mars/Base", id="no zone"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(BadConfig, match=says):
        assembler(**settings)


CONSTANTS = {"service": "shop", "host": "box", "source": "/a.log", "level": "info", "env": "prod", "user": "none"}


@given(
    st.lists(
        st.one_of(st.text(), st.sampled_from([HEAD, ACCESS, *TRACE, '{"user":"me"}', 'level=warn msg="a b" user=1'])),
        max_size=12,
    ),
    st.sampled_from(["off", "auto"]),
    st.sampled_from(["auto", "json", "plain", "unparsed"]),
)
def test_what_is_known_of_all_lines_is_on_all_records_whatever_they_became(
    lines: list[str], multiline: str, form: str
) -> None:
    data = "".join(line.replace("\n", " ") + "\n" for line in lines).encode(errors="replace")
    reading = DEFAULT_READING.given(CONSTANTS)
    taken = assembler(format=form, multiline=multiline).take(data or b"\n", reading, final=True)
    assert taken.used == len(data or b"\n")
    if taken.body is None:
        assert not data.strip()
        return
    found = frame(taken.body, ARRIVAL) if isinstance(taken.body, Encoded) else taken.body
    assert set(found["source"]) == {"/a.log"}
    assert set(found["service"]) <= {"shop", *found["service"].filter(found["service"] != "unknown")}
    assert "" not in set(found["host"]) | set(found["level"].filter(found["level_text"] == ""))
    assert all(msgspec.json.decode(text)["env"] == "prod" for text in found["attributes"])
