"""Logyard: the log platform that you can ``pip install``.

    logyard.open("./data")                     a store in this process
    logyard.Client("http://127.0.0.1:8005")    a server; AsyncClient on an event loop

Importing this package loads nothing: each name is fetched when it is first asked for.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from logyard.client import AsyncClient, Client
    from logyard.inprocess import open  # noqa: A004 - logyard.open is the name

__all__ = ["AsyncClient", "Client", "__version__", "open"]

__version__ = "0.1.0"

_HOMES = {"AsyncClient": "logyard.client", "Client": "logyard.client", "open": "logyard.inprocess"}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'logyard' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
