"""What a server has stored, asked over its own API."""

from collections.abc import Sequence
from typing import Any, Final

import httpx
import msgspec

from logyard.clock import SystemClock
from logyard.model.ids import SnowflakeIds
from tests.crash.load import Book

_PER_BATCH: Final = (
    "SELECT attributes['batch'] AS batch, count() AS stored, uniqExact(attributes['row']) AS different, "
    "uniqExact(id) AS ids, min(id) AS first FROM logs GROUP BY batch"
)
_WHOLE: Final = "SELECT count() AS stored, uniqExact(id) AS ids FROM logs"
_SHOWN: Final = 20
_IDS: Final = SnowflakeIds(1, SystemClock())


def sql(url: str, text: str) -> list[dict[str, Any]]:
    """Rows of a read-only statement."""
    parameters = {"query": text, "limit": "1000000", "format": "ndjson"}
    answer = httpx.post(f"{url}/api/v1/sql", data=parameters, timeout=240)
    assert answer.status_code == 200, answer.text
    return [msgspec.json.decode(line) for line in answer.content.splitlines()]


def count(url: str, query: str = "*") -> int:
    """How many records a query finds."""
    parameters = {"query": f"{query} | stats count() as found"}
    answer = httpx.get(f"{url}/api/v1/query", params=parameters, timeout=240)
    assert answer.status_code == 200, answer.text
    return int(msgspec.json.decode(answer.content)["found"])


def facet(url: str, field: str) -> int:
    """How many records the facets count for a field, over all its values."""
    answer = httpx.get(f"{url}/api/v1/facets", params={"limit": "100"}, timeout=240)
    assert answer.status_code == 200, answer.text
    found = {each["field_name"]: each["values"] for each in answer.json()["facets"]}
    return sum(int(value["hits"]) for value in found[field])


def differences(url: str, book: Book) -> Sequence[str]:
    """Where the store is not what the clients were promised; empty when all is well."""
    found = {row["batch"]: row for row in sql(url, _PER_BATCH)}
    wrong = [f"{name}: never sent" for name in found.keys() - book.rows.keys()]
    for name, rows in book.rows.items():
        row = found.get(name, {"stored": 0, "different": 0, "ids": 0, "first": 0})
        stored, different, ids = int(row["stored"]), int(row["different"]), int(row["ids"])
        if stored != different or stored != ids:
            wrong.append(f"{name}: {stored} stored, of which {different} different, under {ids} ids")
        if name in book.acknowledged and different != rows:
            wrong.append(f"{name}: {rows} acknowledged, {different} found")
        if name in book.acknowledged and _IDS.parse(book.acknowledged[name]) != int(row["first"]):
            wrong.append(f"{name}: acknowledged as {book.acknowledged[name]}, found as {row['first']}")
    whole = sql(url, _WHOLE)[0]
    if int(whole["stored"]) != int(whole["ids"]):
        wrong.append(f"{whole['stored']} records under {whole['ids']} ids")
    return wrong[:_SHOWN]
