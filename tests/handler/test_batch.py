import pytest

from logyard.handler.batch import Keys, batches


@pytest.mark.parametrize(
    ("lines", "records", "size", "want"),
    [
        pytest.param([], 3, 9, [], id="nothing"),
        pytest.param(["a", "b"], 3, 9, ["a\nb"], id="all at once"),
        pytest.param(list("abcde"), 2, 9, ["a\nb", "c\nd", "e"], id="so many at most"),
        pytest.param(["aaa", "bbb", "c", "ddd", "e"], 9, 6, ["aaa\nbbb", "c\nddd\ne"], id="full by its length"),
        pytest.param(["a" * 20, "b", "c" * 20], 9, 6, ["a" * 20, "b\n" + "c" * 20], id="a long one ends its batch"),
        pytest.param(["\ud800"], 3, 9, ["?"], id="what is no text"),
    ],
)
def test_cuts(lines: list[str], records: int, size: int, want: list[str]) -> None:
    found = list(batches(lines, Keys(), records=records, size=size))
    assert [batch.body.decode() for batch in found] == want
    assert [batch.count for batch in found] == [body.count("\n") + 1 for body in want]
    assert len({batch.key for batch in found}) == len(found)
