"""What answers and bodies look like, as JSON schemas for the API's description.

Held to what the routes really do by schemathesis (``tests/serve/test_openapi.py``). VictoriaLogs' routes are described
by its own documentation; here they only say that errors are plain text.
"""

from collections.abc import Mapping
from typing import Final

from logyard.types import Json

__all__ = ["COMPONENTS", "PLAIN_ERRORS", "answers", "bodies"]

Node = dict[str, Json]

_TEXT: Final[Node] = {"type": "string"}
_COUNT: Final[Node] = {"type": "integer", "minimum": 0}
_NUMBER: Final[Node] = {"type": "number"}
_ROWS: Final = ("application/x-ndjson", "application/json", "text/csv")
PLAIN_ERRORS: Final = "/select/logsql/"
"""Routes below it answer errors as plain text."""


def _object(required: Mapping[str, Json], optional: Mapping[str, Json] | None = None) -> Node:
    return {"type": "object", "properties": {**required, **(optional or {})}, "required": list(required)}


def _list(item: Node) -> Node:
    return {"type": "array", "items": item}


def _named(name: str) -> Node:
    return {"$ref": f"#/components/schemas/{name}"}


_LOG: Final = _named("Log")
COMPONENTS: Final[Node] = {
    "Log": {"type": "object", "description": "An entry; keys that we do not know are kept as they are"},
    "Problem": _object(
        {"type": _TEXT, "title": _TEXT, "status": _COUNT, "detail": _TEXT},
        {"query": _TEXT, "position": _COUNT, "index": _COUNT, "errors": _list({"type": "object"}), "request_id": _TEXT},
    ),
    "Refusal": _object({"index": _COUNT, "reason": _TEXT}),
    "Value": _object({"value": _TEXT, "hits": _COUNT}),
}

_LOGS: Final = {"logs": _list(_LOG), "count": _COUNT}
_VALUES: Final = _object({"values": _list(_named("Value"))})
_TIME: Final[Node] = {"type": ["string", "null"]}
_STATS: Final = _object(
    {
        **dict.fromkeys(("total_logs", "bytes_on_disk", "bytes_uncompressed", "parts", "partitions"), _COUNT),
        "compression_ratio": _NUMBER,
        "oldest": _TIME,
        "newest": _TIME,
        "service": _TEXT,
    }
)
_PAGINATION: Final = _object({"limit": _COUNT, "offset": _COUNT, "total": _COUNT, "newest": _TIME})
_METRICS: Final = _object(
    {
        **dict.fromkeys(("logs_received", "logs_processed", "logs_filtered", "errors"), _COUNT),
        **dict.fromkeys(("avg_response_time_ms", "P50", "P95", "P99"), _NUMBER),
    },
    {"processing": {"type": "object"}},
)
_HITS: Final = _object(
    {"fields": {"type": "object"}, "timestamps": _list(_TEXT), "values": _list(_COUNT), "total": _COUNT}
)
_FACET: Final = _object({"field_name": _TEXT, "values": _list(_object({"field_value": _TEXT, "hits": _COUNT}))})
_READY: Final = _object({"status": _TEXT, "missing": {"type": "object"}, "degraded": {"type": "object"}})
_EXTENT: Final = _object({"name": _TEXT, **dict.fromkeys(("rows", "oldest", "newest"), _COUNT)})
_ARROW: Final = frozenset({"/api/v1/admin/rows", "/api/v1/admin/keys"})
_TAKEN: Final[Mapping[str, Node]] = {
    "/api/v1/replica": _object(dict.fromkeys(("blocks", "rows", "stored"), _COUNT)),
    **dict.fromkeys(_ARROW, _object({"rows": _COUNT, "stored": _COUNT})),
    "/api/v1/admin/backup": _object(
        {"name": _TEXT, "base": _TEXT, "rows": _COUNT, "files": _COUNT, "bytes": _COUNT, "degraded": {"type": "object"}}
    ),
}
"""The 200 of a POST of administration, and of replication."""
_GIVEN: Final[Mapping[str, Node]] = {
    "/readyz": _READY,
    "/logs": _object({**_LOGS, "pagination": _PAGINATION}),
    "/logs/{service}": _object({"service": _TEXT, **_LOGS}),
    "/logs/stats": _STATS,
    "/api/v1/logs/{log_id}": _object({"log": _LOG}),
    "/api/v1/metrics": _METRICS,
    "/api/v1/hits": _object({"hits": _list(_HITS)}),
    "/api/v1/facets": _object({"facets": _list(_FACET)}),
    "/api/v1/field_names": _VALUES,
    "/api/v1/field_values": _VALUES,
    "/api/v1/context": _object({"id": _TEXT, **_LOGS}),
    "/api/v1/admin/partitions": _object({"until": _COUNT, "partitions": _list(_EXTENT)}),
    "/api/v1/admin/levels": _object({"steps": {"type": "object"}}),
    "/api/v1/admin/buckets": _object(
        {"buckets": _list(_object(dict.fromkeys(("number", "rows", "checksum", "bytes"), _COUNT)))}
    ),
}
"""The 200 of a GET, by path; what is not here is as the framework says."""

_PARTIAL: Final = _object(
    {"status": {"const": "partial"}, "accepted": _COUNT, "rejected": _COUNT}, {"errors": _list(_named("Refusal"))}
)
_ITEMISED: Final = _object(
    {"status": _TEXT, "accepted": _COUNT, "rejected": _COUNT, "results": _list({"type": "object"})}
)
_STORED: Final[Mapping[str, tuple[str, Node]]] = {
    "/logs": ("201", _object({"status": {"enum": ["logged", "filtered"]}}, {"log_id": _TIME, "count": _COUNT})),
    "/logs/batch": ("201", _ITEMISED),
    "/ingest": ("200", _object({"status": {"const": "accepted"}, "accepted": _COUNT, "rejected": _COUNT})),
}


def answers(path: str, method: str) -> Node:
    """The responses of an operation that are known here; ``default`` is every error."""
    errors: Node = {"text/plain": {"schema": _TEXT}} if path.startswith(PLAIN_ERRORS) else _PROBLEM
    found: Node = {"default": {"description": "What went wrong", "content": errors}}
    plain = path.removeprefix("/api/v1")
    if method == "post" and plain in _STORED:
        status, schema = _STORED[plain]
        found[status] = _json("Stored: would survive a crash", schema)
        found["207"] = _json(
            "Some items refused, each named by its index", _PARTIAL if plain != "/logs/batch" else _ITEMISED
        )
        return found
    if path == "/insert/jsonline":
        found["200"] = {"description": "Stored: would survive a crash. Nothing is in the answer"}
    shape = _GIVEN.get(path) or _GIVEN.get(plain)
    if shape is not None:
        found["200"] = _json("The answer", shape)
    if method == "post" and path in _TAKEN:
        found["200"] = _json("What was done", _TAKEN[path])
        return found
    if path == "/metrics":
        both: Node = {"text/plain": {"schema": _TEXT}, "application/json": {"schema": _METRICS}}
        found["200"] = {"description": "The counts", "content": both}
    if path == "/readyz":
        found["503"] = _json("Something is missing", _READY)
    return found | _streams(path)


def _streams(path: str) -> Node:
    """Answers that are no one JSON value."""
    if path in {"/api/v1/query", "/api/v1/sql"}:
        return {"200": {"description": "Rows", "content": {kind: {"schema": {}} for kind in _ROWS}}}
    if path.startswith(f"{PLAIN_ERRORS}query"):
        return {"200": {"description": "Entries as JSON lines", "content": {"application/stream+json": {"schema": {}}}}}
    if path in _ARROW:
        return {"200": {"description": "A stream of Arrow", "content": {"application/vnd.apache.arrow.stream": {}}}}
    return {}


def bodies(path: str) -> Node | None:
    """What a POST may bring, None where it is not a receiver's."""
    plain = path.removeprefix("/api/v1")
    batch = _object({"logs": _list(_LOG)})
    kinds: Mapping[str, Node] = {
        "/logs": {"anyOf": [_LOG, _list(_LOG)]},
        "/logs/batch": batch,
        "/ingest": {"anyOf": [batch, _list(_LOG)]},
    }
    if plain not in kinds:
        return None
    return {"required": True, "content": {"application/json": {"schema": kinds[plain]}}}


def _json(about: str, schema: Node) -> Node:
    return {"description": about, "content": {"application/json": {"schema": schema}}}


_PROBLEM: Final[Node] = {"application/problem+json": {"schema": _named("Problem")}}
