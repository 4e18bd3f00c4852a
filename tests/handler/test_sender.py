import logging
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from logyard.handler import LogyardHandler
from logyard.testing.ports import free_port
from tests.handler.target import Answer, Target
from tests.handler.target import target as listening

Attach = Callable[..., LogyardHandler]


def closed(handler: LogyardHandler) -> None:
    """Close it, and wait for its thread's end: on a busy machine that may be later."""
    handler.close()
    thread = handler._shipper._thread
    assert thread is not None
    thread.join(60)
    assert not thread.is_alive()


def test_records_arrive_together(target: Target, logger: logging.Logger, attached: Attach) -> None:
    handler = attached(api_key="secret", flush_seconds=60)
    for number in range(50):
        logger.info("record %d", number)
    handler.flush()
    request = target.requests[0]
    assert target.messages == [f"record {number}" for number in range(50)]
    assert (len(target.requests), request.path) == (1, "/ingest")
    assert request.headers["content-type"] == "application/x-ndjson"
    assert request.headers["authorization"] == "Bearer secret"
    assert handler.stats().sent == 50


def test_they_come_by_themselves(target: Target, logger: logging.Logger, attached: Attach) -> None:
    attached(flush_seconds=0.01)
    logger.info("one")
    target.wait_for(1)


def test_a_full_batch_does_not_wait(target: Target, logger: logging.Logger, attached: Attach) -> None:
    attached(flush_seconds=3600, batch_records=10)
    for number in range(10):
        logger.info("record %d", number)
    assert len(target.wait_for(10)) == 10


def test_gzip(target: Target, logger: logging.Logger, attached: Attach) -> None:
    handler = attached(compression="gzip")
    logger.info("x" * 5000)
    handler.flush()
    assert target.requests[0].headers["content-encoding"] == "gzip"
    assert target.messages == ["x" * 5000]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Answer(500), id="500"),
        pytest.param(Answer(503, body=b"\xff\xfe not text"), id="503"),
        pytest.param(Answer(429, headers={"Retry-After": "0"}), id="429"),
        pytest.param(Answer(408), id="408"),
        pytest.param(Answer(raw=b"SSH-2.0-OpenSSH_9.2\r\n"), id="no HTTP"),
        pytest.param(Answer(lose=True), id="the answer is lost"),
        pytest.param(Answer(302, headers={"Location": "/"}), id="a redirect"),
    ],
)
def test_failures_are_tried_again_under_the_same_key(
    target: Target, logger: logging.Logger, attached: Attach, answer: Answer
) -> None:
    target.answers += [answer, answer]
    handler = attached()
    logger.info("precious")
    target.wait_for_requests(3)
    handler.flush(60)
    assert len({request.key for request in target.requests}) == 1
    assert len({request.body for request in target.requests}) == 1
    assert target.messages == ["precious"]
    stats = handler.stats()
    assert (stats.sent, stats.retries, stats.waiting, stats.last_error) == (1, 2, 0, "")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Answer(200, body=b"<html>"), id="no JSON"),
        pytest.param(Answer(207, body=b"[]"), id="other JSON"),
        pytest.param(Answer(raw=b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{"), id="cut off"),
    ],
)
def test_the_status_is_the_acknowledgement(
    target: Target, logger: logging.Logger, attached: Attach, answer: Answer
) -> None:
    target.answers.append(answer)
    handler = attached()
    logger.info("x")
    target.wait_for_requests(1)
    handler.flush(60)
    assert (handler.stats().sent, len(target.requests)) == (1, 1)


def test_an_idle_connection_that_was_closed_is_no_failure(
    target: Target, logger: logging.Logger, attached: Attach
) -> None:
    target.answers.append(Answer(hang_up=True))
    handler = attached()
    for message in ("one", "two", "three"):
        logger.info(message)
        handler.flush(60)
    assert target.messages == ["one", "two", "three"]
    assert handler.stats().retries == 0


@pytest.mark.parametrize("status", [400, 401, 404, 422])
def test_refused_is_not_tried_again(target: Target, logger: logging.Logger, attached: Attach, status: int) -> None:
    target.answers.append(Answer(status, body=b"no"))
    handler = attached()
    logger.info("bad")
    target.wait_for_requests(1)
    handler.flush(60)
    assert handler.stats().dropped == {"refused": 1}
    assert handler.stats().last_error == f"{status}: no"
    logger.info("good")
    found = [record["message"] for record in target.wait_for(1)]
    assert found == ["good"]


def test_records_that_the_server_names_as_bad_are_counted(
    target: Target, logger: logging.Logger, attached: Attach
) -> None:
    target.answers.append(Answer(207, body=b'{"accepted":1,"rejected":2}'))
    handler = attached(flush_seconds=60)
    for _ in range(3):
        logger.info("x")
    handler.flush()
    assert (handler.stats().sent, handler.stats().dropped) == (1, {"refused": 2})


def test_a_batch_that_is_too_large_is_halved(target: Target, logger: logging.Logger, attached: Attach) -> None:
    target.answers += [Answer(413), Answer(413)]
    handler = attached(flush_seconds=60)
    for number in range(8):
        logger.info("%d", number)
    handler.flush(60)
    assert target.messages == [str(number) for number in range(8)]
    assert [len(request.records) for request in target.requests] == [8, 4, 2, 2, 4]
    assert len({request.key for request in target.requests}) == 5


def test_a_single_record_that_is_too_large_is_dropped(target: Target, logger: logging.Logger, attached: Attach) -> None:
    target.answers.append(Answer(413))
    handler = attached()
    logger.info("x")
    handler.flush(60)
    assert handler.stats().dropped == {"refused": 1}


def test_nobody_waits_for_a_slow_server(target: Target, logger: logging.Logger, attached: Attach) -> None:
    target.gate.clear()
    handler = attached()
    logger.info("first")
    target.wait_for_requests(1)
    for number in range(1000):
        logger.info("record %d", number)
    assert handler.stats().waiting == 1001
    target.gate.set()
    assert len(target.wait_for(1001)) == 1001


def test_drops_are_told_when_the_server_listens_again(target: Target, logger: logging.Logger, attached: Attach) -> None:
    target.gate.clear()
    handler = attached(max_records=10, dropping="drop_newest")
    logger.info("first")
    target.wait_for_requests(1)
    for number in range(100):
        logger.info("record %d", number)
    target.gate.set()
    told = [record for record in target.wait_for(11) if record["logger"] == "logyard.handler"]
    assert [(record["dropped"], record["reason"], record["level"]) for record in told] == [(91, "full", "WARNING")]
    assert told[0]["message"] == "91 records were dropped by the Logyard handler: there was no room for them"
    assert handler.stats().dropped == {"full": 91}


def test_a_server_that_comes_back(logger: logging.Logger, attached: Attach) -> None:
    port = free_port()
    handler = attached(f"http://127.0.0.1:{port}")
    for number in range(20):
        logger.info("record %d", number)
    assert not handler._shipper.flush(0)
    with listening(port) as found:
        assert len(found.wait_for(20)) == 20
        handler.flush(60)
        assert handler.stats().sent == 20


def test_a_flush_does_not_wait_for_a_server_that_is_known_to_be_away(logger: logging.Logger, attached: Attach) -> None:
    handler = attached(f"http://127.0.0.1:{free_port()}")
    logger.info("x")
    while handler.stats().retries < 5:
        handler._shipper.flush(1)
    assert not handler._shipper.flush(3600)


def test_what_cannot_be_sent_at_the_end_is_counted(logger: logging.Logger, attached: Attach) -> None:
    handler = attached(f"http://127.0.0.1:{free_port()}", exit_seconds=0.1)
    logger.info("x")
    closed(handler)
    assert handler.stats().dropped == {"exit": 1}
    logger.info("too late")
    assert handler.stats().dropped == {"exit": 2}


def test_closing_does_not_wait_for_a_server_that_hangs(
    target: Target, logger: logging.Logger, attached: Attach
) -> None:
    target.gate.clear()
    handler = attached(exit_seconds=0.1, timeout=3600)
    logger.info("x")
    target.wait_for_requests(1)
    closed(handler)
    assert handler.stats().dropped == {"exit": 1}


def test_a_spool_keeps_what_the_server_does_not_take(
    tmp_path: Path, target: Target, logger: logging.Logger, attached: Attach
) -> None:
    port = free_port()
    first = attached(f"http://127.0.0.1:{port}", spool=str(tmp_path), exit_seconds=0.1)
    for number in range(10):
        logger.info("record %d", number)
    closed(first)
    assert (first.stats().spooled, first.stats().dropped) == (10, {})
    logger.removeHandler(first)
    with listening(port) as found:
        attached(found.url, spool=str(tmp_path))
        logger.info("wakes it")
        assert len(found.wait_for(11)) == 11
    assert target.messages == []


def test_a_spooled_batch_keeps_the_key_it_was_sent_with(
    tmp_path: Path, target: Target, logger: logging.Logger, attached: Attach
) -> None:
    target.answers.append(Answer(lose=True))  # kept, but nobody heard so
    target.answers += [Answer(500)] * 3
    first = attached(spool=str(tmp_path), exit_seconds=0.2)
    logger.info("once")
    target.wait_for_requests(1)
    closed(first)
    logger.removeHandler(first)
    attached(spool=str(tmp_path))
    logger.info("second")
    target.wait_for(2)
    assert Counter(target.messages) == {"once": 1, "second": 1}


def test_much_goes_to_the_spool_while_the_server_is_away(
    tmp_path: Path, logger: logging.Logger, attached: Attach
) -> None:
    port = free_port()
    handler = attached(f"http://127.0.0.1:{port}", spool=str(tmp_path), dropping="spill", max_records=40)
    for number in range(500):
        logger.info("record %d", number)
    with listening(port) as found:
        records = found.wait_for(500)
        assert len({record["message"] for record in records}) == 500
    assert not handler.stats().dropped


def test_observe_is_told(target: Target, logger: logging.Logger, attached: Attach) -> None:
    seen: Counter[str] = Counter()
    target.answers.append(Answer(500))
    handler = attached(observe=lambda what, count: seen.update({what: count}))
    logger.info("x")
    target.wait_for(1)
    handler.flush(60)
    assert seen == {"sent": 1, "retries": 1}


def test_a_hook_that_raises_stops_nothing(target: Target, logger: logging.Logger, attached: Attach) -> None:
    def fail(what: str, count: int) -> None:
        raise RuntimeError(f"{what} {count}")

    attached(observe=fail)
    logger.info("one")
    target.wait_for(1)
    logger.info("two")
    target.wait_for(2)


def test_what_the_sender_does_is_not_logged_back(target: Target, logger: logging.Logger, attached: Attach) -> None:
    def say(what: str, count: int) -> None:
        logger.info("%s %d", what, count)

    handler = attached(observe=say)
    logger.info("one")
    target.wait_for(1)
    handler.flush(60)
    assert target.messages == ["one"]
