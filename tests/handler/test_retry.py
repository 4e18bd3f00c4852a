import pytest

from logyard.handler.retry import Fate, Outcome, Pause, after, fate


@pytest.mark.parametrize(
    ("status", "want"),
    [
        (200, "sent"),
        (201, "sent"),
        (207, "sent"),
        (0, "again"),
        (302, "again"),
        (400, "never"),
        (401, "never"),
        (404, "never"),
        (408, "again"),
        (413, "smaller"),
        (429, "again"),
        (500, "again"),
        (503, "again"),
    ],
)
def test_fates(status: int, want: Fate) -> None:
    assert fate(status) == want


@pytest.mark.parametrize(
    ("failures", "chance", "wait"),
    [
        pytest.param(0, 1.0, 0.25, id="first"),
        pytest.param(0, 0.0, 0.0, id="jitter is full"),
        pytest.param(3, 0.5, 1.0, id="doubles"),
        pytest.param(20, 1.0, 30.0, id="bounded"),
        pytest.param(5000, 1.0, 30.0, id="bounded after a long night"),
    ],
)
def test_waits(failures: int, chance: float, wait: float) -> None:
    found = after(Pause(failures), Outcome(500), now=100.0, chance=chance)
    assert found == Pause(failures + 1, 100.0 + wait)


@pytest.mark.parametrize(
    ("wish", "wait"),
    [pytest.param(7.0, 7.0, id="honoured"), pytest.param(1e6, 300.0, id="within reason")],
)
def test_retry_after(wish: float, wait: float) -> None:
    assert after(Pause(), Outcome(429, retry_after=wish), now=0, chance=0).until == wait


def test_the_circuit_opens_after_five_failures() -> None:
    assert [Pause(failures).open for failures in (0, 4, 5)] == [False, False, True]
