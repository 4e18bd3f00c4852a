"""What the commands that read logs have in common: the query they make, and how they print the answer."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import tzinfo
from typing import cast

import msgspec

from logyard.cli.options import ColorWhen, Output
from logyard.cli.rows import TAIL_COLUMNS, Row, Style
from logyard.cli.terminal import is_colored, is_terminal
from logyard.language.lexer import Kind, Token, tokenize

__all__ = ["Question", "columns", "decoded", "has_pipes", "narrowed", "style"]

_OPEN, _CLOSE = frozenset("([{"), frozenset(")]}")


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What to ask the server, and how to print what it says."""

    query: str
    style: Style
    start: str = ""
    """``@`` and nanoseconds, inclusive; empty: no bound."""
    end: str = ""
    """The same, exclusive."""
    limit: int = 0
    """Rows; 0: all."""

    @property
    def parameters(self) -> dict[str, str | int]:
        """For ``/api/v1/query`` and ``/api/v1/tail``."""
        bounds = {"start": self.start, "end": self.end}
        found: dict[str, str | int] = {"query": self.query, "limit": self.limit}
        return found | {name: at for name, at in bounds.items() if at}


def has_pipes(query: str) -> bool:
    """Whether the query goes on after its filter: its answer then has an order of its own."""
    return _first_pipe(query) is not None


def narrowed(query: str, where: Sequence[str]) -> str:
    """The query with more filters that must hold, in front of its pipes."""
    query = query.strip() or "*"
    filters = [text for text in where if text.strip()]
    if not filters:
        return query
    pipe = _first_pipe(query)
    head, pipes = (query, "") if pipe is None else (query[: pipe.start].rstrip(), query[pipe.start :])
    # A comment runs to the line's end; the parenthesis stays out of it.
    parts = [f"({text}\n)" if "#" in text else f"({text})" for text in [*filters, head or "*"]]
    return " ".join([*parts, pipes]).strip()


def style(output: Output, *, fields: str, zone: tzinfo, color: ColorWhen, whole_times: bool) -> Style:
    """How rows are printed on stdout, from what the flags say."""
    names = tuple(name.strip() for name in fields.split(",") if name.strip())
    return Style(
        output=output,
        fields=names,
        zone=zone,
        colored=is_colored(color, sys.stdout),
        guarded=is_terminal(sys.stdout),
        whole_times=whole_times,
    )


def decoded(pieces: Iterable[bytes]) -> Iterator[list[Row]]:
    """NDJSON, in pieces of any size, into rows."""
    rest = b""
    for piece in pieces:
        head, feed, tail = piece.rpartition(b"\n")
        if not feed:
            rest += tail
            continue
        yield _rows(rest + head)
        rest = tail
    if rest.strip():
        yield _rows(rest)


def columns(rows: Iterable[Row]) -> tuple[str, ...]:
    """The fields of all these rows, those of a log's headline first."""
    names = {name for row in rows for name in row}
    return (
        *(name for name in ("id", *TAIL_COLUMNS) if name in names),
        *sorted(names.difference(("id", *TAIL_COLUMNS))),
    )


def _rows(text: bytes) -> list[Row]:
    return cast("list[Row]", [msgspec.json.decode(line) for line in text.split(b"\n") if line.strip()])


def _first_pipe(query: str) -> Token | None:
    depth = 0
    for token in tokenize(query):
        if token.kind is not Kind.SYMBOL:
            continue
        depth += (token.text in _OPEN) - (token.text in _CLOSE)
        if token.text == "|" and depth == 0:
            return token
    return None
