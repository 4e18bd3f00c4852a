"""The steps of a pipeline as one callable, compiled once. No steps: nothing is decoded."""

from collections.abc import Mapping, Sequence
from typing import cast

import polars as pl

from logyard import registry
from logyard.formats.json.frame import frame
from logyard.model.batch import Encoded
from logyard.ports import Step
from logyard.types import Nanoseconds

__all__ = ["Chain"]


class Chain:
    """Steps in the order of the configuration."""

    def __init__(self, steps: Sequence[Step] = ()) -> None:
        """None at all is the fast path."""
        self._steps = tuple(steps)

    @staticmethod
    def of(settings: Sequence[Mapping[str, object]]) -> "Chain":
        """From the configuration's ``[[pipeline]]`` tables. Raises ``BadConfig`` that names the setting."""
        built = (registry.build("steps", step, path=f"pipeline[{index}]") for index, step in enumerate(settings))
        return Chain([cast("Step", step) for step in built])

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return bool(self._steps)

    def apply(self, body: Encoded | pl.DataFrame, received: Nanoseconds) -> Encoded | pl.DataFrame:
        """What is left of a batch's body after all steps."""
        if not self._steps:
            return body
        rows = frame(body, received) if isinstance(body, Encoded) else body
        for step in self._steps:
            rows = step(rows)
        return rows
