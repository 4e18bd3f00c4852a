"""The web API over real HTTP: every route, every status, bad clients."""

import re
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import msgspec
import pytest

from logyard.clock import SystemClock
from logyard.demo.pace import Pace
from logyard.demo.web_api import Routes
from logyard.demo.web_log import WebLog
from logyard.demo.web_server import WebServer, address
from logyard.demo.writing import LogDirectory
from logyard.errors import BadConfig
from tests.demo.conftest import START, assert_percent

SPEED = 10_000.0


class Web:
    """A running web API and its logs."""

    def __init__(self, url: str, logs: Path) -> None:
        self.url = url
        self.logs = logs
        self.client = httpx.Client(base_url=url, timeout=120, trust_env=False)


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    path = tmp_path_factory.mktemp("web")
    with LogDirectory(path) as logs:
        server = WebServer("127.0.0.1:0", Routes(), WebLog(logs), seed=3)
        pace = Pace(SystemClock(), start=START, speed=SPEED)
        with closing(server), server.answering(pace):
            running = Web(server.url, path)
            with running.client:
                yield running


def test_health(web: Web) -> None:
    answer = web.client.get("/health")
    assert answer.status_code == 200
    assert answer.json() == {"status": "healthy", "service": "web-api"}
    assert answer.headers["content-type"] == "application/json"


def test_users_are_listed_or_the_database_times_out(web: Web) -> None:
    answers = [web.client.get("/users") for _ in range(400)]
    assert {answer.status_code for answer in answers} == {200, 500}
    failed = [answer for answer in answers if answer.status_code == 500]
    assert_percent(len(failed), len(answers), 10)
    assert failed[0].json() == {"error": "Database connection timeout"}
    listed = next(answer.json() for answer in answers if answer.status_code == 200)
    assert listed["count"] == len(listed["users"]) >= 5


def test_a_user(web: Web) -> None:
    assert web.client.get("/users/1").json() == {"id": 1, "name": "Ada", "email": "ada@example.com"}


@pytest.mark.parametrize("name", ["999999", "0", "-1", "x", "1'", "%00", "٣", "9" * 5000])
def test_a_user_who_is_not_there(web: Web, name: str) -> None:
    answer = web.client.get(f"/users/{name}")
    assert (answer.status_code, answer.json()) == (404, {"error": "User not found"})


def test_users_are_created_or_conflict(web: Web) -> None:
    made = [web.client.post("/users", json={"name": f"N{i}", "email": f"n{i}@example.org"}) for i in range(400)]
    told = Counter(answer.status_code for answer in made)
    assert set(told) == {201, 409}
    assert_percent(told[409], len(made), 15)
    conflict = next(answer for answer in made if answer.status_code == 409)
    assert conflict.json() == {"error": "Email already exists"}
    created = next(answer.json() for answer in made if answer.status_code == 201)
    assert web.client.get(f"/users/{created['id']}").json() == created


@pytest.mark.parametrize(
    ("body", "missing"),
    [
        pytest.param(b"", "name, email", id="nothing"),
        pytest.param(b"{}", "name, email", id="empty"),
        pytest.param(b'{"name":"Ada"}', "email", id="no email"),
        pytest.param(b'{"email":"a@example.com"}', "name", id="no name"),
        pytest.param(b'{"name":" ","email":"a@example.com"}', "name", id="blank"),
        pytest.param(b'{"name":1,"email":2}', "name, email", id="numbers"),
        pytest.param(b"[1,", "name, email", id="no JSON"),
        pytest.param(b"\xff\xfe", "name, email", id="no text"),
        pytest.param(b"[" * 60_000, "name, email", id="deep"),
    ],
)
def test_a_bad_user(web: Web, body: bytes, missing: str) -> None:
    answer = web.client.post("/users", content=body)
    assert (answer.status_code, answer.json()) == (400, {"error": f"Missing required fields: {missing}"})


def test_load_is_simulated(web: Web) -> None:
    answer = web.client.get("/simulate-load")
    assert answer.status_code == 200
    assert answer.json()["duration_ms"] >= 500


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/", 404, None),
        ("GET", "/users/1/x", 404, None),
        ("DELETE", "/users", 405, "GET, POST"),
        ("PUT", "/users/1", 405, "GET"),
        ("HEAD", "/health", 405, "GET"),
    ],
)
def test_what_is_not_there(web: Web, method: str, path: str, status: int, allow: str | None) -> None:
    answer = web.client.request(method, path)
    assert (answer.status_code, answer.headers.get("allow")) == (status, allow)


def test_a_request_and_its_response_are_logged(web: Web) -> None:
    web.client.get("/users/1?page=2&x=%0A", headers={"User-Agent": 'a "quoted" agent'})
    text = (web.logs / "access.log").read_text()
    found = [msgspec.json.decode(line.partition(" - ")[2]) for line in text.splitlines()]
    request = next(line for line in found if line.get("user_agent") == 'a "quoted" agent')
    wanted = {"method": "GET", "path": "/users/1", "query_string": "page=2&x=%0A", "remote_addr": "127.0.0.1"}
    assert wanted.items() <= request.items()
    assert request["content_length"] == 0
    assert found[-1]["status_code"] == 200
    assert found[-1]["processing_time_ms"] > 0


@pytest.mark.parametrize(
    ("head", "status"),
    [
        pytest.param(b"POST /users HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", b"413", id="too long"),
        pytest.param(b"POST /users HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", b"413", id="absurd"),
        pytest.param(b"POST /users HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400", id="negative"),
        pytest.param(b"POST /users HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400", id="chunked"),
        pytest.param(b"nonsense\r\n\r\n", b"400", id="no HTTP"),
    ],
)
def test_a_bad_client_gets_an_answer_and_costs_nobody_else(web: Web, head: bytes, status: bytes) -> None:
    host, _, port = web.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), 120) as client:
        client.sendall(head)
        client.shutdown(socket.SHUT_WR)
        said = b"".join(iter(lambda: client.recv(4096), b""))
    assert re.search(rb"\b%b\b" % status, said)
    assert web.client.get("/health").status_code == 200


def test_many_clients_at_once(web: Web) -> None:
    statuses: list[int] = []

    def ask() -> None:
        statuses.extend(web.client.get("/users/1").status_code for _ in range(10))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 80


def test_a_taken_address_is_a_clear_error(web: Web, tmp_path: Path) -> None:
    listen = web.url.removeprefix("http://")
    with LogDirectory(tmp_path) as logs, pytest.raises(BadConfig, match=f"--listen: cannot listen on {listen}"):
        WebServer(listen, Routes(), WebLog(logs), seed=1)


@pytest.mark.parametrize("listen", ["8080", ":8080", "host:", "host:x", "host:65536", "host:-1", "host:٣"])
def test_an_address_that_is_none(listen: str) -> None:
    with pytest.raises(BadConfig, match="is not HOST:PORT"):
        address(listen)


@pytest.mark.parametrize(("listen", "want"), [("a:1", ("a", 1)), ("[::1]:8080", ("::1", 8080))])
def test_an_address(listen: str, want: tuple[str, int]) -> None:
    assert address(listen) == want
