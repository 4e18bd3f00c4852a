"""The measurements behind docs/adr/0001-schema.md: Map against JSON attributes, and the sort key.

``python -m bench.schema_choice [NDJSON]``: prints one table. Every figure is a ratio to the first row of its column
(the schema that was chosen); the first row's own figure stands in brackets.
"""

import argparse
import gzip
import json
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

import chdb
from chdb.state.sqlitelike import Connection

START: Final = datetime(2026, 1, 1, tzinfo=UTC)
ROWS: Final = 300_000
HOSTILE_ROWS: Final = 5_000
HOSTILE_KEYS: Final = 10_000
KEY: Final = "(toStartOfInterval(timestamp, INTERVAL 5 MINUTE), service, timestamp)"
ADVANCED: Final = (
    ", object_shared_data_serialization_version = 'advanced', "
    "object_shared_data_serialization_version_for_zero_level_parts = 'map_with_buckets'"
)
FLAT: Final = (
    "CAST(arrayConcat(arrayFilter(p -> NOT startsWith(p.2, '{'), pairs), arrayFlatten(arrayMap(p -> arrayMap(c -> "
    "(concat(p.1, '.', c.1), c.2), JSONExtractKeysAndValuesRaw(p.2)), "
    "arrayFilter(p -> startsWith(p.2, '{'), pairs)))), "
    "'Map(LowCardinality(String), String)')"
)


MAP: Final = "Map(LowCardinality(String), String)"
OF_MAP: Final = "attributes['metadata.path']"
OF_JSON: Final = "attributes.metadata.path::String"


class Candidate(NamedTuple):
    """One schema."""

    name: str
    attributes: str
    value: str
    read: str
    key: str = KEY
    settings: str = ""


CANDIDATES: Final = (
    Candidate("Map, bucket+service+time", MAP, FLAT, OF_MAP),
    Candidate("Map of plain String keys", "Map(String, String)", FLAT, OF_MAP),
    Candidate(
        "JSON, no dynamic paths", "JSON(max_dynamic_paths=0)", "line", "attributes.metadata.path::String", KEY, ADVANCED
    ),
    Candidate(
        "JSON, 32 dynamic paths",
        "JSON(max_dynamic_paths=32)",
        "line",
        "attributes.metadata.path::String",
        KEY,
        ADVANCED,
    ),
    Candidate(
        "Map, service+time",
        "Map(LowCardinality(String), String)",
        FLAT,
        "attributes['metadata.path']",
        "(service, timestamp)",
    ),
    Candidate("Map, time", MAP, FLAT, OF_MAP, "timestamp"),
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", nargs="?", type=Path, help="NDJSON, perhaps gzipped; repeated up to the row count")
    source = parser.parse_args().source
    with tempfile.TemporaryDirectory() as folder:
        engine = chdb.connect(f"{folder}/store")
        real, hostile = Path(folder, "real.ndjson"), Path(folder, "hostile.ndjson")
        real.write_text("\n".join(_real(source)))
        hostile.write_text("\n".join(_hostile()))
        results = [_measure(engine, number, candidate, (real, hostile)) for number, candidate in enumerate(CANDIDATES)]
    _print(results)


def _real(source: Path | None) -> Iterator[str]:
    if source is None:
        chance = random.Random(1)
        for row in range(ROWS):
            yield json.dumps(
                {
                    "timestamp": str(START + timedelta(milliseconds=100 * row)),
                    "level": chance.choice(["INFO"] * 8 + ["WARN", "ERROR"]),
                    "service": f"service-{chance.randrange(20)}",
                    "message": f"request {chance.randrange(10**6)} took {chance.randrange(2000)} ms",
                    "metadata": {"path": f"/api/{chance.randrange(50)}", "user": chance.randrange(10**5), "ok": True},
                }
            )
        return
    raw = source.read_bytes()
    lines = (gzip.decompress(raw) if source.suffix == ".gz" else raw).decode().splitlines()
    for row in range(ROWS):
        yield lines[row % len(lines)]


def _hostile() -> Iterator[str]:
    for row in range(HOSTILE_ROWS):
        keys = {f"key_{(row * 5 + n) % HOSTILE_KEYS}": row for n in range(5)}
        yield json.dumps({"timestamp": "2026-01-01T00:00:00Z", "service": "hostile", "message": "m", **keys})


def _measure(engine: Connection, number: int, candidate: Candidate, files: tuple[Path, Path]) -> dict[str, float]:
    table = f"logs_{number}"
    engine.query(
        f"CREATE TABLE {table} (timestamp DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD(1)), "
        "level LowCardinality(String), "
        "service LowCardinality(String), message String CODEC(ZSTD(1)), "
        f"attributes {candidate.attributes} CODEC(ZSTD(1)), "
        "INDEX words message TYPE text(tokenizer = splitByNonAlpha, preprocessor = lower(message))) "
        f"ENGINE = MergeTree PARTITION BY toDate(timestamp) ORDER BY {candidate.key} "
        f"SETTINGS fsync_after_insert = 1{candidate.settings}"
    )
    result = {"insert, CPU": _cpu(lambda: engine.query(_insert(table, candidate, files[0])))}
    sizes = f"SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND table = '{table}'"
    size = engine.query(sizes, "TSV").data()
    result["bytes"] = float(size)
    window = f"timestamp >= (SELECT max(timestamp) - INTERVAL 10 MINUTE FROM {table})"
    service = engine.query(f"SELECT any(service) FROM {table}", "TSV").data().strip()
    questions = {
        "group by one attribute": f"SELECT {candidate.read} AS k, count() FROM {table} GROUP BY k FORMAT Null",
        "one service": f"SELECT count(), sum(length(message)) FROM {table} WHERE service = '{service}' FORMAT Null",
        "last ten minutes": f"SELECT sum(length(message)) FROM {table} WHERE {window} FORMAT Null",
        "newest 100": f"SELECT * FROM {table} ORDER BY {_newest(candidate)} LIMIT 100 FORMAT Null",
    }
    for name, sql in questions.items():
        result[name] = min(_wall(lambda sql=sql: engine.query(sql)) for _ in range(5))
    result["10,000 keys, insert"] = _wall(lambda: engine.query(_insert(table, candidate, files[1])))
    return result


def _newest(candidate: Candidate) -> str:
    first = "toStartOfInterval(timestamp, INTERVAL 5 MINUTE) DESC, " if candidate.key == KEY else ""
    return f"{first}timestamp DESC"


def _insert(table: str, candidate: Candidate, file: Path) -> str:
    return (
        f"INSERT INTO {table} SETTINGS max_insert_threads = 1, min_insert_block_size_bytes = 1000000000, "
        f"max_partitions_per_insert_block = 0 SELECT ifNull(parseDateTime64BestEffortOrNull(t.1, 9, 'UTC'), now64(9)), "
        f"t.2, t.3, t.4, {candidate.value} FROM (SELECT line, JSONExtractKeysAndValuesRaw(line) AS pairs, "
        "JSONExtract(line, 'Tuple(timestamp String, level String, service String, message String)') AS t "
        f"FROM file('{file}', LineAsString, 'line String'))"
    )


def _wall(work: object) -> float:
    started = time.perf_counter()
    work()  # type: ignore[operator]
    return time.perf_counter() - started


def _cpu(work: object) -> float:
    def used() -> float:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return usage.ru_utime + usage.ru_stime

    started = used()
    work()  # type: ignore[operator]
    return used() - started


def _print(results: list[dict[str, float]]) -> None:
    columns = list(results[0])
    width = max(len(candidate.name) for candidate in CANDIDATES)
    print(" " * width, *(f"{column:>22}" for column in columns))
    for candidate, result in zip(CANDIDATES, results, strict=True):
        cells = [f"{result[column] / results[0][column]:.2f}" for column in columns]
        if result is results[0]:
            cells = [f"1 ({result[column]:.3g})" for column in columns]
        print(candidate.name.ljust(width), *(f"{cell:>22}" for cell in cells))


if __name__ == "__main__":
    main()
