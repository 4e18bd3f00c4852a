import logging

import pytest
from litestar.exceptions import NotFoundException, ValidationException

from logyard import errors
from logyard.errors import LogyardError
from logyard.formats.json.line import Refusal
from logyard.receivers.http_body import UnknownCoding
from logyard.receivers.http_intake import ItemsRefused
from logyard.serve.http.problems import problem_of


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.BadInput("x"), 400),
        (errors.BadPayload("x"), 400),
        (errors.BadQuery("x"), 400),
        (errors.BadConfig("x"), 400),
        (errors.TooLarge("x"), 413),
        (errors.NotFound("x"), 404),
        (UnknownCoding("x"), 415),
        (errors.NotNow("x"), 503),
        (errors.Backpressure("x"), 429),
        (errors.DiskFull("x"), 507),
        (errors.Closing("x"), 503),
        (errors.QueryStopped("x"), 422),
        (errors.QueryTimeout("x"), 504),
        (errors.QueryTooLarge("x"), 422),
        (errors.StoreFailed("x"), 500),
        (errors.Corrupt("x"), 500),
        (errors.MissingPart("x", "kafka"), 501),
        (LogyardError("x"), 500),
        (RuntimeError("x"), 500),
        (NotFoundException(), 404),
        (ValidationException("x"), 400),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_every_error_has_its_status(error: Exception, status: int) -> None:
    problem = problem_of(error)
    assert problem.status == status
    assert problem.document()["status"] == status
    assert problem.title


def test_every_error_of_ours_is_known() -> None:
    for name in errors.__all__:
        kind = getattr(errors, name)
        assert problem_of(kind("x", "y") if kind is errors.MissingPart else kind("x")).title


@pytest.mark.parametrize("error", [errors.StoreFailed("secret"), errors.Corrupt("secret"), RuntimeError("secret")])
def test_the_inside_goes_to_the_log_only(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, logger="logyard.http"):
        problem = problem_of(error, "r1")
    assert "secret" not in problem.body().decode()
    assert "r1" in caplog.text
    assert "secret" in caplog.text


def test_a_senders_fault_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    problem_of(errors.BadPayload("x"))
    assert not caplog.records


def test_refused_items_are_named() -> None:
    problem = problem_of(ItemsRefused([Refusal(0, "first"), Refusal(1, "second")]))
    assert problem.detail == "item 0: first"
    assert problem.members["errors"] == [{"index": 0, "reason": "first"}, {"index": 1, "reason": "second"}]


def test_a_single_item_needs_no_index() -> None:
    problem = problem_of(ItemsRefused([Refusal(0, "not an object")]))
    assert (problem.detail, problem.members) == ("not an object", {})


def test_retry_after_is_whole_seconds_and_never_none() -> None:
    for given, want in ((0.0, "1"), (1.0, "1"), (1.1, "2")):
        assert problem_of(errors.NotNow("x", retry_after=given)).headers == {"Retry-After": want}
