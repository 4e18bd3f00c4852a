"""Redaction: what rules find, what becomes of it, and what they leave alone."""

import json
import re
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logyard.errors import BadConfig
from logyard.formats.lines.assemble import plain
from logyard.model.civil.customs import Customs
from logyard.pipeline.redaction.finding import find
from logyard.pipeline.redaction.rules import chosen, rules
from logyard.pipeline.steps.redact import Redact, RedactConfig
from tests.pipeline.frames import framed


def redacted(text: str, **config: Any) -> str:
    frame = plain(pl.Series([text]), Customs(now=0))
    message: str = Redact(RedactConfig(**{"rules": ("all",), **config}))(frame)["message"][0]
    return message


@pytest.mark.parametrize(
    ("text", "want"),
    [
        pytest.param("card 4012-8888-8888-1881 ok", "card *** ok", id="a card"),
        pytest.param("iban DE89 3704 0044 0532 0130 00.", "iban ***.", id="an IBAN"),
        pytest.param("to ann@example.org, bob@example.org", "to ***, ***", id="two addresses"),
        pytest.param("call +49 30 1234567 now", "call *** now", id="a phone number"),
        pytest.param("ssn: 123-45-6789", "ssn: ***", id="a social security number"),
        pytest.param("from 198.51.100.7:443", "from ***:443", id="an IPv4 address"),
        pytest.param("from [2001:db8::7]:443", "from [***]:443", id="an IPv6 address"),
        pytest.param("at 00:1A:2B:3C:4D:5E", "at ***", id="a MAC address"),
        pytest.param("postgres://ann:s3cr3t!x@db/shop", "postgres://ann:***@db/shop", id="a password in a URL"),
        pytest.param("login user=ann password=hunter2024 ok", "login user=ann password=*** ok", id="a password"),
        pytest.param('{"api_key":"k8Jq2LmX91"}', '{"api_key":"***"}', id="a key in JSON, which stays JSON"),
        pytest.param("Authorization: Bearer abcdef0123456789", "Authorization: Bearer ***", id="a bearer token"),
        pytest.param("Authorization: Basic YW5uOmh1bnRlcjI=", "Authorization: Basic ***", id="basic credentials"),
        pytest.param("id AKIAIOSFODNN7ABCDEFG used", "id *** used", id="a key of AWS"),
        pytest.param("ghp_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hI6", "***", id="a token of GitHub"),
        pytest.param("glpat-aB3dE6gH9jK2mN5pQ8sT", "***", id="a token of GitLab"),
    ],
)
def test_a_secret_is_masked(text: str, want: str) -> None:
    assert redacted(text) == want


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("order 4012888888881882 shipped", id="sixteen digits that are no card"),
        pytest.param("at 1748503543012 ms", id="a time in milliseconds"),
        pytest.param("at 2024-05-06 07:08:09,123", id="a date and a time"),
        pytest.param("2024-01-01 2024-01-01, 01-02-2024", id="dates in a row"),
        pytest.param("DE89 3704 0044 0532 0130 01", id="an IBAN with a wrong check digit"),
        pytest.param("request 4eebb5e2-2f13-42f8-8644-d6c9a9e244f0", id="a UUID"),
        pytest.param("version 1.2.3 of 10:11:12", id="a version and a time of day"),
        pytest.param("commit 9fceb02d0ae598e95dc970b74767f19372d61af8", id="a commit"),
        pytest.param("password=$PASSWORD token=<token>", id="what only stands for a secret"),
        pytest.param("the password is wrong; secret: none", id="words about secrets"),
        pytest.param("256.256.256.256", id="numbers and points"),
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redacted(text) == text


def test_a_part_stays_or_a_hash_that_tells_equal_secrets() -> None:
    assert redacted("card 4012888888881881", mode="partial") == "card ***1881"
    assert redacted("ip 10.0.0.1", mode="partial") == "ip ***"
    first, second = (
        redacted("card 4012888888881881", mode="hash", key="k"),
        redacted("4012888888881881", mode="hash", key="k"),
    )
    assert first == f"card {second}"
    assert redacted("4012888888881881", mode="hash", key="other") != second


def test_a_token_says_what_it_stands_for() -> None:
    token = redacted("to ann@example.org", mode="token", key="k")
    assert re.fullmatch(r"to \[email:[0-9a-f]{16}\]", token)
    assert redacted("ann@example.org", mode="token", key="k") == token.removeprefix("to ")
    assert redacted("key AKIAIOSFODNN7ABCDEFG", mode="token", key="k").startswith("key [aws_key:")


def test_it_can_be_taken_out_and_so_can_the_record() -> None:
    assert redacted("to ann@example.org now", mode="remove") == "to  now"
    frame = plain(pl.Series(["to ann@example.org", "nothing", "10.0.0.1"]), Customs(now=0))
    assert Redact(RedactConfig(rules=("all",), mode="drop"))(frame)["message"].to_list() == ["nothing"]


@pytest.mark.parametrize(
    ("attributes", "want"),
    [
        pytest.param(
            {"to": "ann@example.org", "n": [1, {"ip": "10.0.0.1"}]}, {"to": "***", "n": [1, {"ip": "***"}]}, id="texts"
        ),
        pytest.param({"password": "hunter2024", "x": 'a"b\\'}, {"password": "***", "x": 'a"b\\'}, id="a key names it"),
        pytest.param({"card": 4012888888881881, "n": 5}, {"card": "***", "n": 5}, id="a number becomes a text"),
        pytest.param({"ann@example.org": True}, {"***": True}, id="a name"),
    ],
)
def test_attributes_stay_json(attributes: dict[str, Any], want: dict[str, Any]) -> None:
    frame = framed(attributes, {"message": "m"})
    left = Redact(RedactConfig(rules=("all",)))(frame)
    assert json.loads(left["attributes"][0]) == want
    assert left["attributes"][1] == "{}"


def test_what_stands_before_a_secret_in_the_same_letters_is_not_taken_for_it() -> None:
    assert redacted("x4012888888881881 and 4012888888881881") == "x4012888888881881 and ***"


def test_the_frame_that_it_is_given_stays() -> None:
    frame = plain(pl.Series(["to ann@example.org"]), Customs(now=0))
    Redact(RedactConfig(rules=("all",)))(frame)
    assert frame["message"].to_list() == ["to ann@example.org"]


def test_only_the_rules_that_were_asked_for() -> None:
    text = "ann@example.org from 198.51.100.7"
    assert redacted(text, rules=("email",)) == "*** from 198.51.100.7"
    assert redacted(text, rules=("ip",), replacement="[ip]") == "ann@example.org from [ip]"


def test_a_pattern_of_ones_own_comes_first_and_other_columns_too() -> None:
    frame = plain(pl.Series(["n 12"]), Customs(now=0)).with_columns(host=pl.lit("10.0.0.1"))
    step = Redact(RedactConfig(pattern=r"\d+", replacement="#", columns=("message", "host"), rules=("ip",)))
    assert step(frame).select("message", "host").row(0) == ("n #", "#.#.#.#")


@pytest.mark.parametrize(
    ("config", "says"),
    [
        pytest.param({"rules": ("nope",)}, "nope", id="an unknown rule"),
        pytest.param({"rules": (), "pattern": ""}, "rules", id="nothing to do"),
        pytest.param({"mode": "hash"}, "key", id="a hash without a key"),
        pytest.param({"columns": ("severity",)}, "severity", id="a column that is no text"),
        pytest.param({"mode": "token"}, "key", id="a token without a key"),
        pytest.param({"pattern": "("}, "cannot read", id="a bad pattern"),
    ],
)
def test_a_bad_configuration_is_refused(config: dict[str, Any], says: str) -> None:
    with pytest.raises(BadConfig, match=says):
        redacted("", **config)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.text() | st.sampled_from(["4012888888881881", "a@b.de", "10.0.0.1 ::1", "é 10.0.0.1 é"]), max_size=8)
)
def test_what_is_found_is_there_and_apart(texts: list[str]) -> None:
    found = find(pl.Series(texts, dtype=pl.String), chosen(["all"]))
    last: tuple[int, int] = (-1, 0)
    for row, start, end, _ in found.iter_rows():
        assert 0 <= start < end <= len(texts[row])
        assert row > last[0] or start >= last[1]
        last = (row, end)


def test_every_rule_can_be_asked_for_by_its_name() -> None:
    assert [rule.name for rule in rules() if chosen([rule.name]) != (rule,)] == []
