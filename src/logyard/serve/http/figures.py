"""What a process has done since its start, as the JSON of the feeding service: ``/api/v1/metrics``."""

from logyard.serve.http.services import Services
from logyard.serve.http.timings import Timings
from logyard.types import Json

__all__ = ["figures"]


def figures(services: Services, timings: Timings) -> dict[str, Json]:
    """Counts of records, how long the latest requests took, in milliseconds, and what the pipeline has done."""
    telemetry, latency = services.telemetry, timings.latency()
    refused = telemetry.total("logyard_records_refused_total")
    received = telemetry.total("logyard_records_received_total")
    processing = {} if services.processing is None else {"processing": services.processing.as_json()}
    return {
        **processing,
        "logs_received": int(received + refused),
        "logs_processed": int(received),
        "logs_filtered": int(telemetry.total("logyard_records_dropped_total")),
        "errors": int(refused) + timings.failed,
        "avg_response_time_ms": latency.average,
        "P50": latency.p50,
        "P95": latency.p95,
        "P99": latency.p99,
    }
