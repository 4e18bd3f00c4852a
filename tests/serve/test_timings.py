from logyard.serve.http.timings import Latency, Timings
from logyard.telemetry import Telemetry


def test_nothing_asked_nothing_told() -> None:
    assert Timings(Telemetry()).latency() == Latency(average=0.0, p50=0.0, p95=0.0, p99=0.0)


def test_percentiles_in_milliseconds() -> None:
    timings = Timings(Telemetry())
    for number in range(1, 101):
        timings.add("/logs", 200, number / 1000)
    found = timings.latency()
    assert (found.average, found.p50, found.p95, found.p99) == (50.5, 50.0, 95.0, 99.0)


def test_only_the_latest_count() -> None:
    timings = Timings(Telemetry())
    for seconds in (9.0, *[0.001] * 5000):
        timings.add("/logs", 200, seconds)
    assert timings.latency().p99 == 1.0


def test_a_bad_moment_is_no_failure() -> None:
    timings = Timings(Telemetry())
    for status in (200, 404, 429, 500, 503, 504, 507):
        timings.add("/logs", status, 0.1)
    assert timings.failed == 2


def test_every_answer_is_counted_by_route_and_class() -> None:
    telemetry = Telemetry()
    timings = Timings(telemetry)
    for status in (200, 201, 404):
        timings.add("/logs", status, 0.1)
    assert telemetry.value("logyard_http_answered_total", route="/logs", status="2xx") == 2
    assert telemetry.value("logyard_http_answered_seconds_count", route="/logs", status="4xx") == 1
