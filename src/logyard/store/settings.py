"""Settings of the engine that both adapters use, and how a statement carries its own.

One insert is one block: a deduplication token marks blocks by their number, and only an insert of exactly one block
may come again. Hence ``max_insert_threads = 1`` and block sizes above any segment's (docs/adr/0001-schema.md).
"""

from collections.abc import Mapping
from typing import Final

from logyard.store.mapping import literal

__all__ = ["INSERT_SETTINGS", "listed", "with_settings"]

INSERT_SETTINGS: Final[Mapping[str, str | int]] = {
    "async_insert": 0,
    "max_insert_threads": 1,
    "min_insert_block_size_rows": 1 << 40,
    "min_insert_block_size_bytes": 1 << 50,
    "input_format_max_block_size_bytes": 1 << 20,
    "max_partitions_per_insert_block": 0,
    "max_memory_usage": 0,
    "deduplicate_blocks_in_dependent_materialized_views": 1,
    "compile_expressions": 0,
    "max_threads": 1,
}


def with_settings(sql: str, settings: Mapping[str, str | int]) -> str:
    """The statement with its ``SETTINGS`` clause."""
    return f"{sql} SETTINGS {listed(settings)}" if settings else sql


def listed(settings: Mapping[str, str | int]) -> str:
    """``name = value, ...`` as SQL has it."""
    texts = (f"{name} = {literal(value) if isinstance(value, str) else value}" for name, value in settings.items())
    return ", ".join(texts)
