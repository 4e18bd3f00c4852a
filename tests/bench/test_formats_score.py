"""The score counts what it says, and the visible cases are within the bounds."""

import os
from pathlib import Path

import pytest

from bench.formats_score import SHARES, score
from bench.scoring import cases, masking, streams
from bench.scoring.tally import Tally

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def test_the_visible_cases_are_within_the_bounds() -> None:
    """Every fourth of them; all with FORMATS_SCORE_STEP=1, and by ``make formats-score``."""
    if not SHARED.exists():
        pytest.skip(f"no reference data at {SHARED}")
    tally = score(SHARED, step=int(os.environ.get("FORMATS_SCORE_STEP", "4")))
    shares = {name: tally.share(name) for name in SHARES}
    assert shares["timestamps"] >= 0.97
    assert shares["levels"] >= 0.97
    assert shares["fields"] >= 0.85
    assert shares["bare_timestamps"] >= 0.97
    assert shares["multiline"] >= 0.9
    assert shares["pii_recall"] >= 0.95
    assert shares["pii_false"] <= 0.02


@pytest.mark.parametrize(
    ("want", "got", "same"),
    [
        pytest.param("2024-01-01T00:00:00Z", 1_704_067_200_999_999_999, True, id="to as many digits as are given"),
        pytest.param("2024-01-01T00:00:00.5Z", 1_704_067_200_500_000_001, True, id="one digit"),
        pytest.param("2024-01-01T00:00:00.5Z", 1_704_067_200_600_000_000, False, id="another instant"),
    ],
)
def test_instants_are_compared_to_the_digits_given(want: str, got: int, same: bool) -> None:  # noqa: FBT001 - expected
    assert cases.same_instant(want, got) is same


def test_a_wrong_answer_counts_against_us() -> None:
    tally = Tally()
    line = "2024-05-06T05:08:09Z ERROR x"
    expected = {"timestamp": "2024-05-06T05:08:10Z", "level_norm": "warn", "common": {"pid": 7, "user": "-"}}
    cases.run({"id": "x", "format": "x", "input": line, "expected": expected}, tally)
    streams.run({"id": "x", "format": "x", "input_lines": ["a", "b"], "expected_records": ["a\nb"]}, tally)
    masking.run({"input": "abc", "kind": "email", "label": "positive", "should_mask": [[0, 3, "email"]]}, tally)
    masking.run({"input": "a@b.de", "kind": "email", "label": "hard_negative", "should_mask": []}, tally)
    shares = {name: tally.share(name) for name in SHARES}
    assert shares == {
        "timestamps": 0, "levels": 0, "fields": 0.5, "bare_timestamps": 0,
        "multiline": 0, "pii_recall": 0, "pii_false": 1,
    }  # fmt: skip
    assert len(tally.misses) == 6
    assert "0/1" in tally.table()
