"""Queries over HTTP on the loaded corpus: warm, one after the other, the median of nine.

Where a question has a value in it, each asking has another one, so that no cache of the engine answers twice.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from statistics import median
from typing import Any, Final

from bench.corpus import HOUR, WORDS, sample_values
from bench.loading import load
from bench.report import Figure, at_most, figure
from bench.run import Run
from bench.server import Server, start

__all__ = ["Question", "measure", "questions"]

_NAME: Final = "queries"
_TIMES: Final = 9
_QUERY: Final = "/api/v1/query"
_STATUS: Final = "metadata.status"
_GROUPS: Final = "stats by (service, level) count() rows"
_AVERAGE: Final = "stats by (service) avg(metadata.duration_ms) mean"


@dataclass(frozen=True, slots=True)
class Question:
    """``queries`` are asked in turn; ``right`` looks at an answer."""

    what: str
    path: str
    queries: Sequence[str]
    right: Callable[[bytes], bool]
    limit_ms: float | None = None
    parameters: tuple[tuple[str, str | int], ...] = ()


def measure(run: Run) -> Iterator[Figure]:
    """On the data of the last ingest round; loads it when there was none."""
    fresh = not run.loaded.exists()
    with start(run.loaded) as server:
        if fresh:
            load(run, server)
        yield figure((_NAME, "floor: an empty request"), _milliseconds(lambda: server.get("/healthz")), "ms")
        for question in questions(run):
            yield _asked(server, question)


def questions(run: Run) -> Sequence[Question]:
    """All of them; the first six are the issue's."""
    traces = sample_values(run.corpus, "trace_id", _TIMES + 2)
    levels = ("ERROR", "WARNING", "INFO", "DEBUG")
    by_minute = (("start", HOUR[0]), ("end", HOUR[1]), ("step", "1m"), ("field", "level"))
    newest, many = (("limit", 100),), (("limit", 1000),)
    return (
        _count("count by word", WORDS, limit_ms=20),
        _count("count by two fields", [f"service:=payments level:={level}" for level in levels], limit_ms=20),
        _count("count by trace id", [f"trace_id:={trace}" for trace in traces], limit_ms=20, rows=1),
        Question("newest 100 of all", _QUERY, ["*"], _has_lines(100), 50, newest),
        Question("histogram: minute, level", "/api/v1/hits", ["*"], _has_hits(run.rows), 100, by_minute),
        Question("facets", "/api/v1/facets", ["*"], lambda body: b"payments" in body, 150, (("limit", 10),)),
        _count("count by column and attribute", [f"service:=payments {_STATUS}:={code}" for code in (200, 404, 500)]),
        _count("count by number above", [f"{_STATUS}:>={code}" for code in (400, 500, 503)]),
        _count("count of all", ["*"], rows=run.rows),
        Question("newest 100 of a word", _QUERY, WORDS, _has_lines(100), None, newest),
        Question("group by service, level", _QUERY, [f"* | {_GROUPS}"], _has_lines(100), None, many),
        Question("average of a number", _QUERY, [f"* | {_AVERAGE}"], _has_lines(20), None, many),
    )


def _count(what: str, filters: Sequence[str], *, limit_ms: float | None = None, rows: int = 0) -> Question:
    def right(body: bytes) -> bool:
        found: dict[str, Any] = json.loads(body)
        return int(found["rows"]) == rows if rows else int(found["rows"]) > 0

    return Question(what, _QUERY, [f"{each} | stats count() rows" for each in filters], right, limit_ms)


def _has_lines(count: int) -> Callable[[bytes], bool]:
    return lambda body: len(body.splitlines()) == count


def _has_hits(rows: int) -> Callable[[bytes], bool]:
    return lambda body: sum(sum(each["values"]) for each in json.loads(body)["hits"]) == rows


def _asked(server: Server, question: Question) -> Figure:
    queries = cycle(question.queries)

    def ask() -> None:
        query = next(queries)
        body = server.get(question.path, query=query, **dict(question.parameters))
        if not question.right(body):
            raise RuntimeError(f"{question.what}: {query}: not the right answer: {body[:300]!r}")

    bound = at_most(question.limit_ms) if question.limit_ms else None
    return figure((_NAME, question.what), _milliseconds(ask), "ms", bound)


def _milliseconds(ask: Callable[[], object]) -> float:
    ask()
    ask()
    taken = []
    for _ in range(_TIMES):
        started = time.perf_counter()
        ask()
        taken.append(time.perf_counter() - started)
    return median(taken) * 1e3
