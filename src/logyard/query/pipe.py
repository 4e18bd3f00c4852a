"""What every pipe is: a step that takes rows and gives rows, in the engine or in memory.

A pipe is one file of ``pipes/``: its node, how it is read and printed, ``sql`` (what it makes of a stage that
the engine has not run yet) and ``table`` (the same on rows in memory). ``sql`` may answer None: then this pipe
and all behind it run in memory. Tests hold the two equal. Nodes are values, and ``parse(str(node)) == node``.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar, TypeVar

import polars as pl

from logyard.errors import BadQuery
from logyard.language.ast import Filter
from logyard.language.parser import Parser
from logyard.query.stage import Stage

__all__ = ["Form", "Labels", "Pipe", "component"]


@dataclass(frozen=True, slots=True)
class Form:
    """The words that begin a pipe; ``name`` is that of its file."""

    name: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Labels:
    """What a query for metrics knows of its rows: which fields are labels, which hold the numbers."""

    by: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    step: int = 0
    """Nanoseconds, for queries over a range; then ``_time`` is one of the labels."""

    def without(self, names: tuple[str, ...]) -> "Labels":
        """After these fields are gone or overwritten. ``BadQuery`` when one of them is a label."""
        lost = [name for name in names if name in self.by]
        if lost:
            raise BadQuery(f"the label {lost[0]!r} of stats must not be changed or dropped here")
        return replace(self, numbers=tuple(name for name in self.numbers if name not in names))


@dataclass(frozen=True, slots=True)
class Pipe(ABC):
    """Takes rows, gives rows."""

    form: ClassVar[Form | None] = None
    row_wise: ClassVar[bool] = False
    """Each row by itself: the pipe can follow a live tail."""

    flows: ClassVar[bool] = False
    """Row-wise and dear in the engine: done in memory where rows themselves are wanted, the newest of them."""

    @abstractmethod
    def __str__(self) -> str:
        """Canonical query text."""

    @abstractmethod
    def table(self, table: pl.DataFrame) -> pl.DataFrame:
        """Rows in memory: columns are fields, all String, "" for nothing."""

    def sql(self, stage: Stage) -> Stage | None:
        """The same in the engine, or None."""
        return None

    def needs(self) -> tuple[str, ...] | None:
        """Names of the fields it reads or leaves as they are in some rows; None when that may be any."""
        return None

    @property
    def closes(self) -> bool:
        """Whether its rows have no fields but those that it names: what is not needed up to here, nobody will see."""
        return False

    def labels(self, labels: Labels) -> Labels:
        """Behind ``stats`` in a query for metrics. ``BadQuery`` where the result would be no metrics."""
        raise BadQuery(f"{self.form.name if self.form else self} cannot follow stats in a query for metrics")

    def per_time(self) -> "Pipe":
        """For a query over a range: the pipe that treats each time by itself."""
        return self

    def filter_fields(self) -> tuple[str, ...]:
        """The fields that the filters inside read."""
        return tuple(name or "_msg" for each in self.filters() for name in each.fields())

    def filters(self) -> tuple[Filter, ...]:
        """The filters inside, whose sub-queries must be run first."""
        return ()

    def with_filters(self, filters: tuple[Filter, ...]) -> "Pipe":
        """The same pipe with the filters of ``filters()`` replaced."""
        return self


Node = TypeVar("Node", bound=Pipe)


def component(name: str, *others: str) -> Callable[[type[Node]], type[Node]]:
    """Mark the pipe class of a file; ``name`` is the file's name, ``others`` are further words for the pipe.

    The class has a method ``parse(parser: Parser) -> Pipe`` that reads what comes behind the word.
    """

    def mark(node: type[Node]) -> type[Node]:
        node.form = Form(name, (name, *others))
        return node

    return mark


Reader = Callable[[Parser], Pipe]
"""``parse`` of a pipe class."""
