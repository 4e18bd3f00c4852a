"""What holds for every test."""

from httpx._config import DEFAULT_TIMEOUT_CONFIG
from hypothesis import HealthCheck, settings

# Two workers share two cores with real servers: a slow example is not a broken one.
settings.register_profile("logyard", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("logyard")

# Nor is a slow answer: httpx gives up after five seconds, where a test names no time of its own.
for part in ("connect", "read", "write", "pool"):
    setattr(DEFAULT_TIMEOUT_CONFIG, part, 120.0)
