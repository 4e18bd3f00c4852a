import asyncio
import contextvars
import json
import logging
import sys
import threading
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from logyard.handler import JsonFormatter, bind, captured
from logyard.handler.record import Encoder

LOGGER = logging.Logger("tests.handler.record")  # noqa: LOG001 - no other listens to it, pytest neither


def told(message: object, *args: object, level: int = logging.INFO, **rest: Any) -> dict[str, Any]:
    with captured(LOGGER, 1) as records:
        LOGGER.log(level, message, *args, **rest)
    return records[0]


class Awkward:
    def __repr__(self) -> str:
        raise RuntimeError("no")


class Talkative:
    def __str__(self) -> str:
        LOGGER.info("I am asked")
        return "talkative"


def circular() -> list[object]:
    found: list[object] = [1]
    found.append(found)
    return found


def deep(levels: int) -> list[object]:
    found: list[object] = []
    for _ in range(levels):
        found = [found]
    return found


def test_a_record_says_where_it_comes_from() -> None:
    found = told("hello")
    assert found.keys() == {
        "timestamp", "level", "service", "host", "logger", "file", "line", "function", "process", "thread", "message",
    }  # fmt: skip
    assert (found["message"], found["level"], found["logger"]) == ("hello", "INFO", LOGGER.name)
    assert (found["function"], found["thread"]) == ("told", threading.current_thread().name)
    assert Path(found["file"]).name == "test_record.py"


@pytest.mark.parametrize(
    ("message", "args", "want"),
    [
        pytest.param("%s did %d", ("bob", 3), {"message": "bob did 3", "message_args": ["bob", 3]}, id="arguments"),
        pytest.param("%(a)s", ({"a": 1},), {"message": "1", "message_args": {"a": 1}}, id="one mapping"),
        pytest.param("%d", ("x",), {"message": "%d ['x']", "message_args": ["x"]}, id="do not fit"),
        pytest.param("%s %s", ("x",), {"message": "%s %s ['x']"}, id="too few"),
        pytest.param("%s", (float("nan"),), {"message": "nan", "message_args": ["nan"]}, id="no number"),
        pytest.param("%s", (1 << 70,), {"message": str(1 << 70), "message_args": [str(1 << 70)]}, id="huge number"),
        pytest.param("%s", ([1, 2],), {"message": "[1, 2]", "message_args": [[1, 2]]}, id="a list"),
        pytest.param("%s", (True,), {"message": "True", "message_args": [True]}, id="true"),
    ],
)
def test_arguments(message: str, args: tuple[object, ...], want: Mapping[str, object]) -> None:
    found = told(message, *args)
    assert {name: found[name] for name in want} == want
    assert found["message_template"] == message


@pytest.mark.parametrize(
    ("value", "want"),
    [
        pytest.param(1.5, 1.5, id="number"),
        pytest.param({"a": (1, None)}, {"a": [1, None]}, id="nested"),
        pytest.param({1: "x"}, {"1": "x"}, id="key that is no text"),
        pytest.param(Path("/a"), "PosixPath('/a')", id="by repr"),
        pytest.param(Awkward(), "<Awkward: repr failed with RuntimeError>", id="repr fails"),
        pytest.param(circular(), [1, "<circular>"], id="circular"),
        pytest.param(float("inf"), "inf", id="no JSON number"),
        pytest.param("x" * 40_000, "x" * 32_768 + "... (40000 characters)", id="long text"),
        pytest.param(ValueError("bad"), "ValueError: bad", id="an exception"),
    ],
)
def test_extra(value: object, want: object) -> None:
    assert told("x", extra={"field": value})["field"] == want


def test_depth_is_limited() -> None:
    assert len(json.dumps(told("x", extra={"field": deep(500)}))) < 2000


def test_members_are_limited() -> None:
    assert len(told("x", extra={"field": list(range(100_000))})["field"]) == 200


@pytest.mark.parametrize(
    ("name", "key"),
    [
        pytest.param("service", "service", id="service is the program's to say"),
        pytest.param("level", "extra_level", id="level is not"),
        pytest.param("exception", "extra_exception", id="exception is not"),
        pytest.param("order", "order", id="its own name"),
    ],
)
def test_names_of_extra(name: str, key: str) -> None:
    with captured(LOGGER) as records:
        LOGGER.info("x", extra={name: "mine"})
    assert records[0][key] == "mine"


def test_a_value_that_changes_later_is_written_as_it_was() -> None:
    encoder, basket = Encoder(service="s", host="h"), ["apple"]
    record = logging.LogRecord("x", 20, "p", 1, "has %s", (basket,), None)
    record.basket = basket
    caught = encoder.catch(record)
    basket.append("pear")
    found = json.loads(caught if isinstance(caught, str) else encoder.line(caught))
    assert (found["message"], found["basket"]) == ("has ['apple']", ["apple"])


def test_a_formatter_that_colours_the_record_changes_nothing() -> None:
    encoder = Encoder(service="s", host="h")
    record = logging.LogRecord("x", 20, "p", 1, "plain", (), None)
    caught = encoder.catch(record)
    record.msg, record.levelname = "\x1b[31mplain\x1b[0m", "\x1b[31mINFO\x1b[0m"
    assert not isinstance(caught, str)
    found = json.loads(encoder.line(caught))
    assert (found["message"], found["level"]) == ("plain", "INFO")


@pytest.mark.parametrize(
    ("number", "word"),
    [
        pytest.param(logging.CRITICAL, "CRITICAL", id="standard"),
        pytest.param(35, "WARNING", id="between"),
        pytest.param(7, "DEBUG", id="below"),
        pytest.param(90, "CRITICAL", id="above"),
    ],
)
def test_levels(number: int, word: str) -> None:
    assert told("x", level=number)["level"] == word


def inner() -> None:
    raise KeyError("inner")


def raised() -> None:
    try:
        inner()
    except KeyError as error:
        failure = ValueError("outer")
        failure.add_note("while testing")
        raise failure from error


def failing(work: Callable[[], None]) -> dict[str, Any]:
    """The exception of a record that was logged where ``work`` failed."""
    try:
        work()
    except (ValueError, RecursionError):
        found: dict[str, Any] = told("failed", exc_info=True)["exception"]
        return found
    raise AssertionError("it did not fail")


def test_exceptions_are_structured() -> None:
    found = failing(raised)
    assert (found["type"], found["message"], found["notes"]) == ("ValueError", "outer", ["while testing"])
    assert [frame["function"] for frame in found["frames"]] == ["failing", "raised"]
    assert found["frames"][-1]["code"] == "raise failure from error"
    assert (found["cause"]["type"], found["cause"]["message"]) == ("KeyError", "'inner'")


def test_a_group_of_exceptions() -> None:
    found = told("x", exc_info=ExceptionGroup("both", [ValueError("a"), TypeError("b")]))["exception"]
    assert [each["type"] for each in found["exceptions"]] == ["ValueError", "TypeError"]


def test_endless_recursion_is_cut() -> None:
    def down() -> None:
        down()

    found = failing(down)
    assert len(found["frames"]) == 60
    assert found["frames_skipped"] > 100


def test_no_frame_lives_on() -> None:
    encoder = Encoder(service="s", host="h")
    with pytest.raises(ValueError, match="outer") as failure:
        raised()
    info = (failure.type, failure.value, failure.tb)
    record = logging.LogRecord("x", 40, "p", 1, "m", (), info)
    caught = encoder.catch(record)
    assert isinstance(caught[0], logging.LogRecord)
    assert caught[0].exc_info is None
    assert record.exc_info is not None


def test_exc_info_without_an_exception() -> None:
    assert "exception" not in told("x", exc_info=True)


def test_stack_info() -> None:
    assert "test_stack_info" in told("x", stack_info=True)["stack"]


def test_bound_fields() -> None:
    with bind(request="r-1", tenant="a"), bind(tenant="b"):
        inside = told("x")
    assert (inside["request"], inside["tenant"]) == ("r-1", "b")
    assert "request" not in told("x")


def test_bound_fields_are_those_of_the_task() -> None:
    async def serve(name: str) -> dict[str, Any]:
        with bind(request=name):
            await asyncio.sleep(0)
            return told("x")

    async def both() -> list[dict[str, Any]]:
        return list(await asyncio.gather(serve("one"), serve("two")))

    found = asyncio.run(both())
    assert [each["request"] for each in found] == ["one", "two"]
    assert all(each["task"].startswith("Task-") for each in found)


def test_trace_ids_without_opentelemetry_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    span = contextvars.ContextVar[int]("span")
    context = SimpleNamespace(trace_id=0xABC, span_id=0xD)
    current = SimpleNamespace(get_span_context=lambda: context)
    nothing = SimpleNamespace(get_span_context=lambda: SimpleNamespace(trace_id=0, span_id=0))
    module = SimpleNamespace(get_current_span=lambda: current if span.get(0) else nothing)
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", module)
    assert "trace_id" not in told("x")
    token = span.set(1)
    found = told("x")
    span.reset(token)
    assert (found["trace_id"], found["span_id"]) == (f"{0xABC:032x}", f"{0xD:016x}")


@pytest.mark.parametrize("text", ["a\nb", 'quote"', "\x00", "\ud800", "zo\N{LATIN SMALL LETTER E WITH DIAERESIS}"])
def test_any_text_is_one_line_of_json(text: str) -> None:
    encoder = Encoder(service="s", host="h")
    caught = encoder.catch(logging.LogRecord("x", 20, "p", 1, text, (), None))
    assert not isinstance(caught, str)
    line = encoder.line(caught).encode("utf-8", "replace")
    assert b"\n" not in line
    assert json.loads(line)["message"] == text.encode("utf-8", "replace").decode()


def test_a_long_record_is_shortened() -> None:
    encoder = Encoder(service="s", host="h", record_bytes=1000)
    record = logging.LogRecord("x", 20, "p", 1, "m" * 5000, (), None)
    record.more = "y" * 5000
    caught = encoder.catch(record)
    assert not isinstance(caught, str)
    line = encoder.line(caught)
    assert len(line) < 1000
    assert json.loads(line)["truncated"]


def test_a_message_that_logs() -> None:
    with captured(LOGGER) as records:
        LOGGER.info(Talkative())
    assert [record["message"] for record in records] == ["talkative"]


def test_the_formatter_writes_the_same() -> None:
    record = logging.LogRecord("x", 20, "p", 1, "has %s", ([1],), None)
    found = json.loads(JsonFormatter(service="shop").format(record))
    assert (found["service"], found["message"]) == ("shop", "has [1]")


def test_a_record_with_nothing_but_a_message_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("structlog", "opentelemetry.trace"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    theirs: contextvars.ContextVar[int] = contextvars.ContextVar("somebody else's")
    context = contextvars.Context()
    context.run(theirs.set, 1)
    encoder = Encoder(service="s", host="h")
    record = logging.LogRecord("x", 20, "p", 1, "order %d", (7,), None)
    gone = weakref.ref(record)
    caught = context.run(encoder.catch, record)
    del record
    assert gone() is None
    found = json.loads(caught if isinstance(caught, str) else encoder.line(caught))
    assert (found["message"], found["message_args"], found["line"]) == ("order 7", [7], 1)


def test_what_cannot_be_written_is_told() -> None:
    encoder = Encoder(service="s", host="h")
    record = logging.LogRecord("x", 20, "p", 1, "m", (), None)
    for extra, logger in (({}, None), ({"n": 1}, "x")):
        record.__dict__.update(extra)
        caught = contextvars.Context().run(encoder.catch, record)
        assert not isinstance(caught, str)
        found = json.loads(encoder.unwritable(caught, ValueError("no")))
        assert (found["level"], found.get("logger")) == ("ERROR", logger)
        assert found["message"] == "a record could not be written: ValueError: no"
