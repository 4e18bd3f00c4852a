"""Texts that broke something somewhere, through all steps: every record stays a record."""

import base64
import json
from pathlib import Path
from typing import Any, Final

import pytest

from logyard.model.schema import FRAME
from logyard.pipeline.chain import Chain
from tests.pipeline.frames import NOW, attributes, framed

SHARED: Final = Path(__file__).parents[2] / "../shared/data/malformed"
OWN: Final = [
    "", " ", "\x00", "\ufeff", "{", "}", "{}", '{"a":', '{"a":1}{', "[1,2", '"', "\\", '\\"', "null", "NaN", "-0",
    "1e400", "é\u202e\u0301", "\ue000\ue001 10.0.0.1", "{{x}}", "$1 ${0} \\1", "%s%n", "a" * 5000, '{"' * 500,
    '{"level":{"a":1},"timestamp":[1],"message":null,"service":{}}', '{"":"", " ":{"":[{}]}}', "'; DROP TABLE logs",
    "\n\r\t\x0b\x0c\x85\u2028",
]  # fmt: skip
STEPS: Final[list[dict[str, Any]]] = [
    {"include": "sidecar"},
    {"type": "redact", "rules": ["all"]},
    {"type": "tag", "rules": "topics", "otherwise": "general"},
    {"type": "rename", "fields": {"x": "y.z"}},
    {"type": "template", "template": "{y.z} {message}", "field": "made"},
    {"type": "enrich", "user_agent": "made", "fields": {"a": 1}},
    {"type": "extract", "field": "made", "pattern": "(?P<first>.)"},
    {"type": "timestamp", "field": "first", "keep": True},
    {"type": "level", "field": "first", "words": {"ERROR": ["a*"]}},
    {"type": "set", "fields": {"host": "h", "w": 'é"'}, "when": "y.z:a* or message:~x"},
    {"type": "dedupe", "fields": ["message", "y.z"]},
    {"type": "sample", "one_in": 1},
    {"type": "drop", "fields": ["made.name"]},
    {"type": "aggregate", "metrics": [{"name": "n", "by": ["first"]}], "records": True},
    {"type": "keep", "fields": ["y.z", "made", "first", "w"]},
    {"type": "script", "mode": "record", "code": "def process(record):\n    return record"},
]


def shared() -> list[str]:
    texts: list[str] = json.loads((SHARED / "blns.json").read_text())
    cases = (json.loads(line) for line in (SHARED / "jsontestsuite.jsonl").read_text().splitlines())
    return texts + [base64.b64decode(case["bytes_b64"]).decode("utf-8", "replace") for case in cases]


def through(texts: list[str]) -> None:
    places = ("access.log", "error.log", "database.log", "x.log")
    plain = [
        {"message": each, "x": each, "status_code": each, "source": f"/{place}"} for each in texts for place in places
    ]
    inner = [json.dumps({each: each, "level": each, "timestamp": each, "n": [each]}) for each in texts]
    wrapped = [{"message": each, "source": "/access.log", "x": {"y": each}} for each in inner]
    rows: Any = framed(*plain, *wrapped)
    for link in Chain.of(STEPS):
        rows = Chain([link]).apply(rows, NOW)
        assert rows.schema == FRAME, link.name
        assert not sum(rows.null_count().row(0)), link.name
        assert all(isinstance(each, dict) for each in attributes(rows)), link.name
    assert rows.height >= len(texts)


def test_our_own() -> None:
    through(OWN)


@pytest.mark.skipif(not SHARED.exists(), reason="a clone alone: ../shared/data is not there")
def test_the_big_list_of_naughty_strings_and_the_json_test_suite() -> None:
    through([text for text in shared() if len(text) < 20_000])
