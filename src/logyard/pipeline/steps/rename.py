"""Rename fields."""

import msgspec
import polars as pl

from logyard.errors import BadConfig
from logyard.model.schema import TEXT_COLUMNS
from logyard.pipeline.fields import check_settable, json, removed, with_json
from logyard.registry import component

__all__ = ["Rename", "RenameConfig"]


class RenameConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``fields``: old names to new ones, columns and attributes alike; a value keeps its type. What has the new name
    gives way, unless ``overwrite`` is false: then the record keeps both as they are.
    """

    fields: dict[str, str]
    overwrite: bool = True


@component("rename", config=RenameConfig, example='[fields]\n"http.status" = "status_code"\napp = "service"\n')
class Rename:
    """Give fields other names."""

    def __init__(self, config: RenameConfig) -> None:
        """Raises ``BadConfig`` for names that cannot be set, and for one that is taken twice."""
        check_settable([*config.fields, *config.fields.values()], "fields")
        if len(set(config.fields.values())) < len(config.fields) or set(config.fields) & set(config.fields.values()):
            raise BadConfig("a name can be given once, and not to a field that is itself renamed", path="fields")
        self._names = config.fields
        self._overwrite = config.overwrite

    def __call__(self, frame: pl.DataFrame) -> pl.DataFrame:
        """All records."""
        for old, new in self._names.items():
            values = json(frame, old)
            if not self._overwrite:
                values = values.set(json(frame, new).is_not_null(), None)
            moved = values.is_not_null()
            if moved.all():
                frame = with_json(removed(frame, [old]), new, values)
            elif moved.any():
                less = removed(frame, [old])
                kept = [less[name].zip_with(moved, frame[name]) for name in ("attributes", *_columns(old))]
                frame = with_json(frame.with_columns(kept), new, values)
        return frame


def _columns(name: str) -> tuple[str, ...]:
    """The columns that a field of this name is kept in."""
    if name == "level":
        return ("level", "severity", "level_text")
    return (name,) if name in TEXT_COLUMNS else ()
