"""A process of its own: the bare engine inserts the whole corpus with one statement.

``python -m bench.bare_engine SEGMENT DIRECTORY default|store|parallel`` prints the seconds of the INSERT as JSON. The
statement is the store's own, table and fsync settings too. ``default`` leaves threads and block sizes to the engine,
``store`` takes the store's settings, ``parallel`` the store's but as many threads as there are cores (the drain has
several lanes, each of which is one thread of the engine). What the statement can need is found out beforehand and told
apart (``survey``).
"""

import json
import os
import sys
import time
from pathlib import Path

from logyard.model.reading import DEFAULT_READING
from logyard.store import embedded
from logyard.store.mapping import COLUMNS, WAL_ROW, Survey, lines_select, literal, survey_select
from logyard.store.settings import INSERT_SETTINGS

__all__ = ["main"]


def main() -> None:
    file, directory, mode = sys.argv[1:]
    store = embedded.EmbeddedStore(Path(directory))
    source = f"file({literal(str(Path(file).absolute()))}, RowBinary, {literal(WAL_ROW)})"
    started = time.monotonic()
    keys, braces = store._survey(survey_select(source, DEFAULT_READING)).row(0)
    surveyed = time.monotonic()
    select = lines_select(source, DEFAULT_READING, Survey(frozenset(keys), braces), sequential=False)
    sql = _statement(select, mode)
    with store._connection() as connection:
        began, cpu = time.monotonic(), time.process_time()
        connection.query(sql)
        seconds, cpu = time.monotonic() - began, time.process_time() - cpu
    done = {"seconds": seconds, "cpu": cpu, "survey": surveyed - started, "rows": store.stats().rows}
    print(json.dumps(done), flush=True)
    store.close()


def _statement(select: str, mode: str) -> str:
    if mode == "default":
        return f"INSERT INTO logs ({', '.join(COLUMNS)}) {select}"
    settings = {**INSERT_SETTINGS, "insert_deduplication_token": "baseline"}
    if mode == "parallel":
        cores = os.cpu_count() or 1
        settings |= {"max_threads": cores, "max_insert_threads": cores, "min_insert_block_size_rows": 150_000}
    return embedded._insert_sql(select, settings)


if __name__ == "__main__":
    main()
