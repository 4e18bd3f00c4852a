"""How lines are told to belong to the one before: patterns in four modes, or the habits of a language's stack traces.

A decision looks at a line, the one before and the one after, by linear-time regular expressions over whole columns.
"""

from collections.abc import Callable, Mapping
from functools import reduce
from operator import or_
from typing import Annotated, Final, Literal

import msgspec
import polars as pl

from logyard.errors import BadConfig

__all__ = ["LANGUAGES", "MODES", "Habit", "JoinRules", "continues", "decision"]

Positive = Annotated[int, msgspec.Meta(gt=0)]
Begins = Callable[[pl.Series], pl.Series]
"""Lines, the first of which begins a record, to a boolean for each: whether a record begins there."""

MODES: Final = ("continue_through", "continue_past", "halt_before", "halt_with")


class JoinRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which lines make one record. ``preset``, or ``mode`` with ``pattern``."""

    preset: str = ""
    """``auto``, or a language: python, java, go, javascript, ruby, php, dotnet, rust, dart; several as
    ``java,python``.
    """
    mode: Literal["", "continue_through", "continue_past", "halt_before", "halt_with"] = ""
    """continue_through: lines that match ``pattern`` belong to the one before. continue_past: the line after one that
    matches belongs to it. halt_before: a line that matches begins a record. halt_with: a line that matches ends one.
    """
    pattern: str = ""
    start: str = ""
    """With ``mode``: only a line that matches this begins a record of several lines; others stand alone."""
    max_lines: Positive = 500
    """Of a record; what is beyond it becomes a record of its own."""
    max_bytes: Positive = 1 << 20
    timeout: float = 5.0
    """Seconds that a record stays open without a new line."""


class Habit(msgspec.Struct, frozen=True, kw_only=True):
    """How a language's stack traces go on."""

    within: str = ""
    """A line that always belongs to the one before."""
    after: tuple[tuple[str, str], ...] = ()
    """(line, line before): one that belongs to the one before if that looks so."""
    before: tuple[tuple[str, str], ...] = ()
    """(line, line after): one that belongs to the one before if what follows looks so."""


_GO_FRAME: Final = r"^(?:\t\S.*:[0-9]+|goroutine [0-9]+ .*\[.*\]:$|\s*\.\.\.[0-9]+ frames elided)"
_GO_CALL: Final = r"^(?:[\w./*$()\[\]{},·-]+\(.*\)$|created by )"
_PY_BRIDGE: Final = (
    r"^(?:During handling of the above exception|The above exception was the direct cause|"
    r"\s*\| |\s*\+-\+)"
)
_PY_HEAD: Final = r"^(?:\s*\+ )?\s*Traceback \(most recent call last\):|^\s*\+ Exception Group Traceback"

LANGUAGES: Final[Mapping[str, Habit]] = {
    "python": Habit(
        within=rf"^\s+File \"|{_PY_BRIDGE}",
        after=(
            (r"^\s+\S", r"^\s+(?:File |\S)|^Traceback \(most recent call last\):|^\s*\+ Exception Group"),
            (r"^[A-Za-z_][\w.]*(?:: .*|)$", r"^\s+\S"),
            (r"^Traceback \(most recent call last\):", r"^\s*$|above exception|[Ee]xception|[Ee]rror"),
            (r"^\s*$", r"^[A-Za-z_][\w.]*(?:Error|Exception|Warning|Interrupt|Exit)\b|above exception"),
        ),
        before=((r"^\s*$", rf"{_PY_BRIDGE}|{_PY_HEAD}"),),
    ),
    "java": Habit(
        within=r"^\s+(?:at |\.{3} [0-9]+ (?:more|common frames)|eval |Suppressed: )|^\s*Caused by: |^\s*Suppressed: |"
        r"^\s*(?:Wrapped by|nested exception is)|^\s*\.{3} [0-9]+ (?:more|common)|"
        r"^Nested exception|^\s+- (?:locked|waiting) ",
        after=((r"^\s+\S", r"^\s+at |^Caused by: |[Ee]xception"),),
    ),
    "go": Habit(
        within=rf"{_GO_FRAME}|^\[signal |^created by |^\t(?:/|\.)",
        after=(
            (_GO_CALL, rf"{_GO_FRAME}|^created by "),
            (r"^\s*$", rf"^(?:panic|fatal error|runtime|http: panic)|{_GO_FRAME}|^\[signal |^exit status"),
            (r"^(?:goroutine |\[originating|\s+panic: |\t)", r"^\s*$|^panic: |^fatal error: "),
            (r"^exit status [0-9]+", rf"{_GO_FRAME}|^\s*$"),
        ),
    ),
    "javascript": Habit(
        within=r"^\s+at (?:async )?(?:new )?\S|^\s+\[(?:cause|errors)\]: |^\s+\[[\w-]+\]: ",
        after=((r"^(?:\}|\s+\S.*[,{}\]]$)", r"^\s+at |^\s+\S.*[,{]$|^.*\{$"), (r"^\s*\^+\s*$", r"\S")),
    ),
    "ruby": Habit(
        within=r"^\s+(?:from )?\S+:[0-9]+:in [`']|^from \S+:[0-9]+:in |"
        r"^\s+[\w.-]+ \([0-9][\w.]*\) \S+:[0-9]+:in |^\t[0-9]*: from ",
        after=(
            (r"^\s*$", r"\((?:No route|.*Error|.*Exception)|Error \("),
            (r"^\S+:[0-9]+:in [`']", r"^\S+:[0-9]+:in [`']|[a-z]Error|Exception"),
        ),
        before=((r"^\s*$", r"^\s*\S+(?: \([0-9][\w.]*\) \S+)?:[0-9]+:in [`']"),),
    ),
    "php": Habit(
        within=r"^\s*(?:PHP )?\s*(?:#[0-9]+ |Stack trace:|thrown in |Next )|^\s+thrown in ",
        after=((r"^(?:PHP )?\s+[0-9]+\. ", r"Stack trace|^(?:PHP )?\s+[0-9]+\. "),),
    ),
    "dotnet": Habit(
        within=r"^\s+(?:at |in |---> |--- End of )|^\s*---> |^--- End of |^\s+--- End",
        after=((r"^\s+\S", r"^\s+at |[Ee]xception"),),
    ),
    "rust": Habit(
        within=r"^stack backtrace:|^\s+[0-9]+: +\S|^\s+at \S+:[0-9]+|^note: (?:run with|Some details|[`R])",
        after=(
            (r"^Caused by:$", r"\S|^\s*$"),
            (r"^\s+(?:[0-9]+: )?\S", r"^Caused by:$|^\s+[0-9]+: "),
            (r"^[^\s].*$", r"^thread '.*' (?:\([0-9]+\) )?panicked at [^'\"]*:[0-9]+:[0-9]+:$"),
        ),
        before=((r"^\s*$", r"^(?:Caused by:|Stack backtrace:|stack backtrace:)$"),),
    ),
    "dart": Habit(
        within=r"^#[0-9]+\s+\S|^<asynchronous suspension>|^Stack trace:|^\.\.\. ",
        after=(
            (r"^.*$", r"^Unhandled exception:$"),
            (r"^\s*$", r"^#[0-9]+\s+\S|^(?:Receiver|Tried calling|Found): "),
            (r"^(?:Receiver|Tried calling|Found|Another exception|Class|Expected|Actual): ?", r"\S"),
        ),
        before=((r"^.*$", r"^(?:Receiver|Tried calling): "),),
    ),
}
"""The stack traces of languages, by what their runtimes print."""


def continues(lines: pl.Series, habit: Habit) -> pl.Series:
    """For each line whether it belongs to the one before, by a language's habit."""
    found = lines.str.contains(habit.within) if habit.within else pl.Series([False]).new_from_index(0, lines.len())
    for rules, shift in ((habit.after, 1), (habit.before, -1)):
        for here, there in rules:
            beside = lines.str.contains(there)
            if beside.any():  # in most logs nothing looks like a trace: half of the looks are saved
                found |= lines.str.contains(here) & beside.shift(shift, fill_value=False)
    return found


def decision(rules: JoinRules) -> Begins:
    """Where records begin, by patterns or presets; ``auto`` is ``lines.py``'s. Raises ``BadConfig``."""
    if rules.preset:
        names = [name.strip() for name in rules.preset.split(",")]
        unknown = [name for name in names if name not in LANGUAGES]
        if unknown:
            raise BadConfig(
                f"there is no preset {unknown[0]!r}; there are: auto, {', '.join(LANGUAGES)}", path="preset"
            )
        habits = [LANGUAGES[name] for name in names]
        return lambda lines: _first(~reduce(or_, (continues(lines, habit) for habit in habits)))
    if not rules.mode or not rules.pattern:
        raise BadConfig("say a preset, or a mode and a pattern", path="preset")
    for path, pattern in (("pattern", rules.pattern), ("start", rules.start)):
        _check(pattern, path)
    return lambda lines: _first(_started(lines, _by_mode(lines, rules), rules.start))


def _by_mode(lines: pl.Series, rules: JoinRules) -> pl.Series:
    matches = lines.str.contains(rules.pattern)
    if rules.mode == "continue_through":
        return ~matches
    if rules.mode == "continue_past":
        return ~matches.shift(1, fill_value=False)
    return matches if rules.mode == "halt_before" else matches.shift(1, fill_value=False)


def _started(lines: pl.Series, begins: pl.Series, start: str) -> pl.Series:
    """With lines that no start stands before alone."""
    if not start:
        return begins
    table = pl.DataFrame({"group": begins.cum_sum(), "start": lines.str.contains(start)})
    before = table.select(pl.col("start").cast(pl.UInt32).cum_sum().over("group").alias("starts"), "start")
    opened = before["starts"] > 0
    return begins | ~opened | (before["start"] & (before["starts"] == 1))


def _first(begins: pl.Series) -> pl.Series:
    """The first line begins, whatever it looks like."""
    return begins.scatter(0, values=True) if begins.len() else begins


def _check(pattern: str, path: str) -> None:
    try:
        pl.Series([""]).str.contains(pattern)
    except pl.exceptions.PolarsError as error:
        raise BadConfig(f"cannot read {pattern!r}: {error}", path=path) from error
