"""What holds for every test."""

from hypothesis import HealthCheck, settings

# Two workers share two cores with real servers: a slow example is not a broken one.
settings.register_profile("logyard", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("logyard")
