"""Lines against what their upstream parser says about them, and bare timestamps."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import polars as pl

from bench.scoring.tally import Tally
from logyard.formats.lines.detect import Detector
from logyard.model import timestamp
from logyard.model.civil.customs import Customs
from logyard.model.civil.read import instant

__all__ = ["run", "run_bare"]

NOW: Final = 1_764_000_000_000_000_000
"""When the cases are read: 2025-11-24."""

_SYNONYMS: Final[Mapping[str, tuple[str, ...]]] = {
    "client_ip": ("remote_addr", "remote_ip", "src", "src_ip", "remoteAddress"),
    "client_address": ("client_ip", "client_host", "remote_addr", "remoteAddress", "srcaddr", "src"),
    "client_host": ("client_address", "client_ip", "http_host", "host"),
    "client_port": ("src_port", "srcport", "remote_port"),
    "dest_ip": ("destination_ip", "dst_ip"),
    "dest_port": ("destination_port", "dst_port", "destport"),
    "hostname": ("host", "hostIdentifier", "server"),
    "program": ("service", "process"),
    "user": ("username", "user_name", "user.name", "user_identifier"),
    "status": ("status_code", "statusCode", "response_code"),
    "bytes": ("size", "body_bytes", "contentLength"),
    "method": ("request_method", "http_method"),
    "url": ("path", "uri", "request_uri", "request_url"),
    "path": ("url", "uri"),
    "user_agent": ("userAgent", "user-agent", "agent", "http_user_agent"),
    "referrer": ("referer", "http_referer"),
    "pid": ("process_id", "procid"),
    "tid": ("thread_id", "thread"),
    "msgid": ("message_id",),
    "logger": ("class", "component", "logger_name"),
    "thread": ("thread_name",),
    "duration_ns": ("took_in_nanos", "duration"),
}
"""Neutral name -> the names that say the same: of columns of ours, of loggers."""

_NORMS: Final = {
    1: "trace", 5: "debug", 9: "info", 10: "notice", 13: "warn", 17: "error",
    21: "critical", 22: "alert", 24: "emergency",
}  # fmt: skip
"""Lowest severity number -> its name in the cases."""
_NOTHING: Final = ("-", "")


def run(case: Mapping[str, Any], tally: Tally) -> None:
    """One case of parse/cases.jsonl."""
    record = decoded(case)
    group, expected = _group(case["format"]), case["expected"]
    note = f"{case['id']} {case['format']} {case['input'][:150]!r}"
    if "timestamp" in expected:
        defaulted = ",timestamp=," in record["origin"]
        got = None if defaulted else record["timestamp"]
        right = got is not None and same_instant(expected["timestamp"], got)
        tally.count("timestamps", group, right=right, miss=f"{expected['timestamp']} {got} {note}")
    if "level_norm" in expected:
        got = norm(record["severity"])
        tally.count("levels", group, right=got == expected["level_norm"], miss=f"{expected['level_norm']} {got} {note}")
    for name, value in expected.get("common", {}).items():
        found = [held for key in _names(name, value, expected) for held in record["fields"].get(key, ())]
        right = any(equal(value, held) for held in found) or (value in _NOTHING and not found)
        tally.count("fields", group, right=right, miss=f"{name}={value!r} {found} {note}")


def run_bare(case: Mapping[str, Any], tally: Tally) -> None:
    """One case of parse/timestamps.jsonl."""
    want = case["expected"].get("timestamp")
    got = instant(case["input"], customs(case))
    right = got is None if want is None else got is not None and same_instant(want, got)
    tally.count("bare_timestamps", "timestamp", right=right, miss=f"{case['input']!r} {want} {got}")


def decoded(case: Mapping[str, Any]) -> dict[str, Any]:
    """The record of a case's line, with ``timestamp`` in nanoseconds and all that it holds under ``fields``."""
    frame = Detector(customs=customs(case)).decode(pl.Series([case["input"]]), NOW)
    record = frame.with_columns(pl.col("timestamp").cast(pl.Int64)).row(0, named=True)
    fields: dict[str, list[object]] = {}
    for path, value in flattened(json.loads(record["attributes"])):
        for name in {path, path.rpartition(".")[2]}:
            fields.setdefault(name, []).append(value)
    for column in ("service", "host", "trace_id", "span_id", "message"):
        if record[column] and ("," + column + "=," not in record["origin"]):
            fields.setdefault(column, []).append(record[column])
    return {**record, "fields": fields}


def customs(case: Mapping[str, Any]) -> Customs:
    """What ``assume`` says, as the settings of a source."""
    assumed = case.get("assume") or {}
    return Customs(
        zone=assumed.get("tz_name") or assumed.get("tz", ""),
        date_order=assumed.get("date_order", ""),
        year=assumed.get("year", 0),
        now=NOW,
    )


def same_instant(want: str, got: int) -> bool:
    """To as many digits as ``want`` has."""
    parsed = timestamp.parse(want)
    digits = len(want.partition(".")[2].rstrip("Z"))
    unit = 10 ** (9 - min(digits, 9))
    return parsed is not None and parsed // unit == got // unit


def norm(severity: int) -> str:
    """The name of a severity number in the cases' spelling."""
    below = [name for number, name in _NORMS.items() if number <= severity]
    return below[-1] if below else ""


def flattened(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Every leaf under its dotted name, and every object and list under its own."""
    if path:
        yield path, value
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from flattened(inner, f"{path}.{name}" if path else name)


def equal(want: object, got: object) -> bool:
    """Numbers as numbers, also where one side has them as text."""
    if want == got:
        return True
    try:
        return float(str(want)) == float(str(got))
    except ValueError:
        return str(want) == str(got)


def _names(name: str, value: object, expected: Mapping[str, Any]) -> list[str]:
    upstream = [key for key, held in expected.get("fields", {}).items() if equal(value, held)]
    return [name, *_SYNONYMS.get(name, ()), *upstream, *(key.rpartition(".")[2] for key in upstream)]


def _group(name: str) -> str:
    """``vrl_syslog`` -> ``vrl``: formats by their origin, the others by themselves."""
    origin = name.partition("_")[0]
    return origin if origin in {"vrl", "grok", "lnav", "stacktrace"} else name
