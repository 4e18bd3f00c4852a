"""A real Logyard before two shards of two replicas, while servers die, stop, and come back."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import httpx
import pytest

from logyard.testing.clickhouse import Node, Nodes
from logyard.testing.server import Server, ServerOptions
from tests.cluster.proxy import Proxy
from tests.cluster.waiting import degraded, query, until, well
from tests.crash.load import lines

_ROWS = 1500
"""Above the size from which the servers read the log's own bytes."""
_HELD = "SELECT count(), uniqExact(id), uniqExact(attributes['batch'], attributes['row']) FROM logs_local"


class Writer:
    """A client that notes what was acknowledged."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.rows = 0
        self._count = 0

    def send(self, rows: int = _ROWS, *, keyed: bool = True) -> None:
        self._count += 1
        body = "\n".join(lines(f"b{self._count}", rows)).encode()
        headers = {"Idempotency-Key": f"b{self._count}"} if keyed else {}
        answer = httpx.post(f"{self.url}/ingest", content=body, timeout=240, headers=headers)
        assert answer.is_success, answer.text
        self.rows += rows


@pytest.fixture
def server(nodes: Nodes, database: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Server]:
    url = nodes.url(database, more=getattr(request, "param", ""))
    with Server(tmp_path / "data", _options(url)) as running:
        yield running


@pytest.fixture(autouse=True)
def _all_well(nodes: Nodes) -> Iterator[None]:
    """Whatever a test did to the servers, the next one finds them all."""
    yield
    for node in nodes:
        node.restore()


def _options(url: str) -> ServerOptions:
    return ServerOptions(
        settings={"store": url, "wal.segment_seconds": 0.2, "wal.segment_rows": 3 * _ROWS, "query.settle_seconds": 60}
    )


def _found(server: Server) -> int:
    answer = query(server.url)
    assert answer.status_code == 200, answer.text
    return int(answer.json()["found"])


def _found_in_time(server: Server) -> int:
    """For an impatient one: it takes any server for lost that is slow for a moment, and says 503 until it is back."""
    answers: list[int] = []

    def answered() -> bool:
        answer = query(server.url)
        if answer.status_code != 503:
            answers.append(int(answer.json()["found"]))
        return bool(answers)

    until(answered, "there is an answer")
    return answers[0]


def _held(node: Node, database: str) -> list[int]:
    return [int(number) for number in node.query(_HELD, database=database).split()]


def _check_replicas(nodes: Nodes, database: str, rows: int) -> None:
    """Every replica has all of its shard, once."""
    held = {node: _held(node, database) for node in nodes}
    assert all(len(set(numbers)) == 1 for numbers in held.values()), held
    assert held[nodes[0]] == held[nodes[1]], held
    assert held[nodes[2]] == held[nodes[3]], held
    assert held[nodes[0]][0] + held[nodes[2]][0] == rows, held


def test_a_replica_that_is_killed_costs_nothing(nodes: Nodes, database: str, server: Server) -> None:
    writer = Writer(server.url)
    asking = Asking(server.url)
    with asking:
        for _ in range(3):
            writer.send()
        nodes[1].kill()
        for _ in range(6):
            writer.send()
        asking.some_more()
        assert _found(server) == writer.rows
        until(lambda: "store.s1r2" in degraded(server.url), "the loss is noticed")
        nodes[1].start()
        well(server.url)
    assert _found(server) == writer.rows
    _check_replicas(nodes, database, writer.rows)
    print(f"{asking.answers} answers, {len(asking.errors)} errors over {asking.window:.2f} s: {asking.errors[:3]}")


@pytest.mark.parametrize("server", ["&patience=2"], indirect=True, ids=["impatient"])
def test_a_server_that_stops_answering_is_left_out(nodes: Nodes, database: str, server: Server) -> None:
    writer = Writer(server.url)
    writer.send()
    nodes[2].pause()
    for _ in range(3):
        writer.send()
    until(lambda: "store.s2r1" in degraded(server.url), "the silence is noticed")
    assert _found_in_time(server) == writer.rows
    nodes[2].resume()
    well(server.url)
    assert _found_in_time(server) == writer.rows
    _check_replicas(nodes, database, writer.rows)


def test_a_shard_that_is_away_holds_back_only_its_own_records(nodes: Nodes, database: str, server: Server) -> None:
    writer = Writer(server.url)
    nodes[2].kill()
    nodes[3].kill()
    until(lambda: degraded(server.url).keys() == {"store.s2r1", "store.s2r2"}, "the shard is missed")
    first = [nodes[0], nodes[1]]

    def has_its_part() -> bool:
        writer.send(keyed=False)  # a segment goes to either shard, as its name has it
        return all(_held(node, database)[0] > 0 for node in first)

    until(has_its_part, "the other shard has its part")
    answer = query(server.url)
    assert answer.status_code == 503
    assert "shard 2 is away" in answer.json()["detail"]
    metrics = httpx.get(f"{server.url}/metrics", timeout=60).text
    assert 'logyard_wal_cursor_lag_seconds{cursor="store.s2r1"}' in metrics
    for node in (nodes[2], nodes[3]):
        node.start()
    well(server.url)
    assert _found(server) == writer.rows
    _check_replicas(nodes, database, writer.rows)


def test_a_logyard_that_is_killed_between_send_and_answer_repeats_itself(
    nodes: Nodes, database: str, tmp_path: Path
) -> None:
    with Proxy(nodes[0].address) as proxy:
        hosts = [proxy.address, *[node.address for node in nodes][1:]]
        with Server(tmp_path / "data", _options(nodes.url(database, hosts=hosts))) as server:
            writer = Writer(server.url)
            proxy.hold()
            while not proxy.holding.is_set():
                writer.send()
            server.kill()
            proxy.release()
            server.start()
            well(server.url)
            assert _found(server) == writer.rows
            assert proxy.lost
            _check_replicas(nodes, database, writer.rows)


class Asking:
    """Queries one after the other, in a thread, until the context ends."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.answers = 0
        self.errors: list[str] = []
        self._times: list[float] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    @property
    def window(self) -> float:
        """Seconds from the first error to the last."""
        return self._times[-1] - self._times[0] if self._times else 0.0

    def some_more(self) -> None:
        """Return when there have been some more questions."""
        enough = self.answers + len(self.errors) + 5
        until(lambda: self.answers + len(self.errors) >= enough, "queries are answered")

    def _run(self) -> None:
        while not self._done.is_set():
            answer = query(self._url)
            if answer.status_code == 200:
                self.answers += 1
            else:
                self._times.append(time.monotonic())
                self.errors.append(answer.text)
