"""``logyard ship`` as a person meets it: real processes, real files, a real server."""

import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from logyard.testing.ports import free_port
from logyard.testing.server import Server, ServerOptions
from logyard.testing.shipper import Shipper
from tests.crash.stored import sql
from tests.edge.conftest import stored, wait_until


def write(log: Path, line: str) -> None:
    with log.open("a") as file:
        file.write(line + "\n")


def test_once_ships_what_is_there_and_ends(server: Server, home: Path, tmp_path: Path) -> None:
    (home / "shop.log").write_bytes(b'hello\r\n{"message":"json","level":"warn","user":7}\nno end')
    arguments = [str(home), "--to", server.url, "--once", "--field", "env=prod"]
    with Shipper(tmp_path / "state", arguments) as shipper:
        assert shipper.wait() == 0, shipper.output()
    what = "message, level, service, attributes['env'] AS env"
    text = f"SELECT {what} FROM logs WHERE startsWith(source, '{home}') ORDER BY id"
    rows = [tuple(row.values()) for row in sql(server.url, text)]
    assert rows == [("hello", "", "shop", "prod"), ("json", "WARNING", "shop", "prod"), ("no end", "", "shop", "prod")]


def test_once_ends_where_a_file_lies_beside_its_copy(server: Server, home: Path, tmp_path: Path) -> None:
    for name in ("shop.log", "shop.log.1"):
        (home / name).write_text("".join(f"line {number}\n" for number in range(100)))
    with Shipper(tmp_path / "state", [f"{home}/*", "--to", server.url, "--once"]) as shipper:
        assert shipper.wait() == 0, shipper.output()
    wait_until(lambda: set(stored(server, home).values()) == {1}, shipper.output)


def test_stdin(server: Server, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "logyard", "ship", "-", "--to", server.url, "--once", "--service", "piped"]
    lines = b"".join(b"line %d\n" % number for number in range(5000)) + b"no end"
    subprocess.run(
        [*command, "--state", str(tmp_path / "state")], input=lines, check=True, timeout=180, capture_output=True
    )
    assert sql(server.url, "SELECT uniqExact(message) AS n FROM logs WHERE service = 'piped'")[0]["n"] == 5001


def test_the_server_may_be_away(home: Path, tmp_path: Path) -> None:
    """Read meanwhile, kept, shipped when it is back; a stop says what is left."""
    options = ServerOptions(settings={"wal.segment_seconds": 0.3})
    log, port = home / "a.log", free_port()
    log.write_text("one\n")
    arguments = [f"{home}/*.log", "--to", f"http://127.0.0.1:{port}"]
    config = tmp_path / "ship.toml"
    config.write_text("[collect]\ndrain_seconds = 0.5\n")
    shipper = Shipper(tmp_path / "state", [*arguments, "--config", str(config)])
    with shipper:
        wait_until(lambda: "shipping to" in shipper.output(), shipper.output)
        wait_until(lambda: any((tmp_path / "state" / "wal").glob("*.lines.*")), shipper.output)
        assert shipper.stop() == 0
        assert "1 records" in shipper.output()
        with Server(tmp_path / "data", options) as server:
            arguments[-1] = server.url
            shipper.arguments = arguments
            write(log, "two")
            shipper.start()
            # The cursor is the output's own: another address is the same output.
            wait_until(lambda: stored(server, home) == {"one": 1, "two": 1}, shipper.output)
            assert shipper.stop() == 0


def test_a_changed_configuration_is_taken_and_a_bad_one_is_not(server: Server, home: Path, tmp_path: Path) -> None:
    config = tmp_path / "ship.toml"
    output = f'[[outputs]]\ntype = "logyard"\nurl = "{server.url}"\n'

    def follow(pattern: str) -> str:
        return f'{output}[[receivers]]\ntype = "files"\ninclude = ["{home}/{pattern}"]\n'

    config.write_text(follow("a-*.log"))
    (home / "a-1.log").write_text("one\n")
    (home / "b-1.log").write_text("two\n")
    with Shipper(tmp_path / "state", ["--config", str(config)]) as shipper:
        wait_until(lambda: stored(server, home) == {"one": 1}, shipper.output)
        config.write_text('receivers = "nonsense"\n')
        wait_until(lambda: "the old one stays" in shipper.output(), shipper.output)
        write(home / "a-1.log", "three")
        wait_until(lambda: stored(server, home) == {"one": 1, "three": 1}, shipper.output)
        config.write_text(follow("*.log"))
        shipper.signal(signal.SIGHUP)
        wait_until(lambda: stored(server, home) == {"one": 1, "two": 1, "three": 1}, shipper.output)
        assert shipper.stop() == 0


def test_it_is_light_and_says_how_it_is(server: Server, home: Path, tmp_path: Path) -> None:
    """Under 80 MB, without the engine and the web framework; /metrics, /healthz, /stats."""
    (home / "a.log").write_text('{"message":"one"}\n')
    port = free_port()
    listen = f"127.0.0.1:{port}"
    with Shipper(tmp_path / "state", [f"{home}/*.log", "--to", server.url, "--listen", listen]) as shipper:
        wait_until(lambda: stored(server, home) == {"one": 1}, shipper.output)
        maps = Path(f"/proc/{shipper.pid}/maps").read_text()
        assert "chdb" not in maps
        assert "pydantic" not in maps  # what has parsed the command line is gone
        assert shipper.resident_bytes() < 80 << 20
        assert httpx.get(f"http://{listen}/healthz").json() == {"status": "healthy"}
        stats = httpx.get(f"http://{listen}/stats").json()
        assert stats["monitored_files"] == 1
        assert stats["file_positions"] == {f"{home}/a.log": 18}
        assert (stats["rotations"], stats["abandoned_bytes"], stats["parse_errors"]) == (0, 0, {})
        wait_until(lambda: httpx.get(f"http://{listen}/stats").json()["total_pending"] == 0, shipper.output)
        metrics = httpx.get(f"http://{listen}/metrics").text
        for name in (
            "logyard_file_lag_bytes{",
            "logyard_file_lag_seconds{",
            "logyard_file_parse_errors{",
            "logyard_file_unknown_format{",
            "logyard_files_found_total",
            'logyard_files_rotated_total{kind="truncated"} 0.0',
            'logyard_bytes_abandoned_total{reason="removed"} 0.0',
            'logyard_bytes_abandoned_bytes_total{reason="removed"} 0.0',
            "logyard_parse_errors_total 0.0",
            "logyard_format_unknown_total 0.0",
            "logyard_resident_bytes",
            "logyard_cpu_seconds",
        ):
            assert name in metrics
        assert httpx.get(f"http://{listen}/other").status_code == 404


@pytest.mark.parametrize(
    ("kind", "arguments", "read"),
    [
        pytest.param("jsonl", [], lambda out: out.read_text().count("\n"), id="jsonl"),
        pytest.param("csv", ["--output-file", "here.csv"], lambda out: out.read_text().count("\n") - 1, id="csv"),
        pytest.param(
            "sqlite", [], lambda out: sqlite3.connect(out).execute("SELECT 1 FROM logs").fetchall(), id="sqlite"
        ),
    ],
)
def test_a_collector_with_nothing_behind_it(
    home: Path, tmp_path: Path, kind: str, arguments: list[str], read: Callable[[Path], object]
) -> None:
    """``--output-type``, ``--filter``, the size and interval of batches, the web port, by their names."""
    (home / "a.log").write_text("error: one\n" + '{"message":"Error two"}\n' + "fine\nwarning\n" * 500)
    command = [sys.executable, "-m", "logyard", "ship", str(home), "--state", "state", "--once", "--output-type", kind]
    options = ["--filter", "(?i)error", "--filter", "^fine$", "--batch-size", "100", "--batch-interval", "0.2"]
    port = ["--web-port", str(free_port())]
    done = subprocess.run(
        [*command, *options, *port, *arguments], cwd=tmp_path, capture_output=True, check=False, timeout=180
    )
    assert done.returncode == 0, done.stderr
    assert b"collected_logs/collected." in done.stderr or arguments
    found = read(tmp_path / (arguments[1] if arguments else f"collected_logs/collected.{kind}"))
    assert (found if isinstance(found, int) else len(found)) == 502  # type: ignore[arg-type] # a count, or rows


def test_the_edge_imports_neither_engine_nor_web_framework() -> None:
    text = (
        "import sys, json, logyard.cli.ship, logyard.receivers.files, logyard.outputs.logyard\n"
        "print(json.dumps([name for name in ('chdb', 'litestar', 'uvicorn') if name in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, check=True, timeout=180)
    assert json.loads(done.stdout) == []


def test_the_server_collects_by_itself(home: Path, tmp_path: Path) -> None:
    config = tmp_path / "up.toml"
    config.write_text(f'[[receivers]]\ntype = "files"\ninclude = ["{home}/*.log"]\n')
    (home / "a.log").write_text('one\n{"message":"two"}\n')
    with Server(tmp_path / "data", ServerOptions(config=config)) as server:
        wait_until(lambda: stored(server, home) == {"one": 1, "two": 1}, server.output)
        server.kill()
        write(home / "a.log", "three")
        server.start()
        wait_until(lambda: stored(server, home) == {"one": 1, "two": 1, "three": 1}, server.output)
        assert server.stop() == 0


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        pytest.param(["--to", "http://127.0.0.1:1"], "nothing to collect", id="nothing to collect"),
        pytest.param(["/nowhere/*.log"], "nothing to ship to", id="nowhere to ship to"),
        pytest.param(["/nowhere/*.log", "--to", "nowhere"], "is no address", id="no address"),
        pytest.param(["/nowhere/*.log", "--to", "http://127.0.0.1:1", "--format", "x"], "format", id="no format"),
    ],
)
def test_what_cannot_work_is_said_at_once(tmp_path: Path, arguments: list[str], text: str) -> None:
    with Shipper(tmp_path / "state", arguments) as shipper:
        assert shipper.wait() == 1
    assert text in shipper.output()
