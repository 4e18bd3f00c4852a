"""Outputs of a real process: one that is away costs the others nothing, filters, dead letters and their way back."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from logyard.cli.private import private_server
from logyard.inprocess import open as opened
from logyard.testing.http_sink import Answer, HttpSink, Request
from logyard.testing.server import Server, ServerOptions
from logyard.testing.shipper import Shipper
from tests.crash.stored import sql
from tests.edge.conftest import wait_until


def messages(sink: HttpSink) -> list[str]:
    bodies = [request.body for request in sink.requests]
    return sorted(json.loads(line)["message"] for body in bodies for line in body.splitlines())


def logyard(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "logyard", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)


def output(kind: str, **settings: str) -> str:
    return f'[[outputs]]\ntype = "{kind}"\n' + "".join(f'{name} = "{text}"\n' for name, text in settings.items())


def test_one_that_is_away_and_one_that_hangs_cost_the_others_nothing(home: Path, tmp_path: Path) -> None:
    released = threading.Event()

    def slow(_: Request) -> Answer:
        released.wait(120)
        return Answer()

    config = tmp_path / "ship.toml"
    shipper = Shipper(tmp_path / "state", [f"{home}/*.log", "--config", str(config)])
    with HttpSink() as good, HttpSink(slow) as hanging:
        away = output("http", name="away", url="http://127.0.0.1:1")
        stuck = output("http", name="stuck", url=hanging.url)
        config.write_text(away + stuck + output("http", name="good", url=good.url))
        with shipper:
            wanted = [f"{turn} {number:04}" for turn in range(5) for number in range(1000)]
            for turn in range(5):
                upto = wanted[: (turn + 1) * 1000]
                (home / f"{turn}.log").write_text("\n".join(upto[-1000:]) + "\n")
                wait_until(lambda upto=upto: messages(good) == upto, shipper.output)  # type: ignore[misc] # bound now
            assert all(request.path == "/" for request in hanging.requests)
            released.set()
            # A request that waited for too long has come again.
            wait_until(lambda: set(messages(hanging)) == set(wanted), shipper.output, seconds=120)


def test_each_output_has_a_filter_of_its_own(home: Path, tmp_path: Path) -> None:
    (home / "a.log").write_text('{"level":"error","message":"one"}\n{"level":"info","message":"two"}\nthree\n')
    config = tmp_path / "ship.toml"
    with HttpSink() as errors, HttpSink() as everything:
        chosen = output("http", name="errors", url=errors.url, where="level:error or three")
        config.write_text(chosen + output("http", url=everything.url))
        with Shipper(tmp_path / "state", [f"{home}/*.log", "--config", str(config), "--once"]) as shipper:
            assert shipper.wait() == 0, shipper.output()
        assert messages(errors) == ["one", "three"]
        assert messages(everything) == ["one", "three", "two"]


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        pytest.param('where = "level:("', "outputs[0]", id="a filter that cannot be read"),
        pytest.param("batch_rows = -1", "batch_rows", id="a limit that is none"),
        pytest.param("nonsense = 1", "nonsense", id="a setting that there is not"),
    ],
)
def test_what_cannot_work_is_said_at_once(home: Path, tmp_path: Path, settings: str, text: str) -> None:
    config = tmp_path / "ship.toml"
    config.write_text(output("http", url="http://127.0.0.1:1") + settings)
    with Shipper(tmp_path / "state", [str(home), "--config", str(config)]) as shipper:
        assert shipper.wait() == 1
    assert text in shipper.output()


def test_dead_letters_are_listed_shown_and_replayed_while_it_runs(home: Path, tmp_path: Path) -> None:
    (home / "a.log").write_text("one\ntwo\n")
    config = tmp_path / "ship.toml"
    with HttpSink() as sink:
        sink.answers = [Answer(400, b'{"error":"not on Sundays"}')]
        config.write_text(output("http", url=sink.url))
        state = ["--data", str(tmp_path / "state")]
        with Shipper(tmp_path / "state", [f"{home}/*.log", "--config", str(config)]) as shipper:
            wait_until(lambda: any((tmp_path / "state").glob("dead_letters/*/*.sealed")), shipper.output)
            (letter,) = json.loads(logyard("dead-letters", "list", "-o", "json", *state).stdout)
            assert (letter["place"], letter["records"], letter["waiting"]) == ("http", 2, False)
            assert "not on Sundays" in letter["reason"]
            shown = logyard("dead-letters", "show", letter["id"][:6], *state)
            assert [json.loads(line)["message"] for line in shown.stdout.splitlines()] == ["one", "two"]
            assert "not on Sundays" in shown.stderr
            assert "1 letters" in logyard("dead-letters", "replay", letter["id"][:6], *state).stderr
            wait_until(lambda: "no dead letters" in logyard("dead-letters", "list", *state).stderr, shipper.output)
    first, second = sink.requests
    assert first.body == second.body
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"] == letter["id"]


def test_the_server_ships_what_it_stores_and_replays_at_its_next_start(home: Path, tmp_path: Path) -> None:
    config = tmp_path / "up.toml"
    (home / "a.log").write_text("one\n")
    out = tmp_path / "out.jsonl"
    with HttpSink() as sink:
        sink.answers = [Answer(400)]
        receiver = f'[[receivers]]\ntype = "files"\ninclude = ["{home}/*.log"]\n'
        config.write_text(receiver + output("http", url=sink.url) + output("jsonl", path=str(out)))
        with Server(tmp_path / "data", ServerOptions(config=config, settings={"wal.segment_seconds": 0.3})) as server:
            state = ["--data", str(server.data)]
            wait_until(lambda: bool(logyard("dead-letters", "list", *state).stdout), server.output)
            wait_until(lambda: out.exists() and out.read_text().count("\n") == 1, server.output)
            assert sql(server.url, "SELECT count() AS n FROM logs WHERE message = 'one'")[0]["n"] == 1
            server.kill()
            logyard("dead-letters", "replay", "--all", *state)
            assert "to be tried again" in logyard("dead-letters", "list", *state).stdout
            server.start()
            wait_until(lambda: "no dead letters" in logyard("dead-letters", "list", *state).stderr, server.output)
        assert [messages_of(request) for request in sink.requests] == [["one"], ["one"]]
        assert out.read_text().count("\n") == 1


def test_a_command_on_a_stopped_directory_leaves_what_is_to_be_sent(home: Path, tmp_path: Path) -> None:
    config, here = tmp_path / "up.toml", threading.Event()
    (home / "a.log").write_text("one\n")
    with HttpSink(lambda _: Answer(200 if here.is_set() else 503)) as sink:
        receiver = f'[[receivers]]\ntype = "files"\ninclude = ["{home}/*.log"]\n'
        config.write_text(receiver + output("http", url=sink.url))
        with Server(tmp_path / "data", ServerOptions(config=config, settings={"wal.segment_seconds": 0.3})) as server:
            wait_until(lambda: bool(sink.requests), server.output)
            server.kill()
            with private_server(server.data) as url:
                assert sql(url, "SELECT count() AS n FROM logs WHERE message = 'one'")[0]["n"] == 1
            with opened(server.data) as yard:
                assert len(list(yard.query("message:one"))) == 1
            here.set()
            sink.requests.clear()
            server.start()
            wait_until(lambda: bool(sink.requests), server.output)
            assert messages(sink) == ["one"]
            assert sql(server.url, "SELECT count() AS n FROM logs WHERE message = 'one'")[0]["n"] == 1


def messages_of(request: Request) -> list[str]:
    return [json.loads(line)["message"] for line in request.body.splitlines()]


def test_heavy_clients_are_loaded_only_where_they_are_used(tmp_path: Path) -> None:
    text = (
        "import sys, json, logyard.cli.ship\n"
        "from logyard import registry\n"
        f"registry.build('outputs', {{'type': 'jsonl', 'path': '{tmp_path}/a'}})\n"
        "heavy = ('chdb', 'litestar', 'redis', 'nats', 'confluent_kafka', 'sqlite3')\n"
        "print(json.dumps([name for name in heavy if name in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, check=True, timeout=60)
    assert json.loads(done.stdout) == []
