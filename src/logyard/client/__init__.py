"""A Logyard server, or an embedded store, from Python: typed, and with errors of ``logyard.errors``.

    sync.py, asynchronous.py ──► asking.py (requests and answers, pure) ──► httpx ──► the server
                                  rows.py, tailing.py                                  or inprocess.py

Names are fetched when they are first asked for: the command line uses some of these modules without the frames.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from logyard.client.answers import Facet, Hits, Ingested, Page, Replicated, Row, Stored, Value
    from logyard.client.asynchronous import AsyncClient
    from logyard.client.patience import Patience
    from logyard.client.rows import AsyncRows, Rows
    from logyard.client.sync import Client
    from logyard.client.tailing import Missed

__all__ = [
    "AsyncClient",
    "AsyncRows",
    "Client",
    "Facet",
    "Hits",
    "Ingested",
    "Missed",
    "Page",
    "Patience",
    "Replicated",
    "Row",
    "Rows",
    "Stored",
    "Value",
]

_HOMES = {
    "answers": ("Facet", "Hits", "Ingested", "Page", "Replicated", "Row", "Stored", "Value"),
    "asynchronous": ("AsyncClient",),
    "patience": ("Patience",),
    "rows": ("AsyncRows", "Rows"),
    "sync": ("Client",),
    "tailing": ("Missed",),
}


def __getattr__(name: str) -> object:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"logyard.client.{home}"), name)
    raise AttributeError(f"module 'logyard.client' has no attribute {name!r}")
