"""A client process that POSTs runs of lines from a file, one after the other, on one connection.

``python -m bench.clients.batches PORT FILE`` reads ``[[offset, length], ...]`` as a line of standard input, says
``ready``, waits for a line, sends, and prints ``{"acknowledged": s, "latencies": [s...], "refused": n, "cpu": s}``:
when the last acknowledgement came on the monotonic clock of the machine, how long each took, how often it was told to
come again.
"""

import http.client
import json
import os
import sys
import time
from pathlib import Path

__all__ = ["main"]

_HEADERS = {"Content-Type": "application/x-ndjson"}


def main() -> None:
    port, path = int(sys.argv[1]), Path(sys.argv[2])
    runs: list[tuple[int, int]] = [(int(offset), int(length)) for offset, length in json.loads(sys.stdin.readline())]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    latencies: list[float] = []
    refused = 0
    with path.open("rb") as file:
        print("ready", flush=True)
        sys.stdin.readline()
        for offset, length in runs:
            body = os.pread(file.fileno(), length, offset)
            started = time.monotonic()
            refused += _send(connection, body)
            latencies.append(time.monotonic() - started)
    done = {"acknowledged": time.monotonic(), "latencies": latencies, "refused": refused, "cpu": time.process_time()}
    print(json.dumps(done), flush=True)


def _send(connection: http.client.HTTPConnection, body: bytes) -> int:
    """Until it is acknowledged; how often it was refused before."""
    refused = 0
    while True:
        connection.request("POST", "/ingest", body=body, headers=_HEADERS)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status == http.client.OK:
            return refused
        if answer.status not in {429, 503}:
            raise RuntimeError(f"POST /ingest: {answer.status} {text[:300]!r}")
        refused += 1
        time.sleep(0.05)


if __name__ == "__main__":
    main()
