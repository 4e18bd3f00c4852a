"""Options in front of a query."""

import pytest

from logyard.errors import BadQuery
from logyard.language.entry import open_query
from logyard.language.options import Options, parse_options


@pytest.mark.parametrize(
    ("query", "options"),
    [
        pytest.param("foo", Options(), id="none"),
        pytest.param("options() foo", Options(), id="empty"),
        pytest.param("options(concurrency=2, parallel_readers=3,) foo", Options(2, 3), id="numbers"),
        pytest.param("options(ignore_global_time_filter=TRUE) foo", Options(ignore_global_time_filter=True), id="true"),
        pytest.param("options(allow_partial_response=false) foo", Options(), id="false"),
    ],
)
def test_reads_and_prints(query: str, options: Options) -> None:
    parser = open_query(query, now=0)
    assert parse_options(parser) == options
    assert str(parser.parse_filter()) == "foo"
    assert parse_options(open_query(f"{options}foo", now=0)) == options


@pytest.mark.parametrize(
    "query",
    [
        "options foo",
        "options(foo=1)",
        "options(concurrency=x)",
        "options(concurrency)",
        "options(allow_partial_response=2)",
    ],
)
def test_refuses(query: str) -> None:
    with pytest.raises(BadQuery):
        parse_options(open_query(query, now=0))
