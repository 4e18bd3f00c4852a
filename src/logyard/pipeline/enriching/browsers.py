"""User agents taken apart, by expressions that are data (``browsers.toml``)."""

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

import msgspec
import polars as pl

from logyard.pipeline.fields import text

__all__ = ["UserAgents"]


class _Kind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str = msgspec.field(name="is")
    regex: str


class _Kinds(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: tuple[_Kind, ...]
    os: tuple[_Kind, ...]
    device: tuple[_Kind, ...]


@cache
def _kinds() -> _Kinds:
    data = files(__package__).joinpath("browsers.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(data), _Kinds)


class UserAgents:
    """``<field>.name``, ``.version``, ``.os``, ``.os_version`` and ``.device``; each text is looked at once."""

    def __init__(self, field: str) -> None:
        """``field`` of the record holds the user agent."""
        self._field = field

    def __call__(self, frame: pl.DataFrame) -> Mapping[str, pl.Series]:
        """Fields and their texts; null where nothing is found."""
        given = text(frame, self._field)
        agents = given.unique()
        kinds = _kinds()
        name, version = _first(agents, kinds.name)
        system, system_version = _first(agents, kinds.os)
        device, _ = _first(agents, kinds.device)
        columns = {
            "name": name, "version": version, "os": system, "os_version": system_version.str.replace_all("_", "."),
            "device": device,
        }  # fmt: skip
        return {
            f"{self._field}.{part}": given.replace_strict(agents, values, return_dtype=pl.String)
            for part, values in columns.items()
        }


def _first(agents: pl.Series, kinds: Sequence[_Kind]) -> tuple[pl.Series, pl.Series]:
    """What each is, and its version, by the first expression that is found in it."""
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, agents.len())
    found, versions = nothing, nothing
    for kind in kinds:
        hits = agents.str.contains(kind.regex) & found.is_null()
        if hits.any():
            found = found.set(hits, kind.name)
            if "(" in kind.regex.replace("(?", ""):
                versions = agents.str.extract(kind.regex).zip_with(hits, versions)
    return found, versions
