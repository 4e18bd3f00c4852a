"""Columns of a CSV file, looked up by a field."""

from collections.abc import Mapping
from pathlib import Path

import msgspec
import polars as pl

from logyard.errors import BadConfig
from logyard.pipeline.enriching.files import Reloaded
from logyard.pipeline.fields import text

__all__ = ["Lookup", "LookupConfig"]


class LookupConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``file``: CSV with a line of names at its top. ``field``: of the record. ``column``: of the file, which has the
    field's values; by default the field's name. ``prefix``: put before the other columns' names, which become fields.
    """

    file: str
    field: str
    column: str = ""
    prefix: str = ""


class Lookup:
    """A table in memory; of lines with the same value the first counts."""

    def __init__(self, config: LookupConfig) -> None:
        """Raises ``BadConfig`` for a file that cannot be used."""
        self._config = config
        self._key = config.column or config.field
        self._file = Reloaded(Path(config.file), self._read)

    def __call__(self, frame: pl.DataFrame) -> Mapping[str, pl.Series]:
        """Fields and their texts; null where the file says nothing."""
        keys = text(frame, self._config.field).alias(self._key)
        found = pl.DataFrame([keys]).join(self._file.table(), on=self._key, how="left", maintain_order="left")
        return {self._config.prefix + name: found[name] for name in found.columns if name != self._key}

    def _read(self, file: Path) -> pl.DataFrame:
        try:
            table = pl.read_csv(file, infer_schema=False)
        except (pl.exceptions.ComputeError, pl.exceptions.NoDataError) as error:
            raise BadConfig(f"{file} is no CSV: {error}", path="file") from error
        if self._key not in table.columns:
            raise BadConfig(f"{file} has no column {self._key!r}; it has: {', '.join(table.columns)}", path="column")
        return table.filter(pl.col(self._key).is_not_null()).unique(self._key, keep="first", maintain_order=True)
