"""Levels that pass, changed while running."""

from pathlib import Path

import pytest

from logyard.errors import BadConfig
from logyard.pipeline.chain import Chain
from logyard.pipeline.gate import Gate, Levels
from tests.pipeline.frames import NOW, framed

RECORDS = framed(
    *({"level": level, "service": service} for level in ("debug", "info", "notice", "error") for service in "ab"),
    {"service": "a"},
)


def passing(gate: Gate) -> str:
    """Levels and services of what passes."""
    left = RECORDS.filter(gate.passes(RECORDS))
    return " ".join(f"{row['level_text'] or row['level'] or '-'}{row['service']}" for row in left.iter_rows(named=True))


@pytest.mark.parametrize(
    ("levels", "want"),
    [
        pytest.param(Levels(minimum="ERROR"), "errora errorb -a", id="a minimum"),
        pytest.param(
            Levels(minimum="warn", services={"b": "debug"}), "debugb infob noticeb errora errorb -a", id="own"
        ),
        pytest.param(Levels(minimum="notice"), "infoa infob noticea noticeb errora errorb -a", id="a finer word"),
        pytest.param(Levels(services={"a": "critical"}), "debugb infob noticeb errorb -a", id="only one service"),
    ],
)
def test_what_passes(levels: Levels, want: str) -> None:
    assert passing(Gate(levels)) == want


def test_a_file_counts_and_is_read_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "levels.toml"
    gate = Gate(Levels(minimum="INFO"), file)
    assert gate.levels.minimum == "INFO"
    file.write_text('minimum = "ERROR"\n')
    assert passing(gate) == "errora errorb -a"
    gate.change(Levels(minimum="CRITICAL", services={'x"y': "DEBUG"}))
    assert passing(gate) == "-a"
    assert Gate(Levels(), file).levels == Levels(minimum="CRITICAL", services={'x"y': "DEBUG"})
    for broken in ("minimum = ", 'minimum = "loud"', "minimum = 5", 'maximum = "INFO"'):
        file.write_text(broken)
        assert passing(gate) == "-a"
        assert "cannot be used, the levels stay as they are" in caplog.messages[-1]
    file.unlink()
    assert passing(gate) == "-a"


def test_what_is_no_level_is_refused_and_changes_nothing() -> None:
    gate = Gate(Levels(minimum="ERROR"))
    for bad in (Levels(minimum="loud"), Levels(services={"a": "loud"})):
        with pytest.raises(BadConfig, match="loud"):
            gate.change(bad)
        with pytest.raises(BadConfig, match="loud"):
            Gate(bad)
    assert gate.levels.minimum == "ERROR"


def test_a_chain_knows_its_gates() -> None:
    step = {"type": "level_filter", "minimum": "ERROR"}
    chain = Chain.of([step, {"type": "drop", "where": "x"}, {**step, "name": "second"}])
    assert list(chain.gates()) == ["level_filter", "second"]
    chain.gates()["second"].change(Levels(minimum="CRITICAL"))
    left = chain.apply(RECORDS, NOW)
    assert left.height == 1  # type: ignore[union-attr] # a frame, as what was given
