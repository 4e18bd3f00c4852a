"""What holds for every test, and which worker runs it."""

import re
from typing import Final

import pytest
from httpx._config import DEFAULT_TIMEOUT_CONFIG
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

_TOGETHER: Final = re.compile(r"tests/(?:agent|cluster)/")
"""Files that share servers which are dear, four of ClickHouse and two container engines: one worker starts them."""

# Two workers share two cores with real servers: a slow example is not a broken one.
settings.register_profile("logyard", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("logyard")

# Nor is a slow answer: httpx gives up after five seconds, where a test names no time of its own.
for part in ("connect", "read", "write", "pool"):
    setattr(DEFAULT_TIMEOUT_CONFIG, part, 120.0)


class Scheduling(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """A worker takes a file at a time, or all the files that share servers."""

    def _split_scope(self, nodeid: str) -> str:
        found = _TOGETHER.match(nodeid)
        return str(found[0] if found else super()._split_scope(nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    return Scheduling(config, log)
