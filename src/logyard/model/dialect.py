"""The two dialects of field names that a query may speak."""

from enum import StrEnum

__all__ = ["Dialect"]


class Dialect(StrEnum):
    """How a query's field names map to a record.

    NATIVE: our own names (``message``, ``service``; ``level`` is the canonical word); attributes are dotted.
    VICTORIA: keys and values as the sender gave them; time and message are ``_time`` and ``_msg`` only.
    """

    NATIVE = "native"
    VICTORIA = "victoria"
