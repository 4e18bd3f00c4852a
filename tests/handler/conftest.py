import logging
from collections.abc import Callable, Iterator

import pytest

from logyard.handler import LogyardHandler
from tests.handler.target import Target
from tests.handler.target import target as listening


@pytest.fixture
def target() -> Iterator[Target]:
    with listening() as found:
        yield found


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """One that nobody else uses, pytest neither."""
    found = logging.Logger("tests.handler.shop", logging.DEBUG)  # noqa: LOG001 - no other listens to it, pytest neither
    yield found
    for handler in list(found.handlers):
        found.removeHandler(handler)
        handler.close()


@pytest.fixture
def attached(target: Target, logger: logging.Logger) -> Callable[..., LogyardHandler]:
    """A handler on the logger, to the target unless told otherwise."""

    def attach(url: str = "", **options: object) -> LogyardHandler:
        settings: dict[str, object] = {"service": "shop", "host": "node-1", "flush_seconds": 0.05, "on_sigterm": False}
        handler = LogyardHandler(url or target.url, **(settings | options))  # type: ignore[arg-type]
        logger.addHandler(handler)
        return handler

    return attach
