"""What is ready, what is wrong, and what is measured of the parts."""

from collections.abc import Mapping

from logyard.stream.bus.bus import Bus
from logyard.stream.redis import RedisPublisher
from logyard.telemetry import Telemetry
from logyard.wiring.engine import Engine

__all__ = ["soft", "unready", "watch"]


def unready(engine: Engine) -> Mapping[str, str]:
    """What keeps this process from being of use."""
    missing = {} if engine.drains.alive else {"drain": "has ended"}
    return missing if engine.wal.alive else {"buffer": engine.wal.trouble, **missing}


def soft(engine: Engine, redis: RedisPublisher | None, bus: Bus | None) -> Mapping[str, str]:
    """What is wrong but stops nobody."""
    dead = engine.dead.count()
    states = {
        **engine.drains.trouble,
        "buffer": engine.wal.trouble,
        "redis": redis.trouble if redis is not None else "",
        "bus": bus.trouble if bus is not None else "",
        "dead_letters": f"{dead} segments could not be stored" if dead else "",
    }
    return {part: state for part, state in states.items() if state}


def watch(engine: Engine, telemetry: Telemetry) -> None:
    """Gauges of the log and of what could not be stored."""
    telemetry.watch(
        "logyard_wal_backlog_bytes", "Bytes that wait for the store.", lambda: engine.wal.stats().backlog_bytes
    )
    telemetry.watch(
        "logyard_wal_backlog_rows", "Records that wait for the store.", lambda: engine.wal.stats().backlog_rows
    )
    telemetry.watch(
        "logyard_wal_lag_seconds", "Age of the oldest of them.", lambda: max(engine.wal.stats().lag.values(), default=0)
    )
    telemetry.watch_each(
        "logyard_wal_cursor_lag_seconds",
        "Age of the oldest record that this reader of the log has not passed.",
        label="cursor",
        read=lambda: engine.wal.stats().lag,
    )
    telemetry.watch("logyard_wal_available", "1 while records can be kept.", lambda: float(not engine.wal.trouble))
    telemetry.watch("logyard_wal_commits", "Commits, one fsync each.", lambda: engine.wal.stats().commits_total)
    telemetry.watch(
        "logyard_wal_fsync_seconds",
        "Seconds spent in fsync.",
        lambda: engine.wal.stats().fsync_seconds_total,
    )
    telemetry.watch("logyard_dead_letters", "Segments that could not be stored.", engine.dead.count)
