"""Names for plain values, so that a signature says what a number is."""

from typing import NewType

__all__ = ["BatchId", "Json", "LogId", "Nanoseconds", "Tenant"]

Nanoseconds = NewType("Nanoseconds", int)
"""Nanoseconds since the Unix epoch, UTC."""

LogId = NewType("LogId", int)
"""63 bits, rising with time: 41 bits of milliseconds, 10 of machine, 12 of sequence (``model/ids.py``)."""

BatchId = NewType("BatchId", bytes)
"""16 bytes; the same bytes again mean the same batch again."""

Tenant = NewType("Tenant", str)
"""Whose logs these are; empty for the default tenant."""

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
"""What JSON can hold."""
