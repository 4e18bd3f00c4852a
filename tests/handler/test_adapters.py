import json
import logging
import logging.config
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

import loguru
import pytest
import structlog

from logyard.handler import (
    JsonFormatter,
    LogyardHandler,
    LogyardProcessor,
    LogyardSink,
    Options,
    RateLimit,
    Sample,
    Settings,
    bind,
    captured,
    from_environment,
)
from logyard.handler.environment import variables
from tests.handler.target import Target


def test_structlog(target: Target) -> None:
    processor = LogyardProcessor(target.url, service="shop", on_sigterm=False)
    logger = structlog.wrap_logger(
        structlog.PrintLogger(),
        processors=[structlog.contextvars.merge_contextvars, structlog.processors.add_log_level, processor, dropped],
    )
    with structlog.contextvars.bound_contextvars(request="r-1"), bind(tenant="t"):
        logger.warning("paid", order=7, basket=["apple"])
    try:
        raise_it()
    except ValueError:
        logger.exception("failed")
    processor.close()
    first, second = target.records
    assert (first["message"], first["level"], first["service"]) == ("paid", "WARNING", "shop")
    assert (first["order"], first["basket"], first["request"], first["tenant"]) == (7, ["apple"], "r-1", "t")
    assert (second["level"], second["exception"]["type"]) == ("ERROR", "ValueError")
    assert processor.stats().sent == 2


def dropped(*_: object) -> Mapping[str, object]:
    raise structlog.DropEvent


def raise_it() -> None:
    raise ValueError("it")


def test_structlog_hands_the_event_on_unchanged(target: Target) -> None:
    processor = LogyardProcessor(target.url, on_sigterm=False)
    event: dict[str, object] = {"event": "x", "list": [1]}
    assert processor(None, "info", event) is event
    assert event == {"event": "x", "list": [1]}
    processor.close()


def test_loguru(target: Target) -> None:
    logger = loguru.logger
    number = logger.add(LogyardSink(target.url, service="shop", on_sigterm=False), level="TRACE")
    try:
        logger.bind(order=7).success("paid {} for {what}", 3, what="tea")
        try:
            raise_it()
        except ValueError:
            logger.exception("failed")
    finally:
        logger.remove(number)
    first, second = target.records
    assert (first["message"], first["level"], first["order"]) == ("paid 3 for tea", "SUCCESS", 7)
    assert (first["function"], Path(first["file"]).name) == ("test_loguru", "test_adapters.py")
    assert second["exception"]["type"] == "ValueError"
    assert second["exception"]["frames"][-1]["function"] == "raise_it"


def test_structlog_contextvars_reach_the_standard_logger() -> None:
    logger = logging.Logger("shop")  # noqa: LOG001 - no other listens to it, pytest neither
    with captured(logger) as records, structlog.contextvars.bound_contextvars(request="r-1"):
        logger.info("x")
    assert records[0]["request"] == "r-1"


def test_dict_config(target: Target) -> None:
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"json": {"()": "logyard.handler.JsonFormatter", "service": "shop"}},
            "handlers": {
                "logyard": {
                    "class": "logyard.handler.LogyardHandler",
                    "level": "INFO",
                    "url": target.url,
                    "service": "shop",
                    "max_records": 10,
                    "on_sigterm": False,
                }
            },
            "loggers": {"tests.handler.dict": {"handlers": ["logyard"], "level": "DEBUG", "propagate": False}},
        }
    )
    logger = logging.getLogger("tests.handler.dict")
    logger.debug("not this")
    logger.info("this")
    handler = logger.handlers[0]
    handler.close()
    logger.removeHandler(handler)
    assert target.messages == ["this"]


@pytest.mark.parametrize(
    ("variables_", "name", "want"),
    [
        pytest.param({"LOGYARD_URL": "https://logs"}, "url", "https://logs", id="text"),
        pytest.param({"LOGYARD_MAX_RECORDS": "5"}, "max_records", 5, id="whole number"),
        pytest.param({"LOGYARD_FLUSH_SECONDS": "0.5"}, "flush_seconds", 0.5, id="number"),
        pytest.param({"LOGYARD_ON_SIGTERM": "no"}, "on_sigterm", False, id="switch"),
        pytest.param({"OTEL_SERVICE_NAME": "a"}, "service", "a", id="OpenTelemetry's name"),
        pytest.param({"OTEL_SERVICE_NAME": "a", "LOGYARD_SERVICE": "b"}, "service", "b", id="ours wins"),
        pytest.param({"LOGYARD_SERVICE": ""}, "url", "http://127.0.0.1:8005", id="empty is none"),
    ],
)
def test_environment(variables_: Mapping[str, str], name: str, want: object) -> None:
    assert getattr(from_environment(environment=variables_), name) == want


def test_code_wins_over_the_environment() -> None:
    found = from_environment("http://code", {"service": "code"}, {"LOGYARD_URL": "http://e", "LOGYARD_SERVICE": "e"})
    assert (found.url, found.service) == ("http://code", "code")


def test_a_key_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("secret\n")
    assert from_environment(environment={"LOGYARD_API_KEY_FILE": str(tmp_path / "key")}).api_key == "secret"


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"LOGYARD_TIMEOUT": "soon"}, "cannot read LOGYARD_TIMEOUT from 'soon'"),
        ({"LOGYARD_ON_SIGTERM": "perhaps"}, "cannot read LOGYARD_ON_SIGTERM from 'perhaps'"),
        ({"LOGYARD_URL": "logs:8005"}, "url must begin with http:// or https://, not 'logs:8005'"),
        ({"LOGYARD_DROPPING": "all"}, "dropping must be drop_oldest, drop_newest, block or spill, not 'all'"),
        ({"LOGYARD_DROPPING": "spill"}, "dropping = 'spill' needs a directory in spool"),
        ({"LOGYARD_MAX_RECORDS": "0"}, "max_records must be above 0, not 0"),
        ({"LOGYARD_API_KEY": "a\nb"}, "api_key must be printable ASCII"),
    ],
)
def test_settings_that_cannot_be_used(environment: Mapping[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("(", r"\(")):
        from_environment(environment=environment)


def test_an_option_that_there_is_not() -> None:
    with pytest.raises(TypeError, match="has no option 'colour'"):
        LogyardHandler("http://127.0.0.1:1", colour="red")  # type: ignore[call-arg]


def test_a_url_without_a_host() -> None:
    with pytest.raises(ValueError, match="url names no host"):
        LogyardHandler("http://")


def test_options_are_the_settings() -> None:
    assert {"url", *Options.__annotations__} == {each.name for each in fields(Settings)}
    assert set(variables().values()) == {each.name for each in fields(Settings)} - {"observe"}


def test_formatter_on_a_stream() -> None:
    formatter = JsonFormatter(service="shop")
    record = logging.makeLogRecord({"msg": "x", "levelno": logging.INFO})
    assert json.loads(formatter.format(record))["service"] == "shop"


def test_rate_limit() -> None:
    moment = 100.0
    limit = RateLimit(2, clock=lambda: moment)
    logger = logging.Logger("shop")  # noqa: LOG001 - no other listens to it, pytest neither
    logger.addFilter(limit)
    with captured(logger) as records:
        for number in range(5):
            logger.info("%d", number)
        logger.error("always")
        moment += 0.5
        logger.info("later")
    assert [record["message"] for record in records] == ["0", "1", "always", "later"]
    assert (records[-1]["suppressed"], limit.suppressed) == (3, 3)


@pytest.mark.parametrize(("share", "count"), [(0.0, 0), (1.0, 20)])
def test_sample(share: float, count: int) -> None:
    logger = logging.Logger("shop")  # noqa: LOG001 - no other listens to it, pytest neither
    logger.addFilter(Sample(share))
    with captured(logger) as records:
        for _ in range(20):
            logger.info("x")
        logger.error("always")
    assert [record["message"] for record in records] == ["x"] * count + ["always"]


@pytest.mark.parametrize("make", [lambda: RateLimit(0), lambda: Sample(1.5)])
def test_filters_refuse_nonsense(make: type[logging.Filter]) -> None:
    with pytest.raises(ValueError, match="must be"):
        make()
