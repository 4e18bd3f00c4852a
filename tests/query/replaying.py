"""Recorded answers of VictoriaLogs: how a case is asked here, and when an answer is the recorded one."""

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from logyard.errors import BadQuery
from logyard.language.ast import Filter
from logyard.language.entry import parse_filter
from logyard.language.filters.in_ import In
from logyard.language.filters.stream import Label, Stream
from logyard.language.numbers import parse_duration
from logyard.language.times import parse_time
from logyard.language.words import escape
from logyard.model.dialect import Dialect
from logyard.query.search import FacetLimits, QueryRequest, Search

Case = dict[str, Any]
Params = Mapping[str, str]
TENANT = "oracle"
DAY = 86_400_000_000_000


def cases(folder: Path) -> list[Case]:
    return [json.loads(line) for line in (folder / "cases.jsonl").read_text().splitlines()]


async def replay(search: Search, case: Case) -> str:
    """What differs from the recorded answer; "" for nothing."""
    try:
        rows = await ask(search, case)
    except BadQuery as error:
        return "" if case["status"] != 200 else f"refused: {error}"
    if case["status"] != 200:
        return f"accepted, {len(rows)} rows"
    return difference(case, rows)


def request(case: Case) -> QueryRequest:
    params = case["params"]
    end = _instant(case["end"])
    now = _instant(params.get("time")) or end
    return QueryRequest(
        query=case["query"],
        start=_instant(case["start"]),
        end=end,
        limit=int(params["limit"]) if "limit" in params and case["endpoint"] == "query" else None,
        dialect=Dialect.VICTORIA,
        tenant=TENANT,
        now=now,
        filters=tuple(extra(params, now or 0)),
    )


def extra(params: Mapping[str, str], now: int) -> list[Filter]:
    found: list[Filter] = []
    for name in ("extra_filters", "extra_stream_filters"):
        text = params.get(name)
        if text is None:
            continue
        if not text.startswith('{"'):
            found.append(parse_filter(text, now=now))
            continue
        for field, value in json.loads(text).items():
            values = value if isinstance(value, list) else [value]
            if name == "extra_filters":
                found.append(In(field, tuple(values)))
            else:
                found.append(Stream(((Label(field, "=~", "|".join(map(escape, values))),),)))
    return found


async def ask(search: Search, case: Case) -> list[Any]:
    found: list[Any] = msgspec.to_builtins(await ENDPOINTS[case["endpoint"]](search, case["params"], request(case)))
    return found


async def _query(search: Search, _params: Params, asked: QueryRequest) -> object:
    return [row async for chunk in search.rows(asked) for row in chunk]


async def _hits(search: Search, params: Params, asked: QueryRequest) -> object:
    step, offset = _duration(params.get("step"), DAY), _duration(params.get("offset"), 0)
    fields = [params["field"]] if "field" in params else []
    return await search.hits(asked, step=step, offset=offset, fields=fields, most=int(params.get("fields_limit", 0)))


async def _facets_of(search: Search, params: Params, asked: QueryRequest) -> object:
    return [
        {
            "field_name": each.field_name,
            "values": [{"field_value": value.value, "hits": value.hits} for value in each.values],
        }
        for each in await search.facets(asked, _facet_limits(params))
    ]


async def _field_names(search: Search, _params: Params, asked: QueryRequest) -> object:
    return [{"value": each.value} for each in await search.field_names(asked)]


async def _field_values(search: Search, params: Params, asked: QueryRequest) -> object:
    return await search.field_values(asked, params["field"], int(params.get("limit", 0)))


async def _streams(search: Search, _params: Params, asked: QueryRequest) -> object:
    return await search.streams(asked)


async def _stream_field_names(search: Search, _params: Params, asked: QueryRequest) -> object:
    return await search.stream_field_names(asked)


async def _stream_field_values(search: Search, params: Params, asked: QueryRequest) -> object:
    return await search.stream_field_values(asked, params["field"])


async def _stats_query(search: Search, _params: Params, asked: QueryRequest) -> object:
    return await search.stats_query(asked)


async def _stats_query_range(search: Search, params: Params, asked: QueryRequest) -> object:
    return await search.stats_query_range(asked, step=_duration(params.get("step"), DAY))


ENDPOINTS: Mapping[str, Callable[[Search, Params, QueryRequest], Awaitable[object]]] = {
    "query": _query,
    "hits": _hits,
    "facets": _facets_of,
    "field_names": _field_names,
    "field_values": _field_values,
    "streams": _streams,
    "stream_field_names": _stream_field_names,
    "stream_field_values": _stream_field_values,
    "stats_query": _stats_query,
    "stats_query_range": _stats_query_range,
}


def difference(case: Case, rows: list[Any]) -> str:
    rows = [_without_stream_id(row) for row in rows]
    match case["compare"]:
        case "status":
            return ""
        case "facets_subset":
            return _facets(case, rows)
        case "names":
            key = "name" if case["endpoint"] == "query" else "value"
            found, wanted = {row[key] for row in rows} - {"_stream_id"}, {row[key] for row in case["rows"]}
            least = set(case["names_min"])
            return "" if least <= found <= wanted else f"missing {least - found}, too many {found - wanted}"
    if len(rows) != case["row_count"]:
        recorded = case["rows"] or case.get("sample") or []
        return f"{len(rows)} rows, not {case['row_count']}: {rows[:2]} not {recorded[:2]}"
    if case["rows"] is None:
        return _hashed(case, rows)
    return _rows(case, rows)


def _rows(case: Case, rows: list[Any]) -> str:
    wanted = case["rows"]
    if not case["ordered"]:
        rows, wanted = sorted(rows, key=_line), sorted(wanted, key=_line)
    tolerance = case.get("float_rel_tol", 0.0)
    for mine, theirs in zip(rows, wanted, strict=True):
        if not _same(mine, theirs, tolerance):
            return f"{_line(mine)[:400]} not {_line(theirs)[:400]}"
    return ""


def _hashed(case: Case, rows: list[Any]) -> str:
    text = "\n".join(sorted(map(_line, rows)))
    return (
        ""
        if hashlib.sha256(text.encode()).hexdigest() == case["rows_sha256"]
        else f"other rows: {rows[:2]}, {case['sample'][:2]}"
    )


def _facets(case: Case, rows: list[Any]) -> str:
    if case["endpoint"] == "query":
        names = {row["field_name"] for row in case["rows"]}
        mine = sorted(_line(row) for row in rows if row["field_name"] in names)
        theirs = sorted(map(_line, case["rows"]))
        return "" if mine == theirs else f"{mine[:3]} not {theirs[:3]}"
    found = {row["field_name"]: row["values"] for row in rows}
    for row in case["rows"]:
        if found.get(row["field_name"]) != row["values"]:
            return f"{row['field_name']}: {found.get(row['field_name'])} not {row['values']}"[:600]
    return ""


def _facet_limits(params: Mapping[str, str]) -> FacetLimits:
    return FacetLimits(
        limit=int(params.get("limit", 10)),
        max_values=int(params.get("max_values_per_field", 1000)),
        max_length=int(params.get("max_value_len", 128)),
        keep_const=params.get("keep_const_fields") == "1",
    )


def _instant(text: str | None) -> int | None:
    span = parse_time(text, 0) if text else None
    return span[0] if span else None


def _duration(text: str | None, default: int) -> int:
    return default if text is None else parse_duration(text) or 0


def _without_stream_id(row: Any) -> Any:
    return {key: value for key, value in row.items() if key != "_stream_id"} if isinstance(row, dict) else row


def _same(mine: Any, theirs: Any, tolerance: float) -> bool:
    if not tolerance or type(mine) is not type(theirs):
        return bool(mine == theirs)
    if isinstance(mine, dict):
        return mine.keys() == theirs.keys() and all(_same(mine[key], theirs[key], tolerance) for key in mine)
    if isinstance(mine, list):
        return len(mine) == len(theirs) and all(map(lambda a, b: _same(a, b, tolerance), mine, theirs))
    try:
        one, other = float(mine), float(theirs)
    except (TypeError, ValueError):
        return bool(mine == theirs)
    return bool(mine == theirs or abs(one - other) <= tolerance * max(abs(one), abs(other)))


def _line(row: Any) -> str:
    return json.dumps(row, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
