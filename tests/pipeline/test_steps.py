"""Each step by what it makes of records: facts, one a line."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from logyard.errors import BadConfig
from logyard.pipeline.chain import Chain
from tests.pipeline.frames import attributes, framed, run

Records = Sequence[Mapping[str, Any]]

WEB = {"message": "GET /a?b=1", "level": "info", "service": "web", "path": "/a?b=1", "status": 404, "user": {"id": 7}}
JOB = {"message": "job failed", "service": "jobs", "took": 1.50, "deep": {"er": {"x": None, "y": [1, "2"]}}}


@pytest.mark.parametrize(
    ("records", "step", "want"),
    [
        pytest.param(
            [WEB],
            {"type": "rename", "fields": {"user.id": "user_id", "status": "http.status"}},
            [{"path": "/a?b=1", "user": {}, "user_id": 7, "http.status": 404}],
            id="rename keeps types, of nested ones too",
        ),
        pytest.param(
            [{"a": 1, "b": 2}, {"a": 3}],
            {"type": "rename", "fields": {"a": "b"}, "overwrite": False},
            [{"a": 1, "b": 2}, {"b": 3}],
            id="rename leaves both where the new name is taken",
        ),
        pytest.param([WEB], {"type": "drop", "fields": ["path", "user.id"]}, [{"status": 404, "user": {}}], id="drop"),
        pytest.param(
            [JOB, WEB],
            {"type": "keep", "fields": ["took", "deep.er.y", "path"]},
            [{"took": 1.5, "deep.er.y": [1, "2"]}, {"path": "/a?b=1"}],
            id="keep fields",
        ),
        pytest.param(
            [{"status": 500}, {"status": 404}, {"status": 200}, {}],
            {
                "type": "set",
                "rules": [
                    {"where": "status:>=500", "fields": {"kind": "server", "bad": True}},
                    {"where": "status:>=400", "fields": {"kind": "client"}},
                    {"where": "status:*", "fields": {"kind": 1.5}},
                ],
            },
            [
                {"status": 500, "kind": "server", "bad": True},
                {"status": 404, "kind": "client"},
                {"status": 200, "kind": 1.5},
                {},
            ],
            id="set by the first rule that matches",
        ),
        pytest.param(
            [{"a": 'x"y\\'}, {}],
            {"type": "set", "fields": {"a": 'n"\n', "b c": "é"}, "missing": True},
            [{"a": 'x"y\\', "b c": "é"}, {"a": 'n"\n', "b c": "é"}],
            id="set what is missing",
        ),
        pytest.param(
            [WEB, {"path": "nothing"}, {}],
            {"type": "extract", "field": "path", "pattern": r"^(?P<endpoint>/[^?]*)(?:\?(?P<query>.*))?"},
            [
                {"path": "/a?b=1", "status": 404, "user": {"id": 7}, "endpoint": "/a", "query": "b=1"},
                {"path": "nothing"},
                {},
            ],
            id="extract",
        ),
        pytest.param(
            [{"a": "A", "n": {"m": 1}}, {"a": 'q"'}],
            {"type": "template", "field": "made", "template": "{a}-{n.m} {{x}}"},
            [{"a": "A", "n": {"m": 1}, "made": "A-1 {x}"}, {"a": 'q"', "made": 'q"- {x}'}],
            id="template",
        ),
        pytest.param(
            [{"message": '{"a":1,"b":{"c":"x"}}', "a": 0}, {"message": "{a}"}, {"message": "plain"}],
            {"type": "unfold"},
            [
                {"a": 1, "b": {"c": "x"}},
                {"processing_error": "cannot unfold the message: JSON is malformed: object keys must be strings"},
                {},
            ],
            id="unfold",
        ),
        pytest.param(
            [{"message": '{ "a": [1, 2],\n "b": "x, y" }'}],
            {"type": "unfold", "keep": False},
            [{"a": [1, 2], "b": "x, y"}],
            id="unfold what is written in several lines",
        ),
    ],
)
def test_what_a_step_makes_of_attributes(records: Records, step: Mapping[str, Any], want: list[dict[str, Any]]) -> None:
    found = attributes(run(records, step))
    if step["type"] == "unfold" and len(found) > 1:
        assert str(found[1].pop("processing_error")).startswith("cannot unfold the message")
        want[1].pop("processing_error")
    assert found == want


@pytest.mark.parametrize(
    ("records", "step", "column", "want"),
    [
        pytest.param(
            [WEB, JOB], {"type": "rename", "fields": {"service": "app"}}, "service", ["unknown"] * 2,
            id="rename out of a column",
        ),
        pytest.param(
            [{"node": "a"}, {"node": 7}], {"type": "rename", "fields": {"node": "host"}}, "host", ["a", "7"],
            id="rename into a column",
        ),
        pytest.param(
            [{"lvl2": "fatal"}, {"lvl2": "no"}, {}], {"type": "level", "field": "lvl2"}, "level", ["CRITICAL", "", ""],
            id="level of a field",
        ),
        pytest.param(
            [{"message": "An ERROR"}, {"message": "terror warned"}, {"level": "debug"}, {"message": "x"}],
            {"type": "level", "words": {"ERROR": ["error"], "WARNING": ["warn*"]}, "default": "info"},
            "level",
            ["ERROR", "WARNING", "DEBUG", "INFO"],
            id="level by words",
        ),
        pytest.param(
            [{"level": "debug", "message": "error"}],
            {"type": "level", "words": {"ERROR": ["error"]}, "overwrite": False}, "level", ["DEBUG"],
            id="level that is there stays",
        ),
        pytest.param(
            [{"level": "warn", "a": 1}, {"a": 2}], {"type": "set", "fields": {"level": "note"}}, "severity", [10, 10],
            id="set the level",
        ),
        pytest.param([WEB, JOB], {"type": "filter", "pattern": "^GET"}, "message", ["GET /a?b=1"], id="filter"),
        pytest.param([WEB, JOB], {"type": "filter", "exclude": "job"}, "service", ["web"], id="exclude"),
        pytest.param(
            [WEB, JOB], {"type": "filter", "pattern": "4", "field": "status", "where": "GET"}, "service",
            ["web"], id="filter by both",
        ),
        pytest.param(
            [WEB, JOB], {"type": "drop", "where": "*", "when": "service:jobs"}, "service", ["web"], id="drop, when"
        ),
        pytest.param(
            [WEB, JOB, WEB, JOB], {"type": "set", "fields": {"host": "h"}, "when": "service:jobs"}, "host",
            ["", "h", "", "h"], id="a condition leaves the others in their places",
        ),
        pytest.param(
            [{"message": '{"level":"warn","msg":"m","time":"2020-01-01T00:00:00Z","service":"s"}'}],
            {"type": "unfold"}, "message", ["m"], id="unfold takes the message",
        ),
        pytest.param(
            [{"message": '{"level":"warn","msg":"m","time":"2020-01-01T00:00:00Z","service":"s"}'}],
            {"type": "unfold"}, "level", ["WARNING"], id="unfold takes the level",
        ),
        pytest.param(
            [{"message": "user logged in", "tags": []}, {"message": "card charged"}, {"message": "hm"}],
            {"type": "tag", "rules": "topics", "otherwise": "general"}, "tags", [["auth"], ["payment"], ["general"]],
            id="topics",
        ),
    ],
)  # fmt: skip
def test_what_a_step_makes_of_columns(records: Records, step: Mapping[str, Any], column: str, want: list[Any]) -> None:
    assert run(records, step)[column].to_list() == want


@pytest.mark.parametrize(
    ("formats", "value", "want"),
    [
        pytest.param(["auto"], "2024-02-29 12:00:00", "2024-02-29T12:00:00+00:00", id="auto"),
        pytest.param(["%d/%b/%Y:%H:%M:%S %z"], "01/Feb/2024:01:02:03 +0200", "2024-01-31T23:02:03+00:00", id="zoned"),
        pytest.param(["%d.%m.%Y %H:%M"], "05.06.2024 07:08", "2024-06-05T07:08:00+00:00", id="own"),
        pytest.param(["%Y", "unix"], 1700000000.25, "2023-11-14T22:13:20.250000+00:00", id="unix, after another"),
        pytest.param(["unix_ms"], 1700000000001, "2023-11-14T22:13:20.001000+00:00", id="milliseconds"),
    ],
)
def test_a_time_is_taken_from_a_field(formats: list[str], value: object, want: str) -> None:
    row = run([{"when": value, "a": 1}], {"type": "timestamp", "field": "when", "formats": formats}).row(0, named=True)
    assert (row["timestamp"].isoformat(), row["attributes"]) == (want, '{"a":1}')


@pytest.mark.parametrize("zone", ["+02:00", "Europe/Helsinki"])
def test_a_time_without_a_zone_is_in_the_settings(zone: str) -> None:
    step = {"type": "timestamp", "field": "when", "formats": ["%Y-%m-%d %H:%M:%S"], "zone": zone}
    assert run([{"when": "2024-01-01 02:00:00"}], step)["timestamp"][0].isoformat() == "2024-01-01T00:00:00+00:00"


def test_a_time_may_be_for_those_only_that_said_none() -> None:
    rows = [{"when": "2024-01-01T00:00:00Z"}, {"when": "2024-01-01T00:00:00Z", "time": "2025-01-01T00:00:00Z"}]
    found = run(rows, {"type": "timestamp", "field": "when", "missing": True})
    assert [time.year for time in found["timestamp"]] == [2024, 2025]


def test_what_is_no_time_says_so_and_stays() -> None:
    left = run([{"when": "soon", "timestamp": "2024-01-01T00:00:00Z"}], {"type": "timestamp", "field": "when"})
    assert left["timestamp"][0].year == 2024
    assert attributes(left) == [{"when": "soon", "processing_error": "when is no time in the formats auto"}]


@pytest.mark.parametrize(
    ("step", "names"),
    [
        pytest.param({"type": "rename", "fields": {"a": "stream"}}, "stream", id="a column that follows from others"),
        pytest.param({"type": "rename", "fields": {"a": "c", "b": "c"}}, "once", id="one name twice"),
        pytest.param({"type": "filter"}, "pattern", id="nothing to filter by"),
        pytest.param({"type": "filter", "pattern": "("}, "pattern", id="bad expression"),
        pytest.param({"type": "level", "default": "loud"}, "loud", id="no level"),
        pytest.param({"type": "level"}, "say a field", id="nothing to take a level from"),
        pytest.param({"type": "extract", "pattern": "(a)"}, "named group", id="no name"),
        pytest.param({"type": "template", "template": "a{b"}, "write it twice", id="open brace"),
        pytest.param({"type": "timestamp", "field": "a", "zone": "Mars/Olympus"}, "zone", id="no zone"),
        pytest.param({"type": "keep"}, "which records", id="nothing to keep"),
        pytest.param({"type": "drop", "where": "a", "fields": ["b"]}, "which records", id="two things to drop"),
        pytest.param({"type": "drop", "where": "a", "when": "b:("}, r"pipeline\[0\]\.when", id="bad condition"),
        pytest.param({"type": "tag", "rules": "/no/such/file"}, "cannot read", id="no rules"),
        pytest.param({"type": "tag"}, "say tags", id="nothing to put on"),
        pytest.param({"type": "set"}, "say what is set", id="nothing to set"),
        pytest.param({"type": "sample", "one_in": 0}, "one_in", id="one in none"),
        pytest.param({"type": "dedupe", "fields": []}, "repetitions", id="no key"),
        pytest.param({"type": "script"}, "say a file", id="no script"),
        pytest.param({"type": "script", "code": "x = 1"}, "no function", id="no function"),
        pytest.param({"type": "script", "code": "1/0"}, "ZeroDivisionError", id="a script that fails"),
    ],
)
def test_a_bad_setting_names_what_is_wrong(step: dict[str, Any], names: str) -> None:
    with pytest.raises(BadConfig, match=names):
        Chain.of([step])


def test_tags_of_ones_own_rules(tmp_path: Any) -> None:
    rules = tmp_path / "mine.toml"
    rules.write_text('[[rule]]\ntag = "slow"\nwhere = "took:>100"\n[[rule]]\ntag = "web"\nwhere = "service:web"\n')
    left = run([{"took": 200, "service": "web"}, {"took": 1}], {"type": "tag", "rules": str(rules)})
    assert left["tags"].to_list() == [["slow", "web"], []]


def test_an_empty_frame_passes_every_step() -> None:
    empty = framed({"a": 1})[:0]
    for step in (
        {"type": "unfold"}, {"type": "set", "fields": {"a": 1}}, {"type": "dedupe"}, {"type": "throttle", "rate": 1},
        {"type": "sample", "one_in": 2}, {"type": "tag", "rules": "topics"}, {"type": "level", "default": "info"},
        {"type": "template", "template": "{a}"}, {"type": "rename", "fields": {"a": "b"}}, {"type": "parse"},
    ):  # fmt: skip
        assert Chain.of([step]).apply(empty, 0).height == 0  # type: ignore[union-attr, arg-type]
