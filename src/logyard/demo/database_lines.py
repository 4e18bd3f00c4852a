"""What the database client writes: ``database-queries.log`` and ``database-performance.log``."""

from typing import Literal

from logyard.demo.lines import Fields

__all__ = ["Cost", "Pool", "Query", "QueryStatus"]

QueryStatus = Literal["started", "completed", "failed"]


class Query(Fields, frozen=True, kw_only=True):
    """A line of ``database-queries.log``: one when a query starts, one when it ends."""

    query_id: str
    type: str
    table: str
    conditions: str
    timestamp: str
    status: QueryStatus
    execution_time_ms: float | None = None
    rows_affected: int | None = None
    error: str | None = None


class Cost(Fields, frozen=True, kw_only=True):
    """A line of ``database-performance.log`` for each query."""

    query_id: str
    execution_time_ms: float
    cpu_usage_percent: float
    memory_usage_mb: float
    disk_io_kb: int
    network_io_kb: int


class Pool(Fields, frozen=True, kw_only=True):
    """And one every ten seconds."""

    active_connections: int
    pool_size: int
    utilization_percent: float
    total_queries: int
