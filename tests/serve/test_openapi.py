"""The API is what its description says: schemathesis asks a real server whatever the description allows.

The same examples in every run; ``OPENAPI_EXAMPLES`` asks for more of each operation.
"""

import os
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from logyard.testing.server import Server

EXAMPLES = int(os.environ.get("OPENAPI_EXAMPLES", "6"))
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
LINES = "/select/logsql/query"
"""Answers JSON lines under a type that ends in +json, as VictoriaLogs does: schemathesis takes it for one document."""
ENDLESS = {"/api/v1/tail"}
"""A live tail does not end by itself."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("openapi") / "data") as found:
        records = [{"service": "shop", "level": "INFO", "message": f"m{n}", "n": n, "trace_id": "t"} for n in range(20)]
        assert httpx.post(f"{found.url}/logs", json=records, timeout=60).status_code == 201
        yield found


@pytest.fixture(scope="module")
def document(server: Server) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{server.url}/openapi.json", timeout=60).json()
    return found


@pytest.mark.parametrize("family", ["/health", "/readyz", "/metrics", "/logs", "/ingest", "/insert", "/api", "/select"])
def test_every_operation_keeps_its_word(server: Server, document: dict[str, Any], family: str) -> None:
    paths = {path: item for path, item in document["paths"].items() if path.startswith(family) and path not in ENDLESS}
    schema = schemathesis.openapi.from_dict({**document, "paths": paths})
    operations: list[Any] = [found.ok() for found in schema.get_all_operations()]  # type: ignore[union-attr]
    assert len(operations) == sum(len(item) for item in paths.values())
    for operation in operations:

        @settings(
            max_examples=EXAMPLES,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(operation.as_strategy(generation_mode=schemathesis.GenerationMode.POSITIVE))
        def ask(case: Any) -> None:
            answer = case.call(base_url=server.url, timeout=60)
            case.validate_response(answer, checks=CHECKS[:-1] if case.path == LINES else CHECKS)

        try:
            ask()
        except BaseException as error:
            error.add_note(operation.label)
            raise


def test_every_route_is_described(document: dict[str, Any]) -> None:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            assert operation["summary"], f"{method} {path}"
            assert "default" in operation["responses"], f"{method} {path}"


def test_pages_of_a_real_list_do_not_shift(server: Server) -> None:
    def page(number: int, **more: str) -> dict[str, Any]:
        given_: dict[str, str | int] = {"service_name": "shop", "limit": 5, "page": number, **more}
        found: dict[str, Any] = httpx.get(f"{server.url}/api/v1/logs", params=given_, timeout=60).json()
        return found

    first = page(1)
    seen = [record["n"] for record in first["logs"]]
    for number in range(2, 5):
        assert httpx.post(f"{server.url}/logs", json={"service": "shop", "n": -number}, timeout=60).is_success
        found = page(number, until=first["pagination"]["newest"])
        assert found["pagination"]["total"] == 20
        seen += [record["n"] for record in found["logs"]]
    assert sorted(seen) == list(range(20))


def test_a_field_without_a_name_is_a_facet_like_any(server: Server) -> None:
    assert httpx.post(
        f"{server.url}/logs", json=[{"": "a", "message": str(n)} for n in range(3)], timeout=60
    ).is_success
    answer = httpx.get(f"{server.url}/api/v1/facets", timeout=60)
    assert answer.status_code == 200, answer.text
