"""What every output may be told beside its own settings, and what that makes of it.

An output is given a name, a filter and limits in its section, beside what its own type takes; the name tells two of one
type apart: their cursors, their directories, their dead letters.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Annotated, Protocol, cast, runtime_checkable

import msgspec

from logyard import registry
from logyard.errors import BadConfig
from logyard.formats.json.batches import joined
from logyard.language.condition import condition
from logyard.model.batch import Batch
from logyard.outputs.runs import Batching
from logyard.ports import Output
from logyard.types import BatchId

__all__ = ["KeepsFiles", "Outlet", "OutletConfig", "named", "outlets"]

Limit = Annotated[int, msgspec.Meta(ge=0)]
Wanted = Callable[[Batch], Batch | None]


class OutletConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What every output may be told."""

    where: str = ""
    """LogsQL filter: only records that match it."""
    batch_rows: Limit = Batching().rows
    """Batches are joined up to so many records; 0: no limit."""
    batch_bytes: Limit = Batching().bytes
    """Batches are joined up to so many bytes, and a larger one goes in pieces; 0: no limit."""
    max_backlog_bytes: Limit = 0
    """Of more than so many bytes that wait for it, the oldest are given up and counted; 0: none ever."""


@runtime_checkable
class KeepsFiles(Protocol):
    """An output that keeps complete files."""

    def used_bytes(self) -> float:
        """Disk that they use. Any thread."""
        ...


class Outlet(msgspec.Struct, frozen=True, kw_only=True):
    """An output and how it is driven."""

    name: str
    output: Output
    batching: Batching
    max_backlog_bytes: int
    wanted: Wanted | None
    """None: everything."""


def outlets(sections: Sequence[Mapping[str, object]]) -> list[Outlet]:
    """The outputs of a configuration. Raises ``BadConfig`` that names the setting."""
    return [_outlet(name, section, f"outputs[{at}]") for at, (name, section) in enumerate(named("outputs", sections))]


def named(family: str, sections: Sequence[Mapping[str, object]]) -> Iterator[tuple[str, Mapping[str, object]]]:
    """The sections without their names, each with a name of its own. Raises ``BadConfig``."""
    taken = set()
    for index, section in enumerate(sections):
        name = str(section.get("name", section.get("type", "")))
        if name in taken or not name.replace("-", "").replace("_", "").isalnum():
            reason = f"{name!r} is taken or is no name: give it a name of letters and digits"
            raise BadConfig(reason, path=f"{family}[{index}].name")
        taken.add(name)
        yield name, {key: value for key, value in section.items() if key != "name"}


def _outlet(name: str, section: Mapping[str, object], path: str) -> Outlet:
    known = OutletConfig.__struct_fields__
    try:
        config = msgspec.convert({key: value for key, value in section.items() if key in known}, OutletConfig)
        wanted = _wanted(config.where) if config.where else None
    except (msgspec.ValidationError, BadConfig) as error:
        raise BadConfig(str(error), path=path) from error
    own = {key: value for key, value in section.items() if key not in known}
    return Outlet(
        name=name,
        output=cast("Output", registry.build("outputs", own, path=path)),
        batching=Batching(rows=config.batch_rows, bytes=config.batch_bytes),
        max_backlog_bytes=config.max_backlog_bytes,
        wanted=wanted,
    )


def _wanted(where: str) -> Wanted:
    """Batches without the records that do not match; another filter makes other batches, under other ids."""
    matches = condition(where)

    def wanted(batch: Batch) -> Batch | None:
        frame = joined([batch])
        kept = frame.filter(matches(frame))
        derived = BatchId(blake2b(batch.id + where.encode(), digest_size=16).digest())
        return msgspec.structs.replace(batch, id=derived, body=kept) if kept.height else None

    return wanted
