"""A query as what the engine does and what is left for memory.

Pipes are compiled into the stage one after the other; the first that the engine cannot do, and all behind it,
work on the rows in memory. A filter that the engine cannot do at all is treated like a pipe.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from logyard.language.ast import All, Filter
from logyard.model.dialect import Dialect
from logyard.query.expressions import literal, nanoseconds
from logyard.query.names import ALIASES, names_of
from logyard.query.parse import Query
from logyard.query.pipe import Pipe
from logyard.query.pipes.filter import FilterPipe
from logyard.query.sql import NotInEngine, conditions
from logyard.query.stage import Stage

__all__ = ["NEWEST", "Plan", "Scope", "base_stage", "filters_mapped", "newest", "plan"]

NEWEST: Final = ("toStartOfInterval(timestamp, INTERVAL 5 MINUTE) DESC", "timestamp DESC", "id DESC")
"""Newest first, so written that the engine reads in the order of its key and stops early."""

_TABLE: Final = "logs"


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """Which records a query may see at all; times in nanoseconds, None for no bound."""

    dialect: Dialect = Dialect.NATIVE
    tenant: str = ""
    start: int | None = None
    """First instant inside."""
    end: int | None = None
    """First instant outside."""

    def conditions(self) -> tuple[str, ...]:
        """As conditions on the table."""
        found = [f"tenant = {literal(self.tenant)}"]
        if self.start is not None:
            found.append(f"timestamp >= {nanoseconds(self.start)}")
        if self.end is not None:
            found.append(f"timestamp < {nanoseconds(self.end)}")
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Plan:
    """What the engine does, then what is done in memory."""

    stage: Stage
    rest: tuple[Pipe, ...] = ()

    @property
    def row_wise(self) -> bool:
        """Whether what is left works on each row by itself, so that rows can flow."""
        return all(pipe.row_wise for pipe in self.rest)


def base_stage(scope: Scope) -> Stage:
    """All records of a scope."""
    aliases = ALIASES if scope.dialect is Dialect.NATIVE else {}
    return Stage(_TABLE, names_of(scope.dialect), where=scope.conditions(), indexed=True, stored=True, aliases=aliases)


def plan(query: Query, scope: Scope) -> Plan:
    """``query`` without sub-queries in its filters."""
    if query.options.ignore_global_time_filter:
        scope = msgspec.structs.replace(scope, start=None, end=None)
    stage = base_stage(scope)
    try:
        stage = stage.having(*conditions(query.filter, stage))
    except NotInEngine:
        return Plan(stage, (FilterPipe(query.filter), *query.pipes))
    stages = [stage]
    for index, pipe in enumerate(query.pipes):
        further = pipe.sql(stages[-1])
        if further is None:
            rest = query.pipes[index:]
            return Plan(_needed(stages[-1], rest), rest)
        stages.append(further)
    return _flowing(stages, query.pipes)


def _flowing(stages: list[Stage], pipes: tuple[Pipe, ...]) -> Plan:
    """Where stored records come out one by one, dear pipes are left for memory: the newest are wanted, not all."""
    last = stages[-1]
    dear = next((index for index, pipe in enumerate(pipes) if pipe.flows), None)
    if dear is None or last.order or last.cut or not last.stored or not all(pipe.row_wise for pipe in pipes):
        return Plan(last)
    return Plan(stages[dear], pipes[dear:])


def _needed(stage: Stage, rest: tuple[Pipe, ...]) -> Stage:
    """Only the fields that the pipes in memory look at, where a pipe among them leaves no others."""
    if not stage.open:
        return stage
    names: dict[str, None] = {}
    for pipe in rest:
        needs = pipe.needs()
        if needs is None:
            return stage
        names.update(dict.fromkeys(needs))
        if pipe.closes:
            return stage.closed({name: stage.cell(name) for name in names}) if names else stage
    return stage


def newest(stage: Stage, limit: int | None) -> Stage:
    """Stored records newest first, where nothing else was asked for; at most ``limit`` rows."""
    if stage.source == _TABLE and not (stage.order or stage.cut):
        return replace(stage, order=NEWEST, limit=limit)
    if limit is None:
        return stage
    return replace(stage, limit=limit if stage.limit is None else min(limit, stage.limit))


def filters_mapped(query: Query, change: Callable[[Filter], Filter]) -> Query:
    """The query with ``change`` done to its filter and to the filters in its pipes."""
    pipes = tuple(
        pipe.with_filters(tuple(map(change, pipe.filters()))) if pipe.filters() else pipe for pipe in query.pipes
    )
    return replace(query, filter=query.filter if isinstance(query.filter, All) else change(query.filter), pipes=pipes)
