"""Steps and chains."""

import msgspec
import polars as pl
import pytest

from logyard import registry
from logyard.errors import BadConfig
from logyard.formats.json.lines import validate
from logyard.model.batch import Encoded
from logyard.model.schema import FRAME
from logyard.pipeline.chain import Chain
from logyard.types import Nanoseconds

NOW = Nanoseconds(1_767_225_600_000_000_000)
LINES = b"\n".join(
    msgspec.json.encode(record)
    for record in (
        {"level": "info", "service": "api", "message": "card 4111111111111111 taken", "user": {"id": 7}},
        {"level": "debug", "service": "api", "message": "noise"},
        {"level": "error", "service": "web", "message": "boom", "status": 500},
    )
)


def run(*steps: dict[str, object]) -> pl.DataFrame:
    """What is left of the three records."""
    encoded = validate(LINES).encoded
    assert isinstance(encoded, Encoded)
    frame = Chain.of(steps).apply(encoded, NOW)
    assert isinstance(frame, pl.DataFrame)
    assert frame.schema == FRAME
    return frame


def test_without_steps_nothing_is_decoded() -> None:
    encoded = validate(LINES).encoded
    assert isinstance(encoded, Encoded)
    assert Chain().apply(encoded, NOW) is encoded


@pytest.mark.parametrize(
    ("step", "column", "want"),
    [
        pytest.param(
            {"type": "drop", "where": "level:debug"}, "message", ["card 4111111111111111 taken", "boom"], id="drop"
        ),
        pytest.param({"type": "keep", "where": "status:500"}, "message", ["boom"], id="keep"),
        pytest.param({"type": "tag", "tags": ["a", "a"], "where": "user.id:7"}, "tags", [["a"], [], []], id="tag"),
        pytest.param(
            {"type": "redact", "pattern": r"\d{16}"}, "message", ["card *** taken", "noise", "boom"], id="redact"
        ),
        pytest.param(
            {"type": "set", "column": "host", "value": "h", "where": "web"}, "host", ["", "", ""], id="set-none"
        ),
        pytest.param(
            {"type": "set", "column": "host", "value": "h", "where": "service:web"}, "host", ["", "", "h"], id="set"
        ),
    ],
)
def test_step(step: dict[str, object], column: str, want: list[object]) -> None:
    assert run(step)[column].to_list() == want


def test_steps_run_in_order() -> None:
    frame = run({"type": "redact", "pattern": "card", "replacement": "x"}, {"type": "drop", "where": "card"})
    assert frame.height == 3


@pytest.mark.parametrize(
    ("step", "names"),
    [
        pytest.param({"type": "nope"}, "there is no 'nope'", id="unknown-step"),
        pytest.param({}, "says no type", id="no-type"),
        pytest.param({"type": "drop", "where": "a:("}, "where", id="bad-filter"),
        pytest.param({"type": "drop"}, "where", id="missing-setting"),
        pytest.param({"type": "redact", "pattern": "("}, "pattern", id="bad-pattern"),
        pytest.param({"type": "redact", "pattern": "a", "columns": ["nope"]}, "nope", id="bad-column"),
        pytest.param({"type": "set", "column": "id", "value": "1"}, "cannot be set", id="unsettable"),
    ],
)
def test_a_bad_step_names_what_is_wrong(step: dict[str, object], names: str) -> None:
    with pytest.raises(BadConfig, match=names):
        Chain.of([step])


@pytest.mark.parametrize("name", registry.names("steps"))
def test_every_step_has_a_working_example(name: str) -> None:
    found = registry.load("steps", name)
    settings = msgspec.toml.decode(found.example.encode(), type=dict)
    assert callable(registry.build("steps", {"type": name, **settings}))
    assert found.summary
