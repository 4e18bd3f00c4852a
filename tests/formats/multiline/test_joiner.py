"""Lines into records: presets, patterns, limits, time, and the same result however the lines arrive."""

from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logyard.errors import BadConfig
from logyard.formats.multiline.joiner import Joiner, JoinerState
from logyard.formats.multiline.rules import JoinRules

TRACES = {
    "python": """\
Traceback (most recent call last):
  File "/srv/shop/cart.py", line 12, in add
    stock.take(item)
KeyError: 'item'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/srv/shop/app.py", line 3, in <module>
    main()
shop.errors.CartError: cannot add
""",
    "java": """\
Exception in thread "main" java.lang.IllegalStateException: no stock
\tat org.example.Shop.open(Shop.java:12)
\tat org.example.Main.main(Main.java:3)
Caused by: java.io.IOException: disk
\tat org.example.Disk.read(Disk.java:70)
\t... 2 more
""",
    "go": """\
panic: no stock

goroutine 1 [running]:
main.open(0x1)
\t/srv/shop/main.go:12 +0x27
main.main()
\t/srv/shop/main.go:3 +0x1d
exit status 2
""",
    "javascript": """\
Error: no stock
    at open (/srv/shop/cart.js:12:9)
    at async Object.<anonymous> (/srv/shop/app.js:3:1)
""",
    "ruby": """\
cart.rb:12:in `open': no stock (RuntimeError)
\tfrom app.rb:3:in `block in main'
\tfrom app.rb:9:in `<main>'
""",
    "php": """\
PHP Fatal error:  Uncaught Exception: no stock in /srv/shop/cart.php:12
Stack trace:
#0 /srv/shop/app.php(3): open()
#1 {main}
  thrown in /srv/shop/cart.php on line 12
""",
    "dotnet": """\
System.InvalidOperationException: no stock
 ---> System.IO.IOException: disk
   at Shop.Disk.Read() in C:\\shop\\Disk.cs:line 70
   --- End of inner exception stack trace ---
   at Shop.Cart.Open() in C:\\shop\\Cart.cs:line 12
""",
    "rust": """\
thread 'main' panicked at src/main.rs:12:5:
no stock
stack backtrace:
   0: std::panicking::begin_panic
             at /rustc/abc/library/std/src/panicking.rs:12:5
   1: shop::open
note: run with `RUST_BACKTRACE=full` for a verbose backtrace
""",
    "dart": """\
Unhandled exception:
Bad state: no stock
#0      open (file:///srv/shop/cart.dart:12:3)
<asynchronous suspension>
#1      main (file:///srv/shop/app.dart:3:5)
""",
}


def joined(lines: list[str], rules: JoinRules) -> list[str]:
    joiner = Joiner(rules)
    return [*joiner.feed(pl.Series(lines, dtype=pl.String), 0.0).records, *joiner.flush().records]


@pytest.mark.parametrize("preset", ["own", "auto"])
@pytest.mark.parametrize("language", list(TRACES))
def test_a_stack_trace_is_one_record_between_its_neighbours(language: str, preset: str) -> None:
    trace = TRACES[language].removesuffix("\n")
    lines = ["ready", "still ready", *trace.split("\n"), "ready again", "and again"]
    rules = JoinRules(preset=language if preset == "own" else "auto")
    assert joined(lines, rules) == ["ready", "still ready", trace, "ready again", "and again"]


@pytest.mark.parametrize("language", list(TRACES))
def test_a_stack_trace_belongs_to_the_line_with_a_time_before_it(language: str) -> None:
    head = "2024-05-06 07:08:09,123 ERROR request failed"
    record = f"{head}\n{TRACES[language].removesuffix(chr(10))}"
    assert joined([*record.split("\n"), head, head], JoinRules(preset="auto")) == [record, head, head]


@pytest.mark.parametrize(
    ("rules", "lines", "want"),
    [
        pytest.param(
            JoinRules(mode="continue_through", pattern=r"^\s"),
            ["a", " b", " c", "d"],
            ["a\n b\n c", "d"],
            id="continue_through",
        ),
        pytest.param(
            JoinRules(mode="continue_past", pattern=r"\\$"),
            ["a\\", "b\\", "c", "d"],
            ["a\\\nb\\\nc", "d"],
            id="continue_past",
        ),
        pytest.param(
            JoinRules(mode="halt_before", pattern="^#"), ["x", "#a", "b", "#c"], ["x", "#a\nb", "#c"], id="halt_before"
        ),
        pytest.param(
            JoinRules(mode="halt_with", pattern=";$"), ["a", "b;", "c;", "d"], ["a\nb;", "c;", "d"], id="halt_with"
        ),
        pytest.param(
            JoinRules(mode="halt_with", pattern=";$", start="^BEGIN"),
            ["x", "y", "BEGIN", "a;", "z"],
            ["x", "y", "BEGIN\na;", "z"],
            id="lines before a start stand alone",
        ),
    ],
)
def test_patterns_join_in_four_modes(rules: JoinRules, lines: list[str], want: list[str]) -> None:
    assert joined(lines, rules) == want


def test_records_are_cut_at_the_limits() -> None:
    rules = JoinRules(mode="continue_through", pattern=r"^\s", max_lines=3)
    assert joined(["a", *[" x"] * 7], rules) == ["a\n x\n x", " x\n x\n x", " x\n x"]
    rules = JoinRules(mode="continue_through", pattern=r"^\s", max_bytes=10)
    assert all(len(record) <= 20 for record in joined(["a", *[" 123456"] * 9], rules))


def test_a_source_without_heads_after_all_is_not_one_long_record() -> None:
    lines = ["2024-05-06 07:08:09 start", *[f"plain {number}" for number in range(2000)]]
    assert len(joined(lines, JoinRules(preset="auto", max_lines=100))) >= 20


def test_the_open_record_waits_for_its_timeout() -> None:
    joiner = Joiner(JoinRules(preset="java", timeout=5))
    assert joiner.feed(pl.Series(["a", "b"]), 10.0).records.to_list() == ["a"]
    assert (joiner.open_lines, joiner.open_bytes) == (1, 1)
    assert joiner.expire(14.9).records.to_list() == []
    assert joiner.expire(15.0).records.to_list() == ["b"]
    assert joiner.open_lines == 0
    assert joiner.flush().records.to_list() == []


def test_records_say_how_many_lines_they_are() -> None:
    found = Joiner(JoinRules(preset="java")).feed(pl.Series(["a", "\tat b.C.d(E.java:1)", "c", "d"]), 0.0)
    assert found.lines.to_list() == [2, 1]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from([*"\n".join(TRACES.values()).split("\n"), "2024-05-06 07:08:09 x", "plain", ""])),
    st.lists(st.integers(0, 40), max_size=6),
    st.sampled_from([
        JoinRules(preset="java,python"), JoinRules(preset="go"), JoinRules(preset="auto"),
        JoinRules(mode="halt_before", pattern="^2024"), JoinRules(mode="continue_past", pattern=":$"),
    ]),
)  # fmt: skip
def test_no_line_is_lost_and_state_can_be_kept_at_any_line(lines: list[str], cuts: list[int], rules: JoinRules) -> None:
    state, records = JoinerState(headed=True if rules.preset == "auto" else None), []
    bounds = [0, *sorted(min(cut, len(lines)) for cut in cuts), len(lines)]
    for begin, end in pairwise(bounds):
        joiner = Joiner(rules, state)
        records += joiner.feed(pl.Series(lines[begin:end], dtype=pl.String), 0.0).records.to_list()
        state = joiner.state()
    records += Joiner(rules, state).flush().records.to_list()
    assert "\n".join(records) == "\n".join(lines)
    if rules.mode:
        assert records == joined(lines, rules)


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        pytest.param(JoinRules(preset="cobol"), "cobol", id="an unknown preset"),
        pytest.param(JoinRules(), "preset", id="nothing said"),
        pytest.param(JoinRules(mode="halt_with"), "pattern", id="a mode without a pattern"),
        pytest.param(JoinRules(mode="halt_with", pattern="("), "cannot read", id="a bad pattern"),
    ],
)
def test_bad_rules_are_refused(rules: JoinRules, says: str) -> None:
    with pytest.raises(BadConfig, match=says):
        Joiner(rules)


def test_a_real_file_is_joined_as_a_whole_or_in_pieces() -> None:
    path = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "raw" / "beats"
    if not path.exists():
        pytest.skip(f"no reference data at {path}")
    for file in sorted(path.glob("kafka*")):
        lines = file.read_bytes().decode().splitlines()
        whole, joiner, pieces = joined(lines, JoinRules(preset="auto")), Joiner(JoinRules(preset="auto")), []
        for begin in range(0, len(lines), 7):
            pieces += joiner.feed(pl.Series(lines[begin : begin + 7]), 0.0).records.to_list()
        assert [*pieces, *joiner.flush().records] == whole
