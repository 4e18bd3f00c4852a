"""A command line that is parsed in a child: what is understood comes back, what is not ends as it would have here."""

import os
import sys
from collections.abc import Callable

import pytest

from logyard.cli.order import Order, parsed_apart

ORDER = Order(
    flags={"data": "x"},
    receivers=[{"include": ["a"] * 50_000}],
    outputs=[{"url": "http://u"}],
    steps=[],
    rules=[],
    once=True,
)
HandOn = Callable[[Order], None]


def test_an_order_comes_back_however_long_it_is() -> None:
    def parse(hand_on: HandOn) -> int:
        hand_on(ORDER)
        return 0

    assert parsed_apart(parse) == ORDER


def test_it_is_parsed_in_another_process() -> None:
    assert parsed_apart(lambda _: 3 if os.getpid() != here else 4) == 3


here = os.getpid()


def test_what_cannot_be_understood_is_said_there(capfd: pytest.CaptureFixture[str]) -> None:
    def parse(_: HandOn) -> int:
        sys.stderr.write("no such option")
        return 2

    assert parsed_apart(parse) == 2
    assert capfd.readouterr().err == "no such option"


def test_a_failure_to_parse_is_said_as_well(capfd: pytest.CaptureFixture[str]) -> None:
    def parse(_: HandOn) -> int:
        raise RuntimeError("a fault of ours")

    assert parsed_apart(parse) == 1
    assert "a fault of ours" in capfd.readouterr().err
