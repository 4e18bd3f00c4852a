"""Records that were understood at the edge, as they arrive in a server: nothing of them is lost on the way."""

import json
from pathlib import Path

import httpx

from logyard.testing.ports import free_port
from logyard.testing.server import Server, ServerOptions
from logyard.testing.shipper import Shipper
from tests.crash.stored import sql
from tests.edge.conftest import wait_until
from tests.edge.test_ship import write

TRACE = ["Traceback (most recent call last):", '  File "/srv/shop.py", line 3, in <module>', "ValueError: no stock"]
STAMP = "2026-01-10 11:55:36,123"
TIME = "2026-01-10T11:55:36.123456789Z"
FILES = {
    "access.log": [
        '10.0.0.7 - - [10/Jan/2026:13:55:36 +0200] "GET /items?q=1 HTTP/1.1" 404 12 "-" "curl/8"',
    ],
    "redis.log": ["7:M 10 Jan 2026 11:55:36.123 # out of memory", "7:M 10 Jan 2026 11:55:36.123 * ready"],
    "shop.log": [f"{STAMP} - shop - ERROR - no\tstock", *TRACE, f"{STAMP} - shop - INFO - on"],
    "pod.log": [f'{TIME} stderr F {{"msg":"paid","level":"notice"}}', f"{TIME} stdout P be", f"{TIME} stdout F gun"],
    "json.log": ['{"message":"as it is","level":"warn"}'],
    "words.log": ["just words"],
}  # fmt: skip
WANT = [
    ("access.log", "2026-01-10 11:55:36.000000000", "", 0),
    ("json.log", "", "WARNING", 13),
    ("pod.log", "2026-01-10 11:55:36.123456789", "", 0),
    ("pod.log", "2026-01-10 11:55:36.123456789", "INFO", 10),
    ("redis.log", "2026-01-10 11:55:36.123000000", "INFO", 10),
    ("redis.log", "2026-01-10 11:55:36.123000000", "WARNING", 13),
    ("shop.log", "2026-01-10 11:55:36.123000000", "INFO", 9),
    ("shop.log", "2026-01-10 11:55:36.123000000", "ERROR", 17),
    ("words.log", "", "", 0),
]
"""File, time where the line has one, level, severity."""
MESSAGES = {
    "as it is",
    "begun",
    "paid",
    "out of memory",
    "ready",
    "on",
    "just words",
    "\n".join(["no\tstock", *TRACE]),
}


def rows(server: Server, home: Path) -> list[dict[str, str]]:
    texts = "toString(timestamp) AS timestamp, toJSONString(attributes) AS attributes"
    what = f"source, level, severity, message, host, {texts}"
    return sql(
        server.url, f"SELECT {what} FROM logs WHERE startsWith(source, '{home}') ORDER BY source, severity, message"
    )


def test_what_was_understood_arrives_as_it_was(server: Server, home: Path, tmp_path: Path) -> None:
    for name, lines in FILES.items():
        (home / name).write_text("\n".join(lines) + "\n")
    arguments = [str(home), "--to", server.url, "--once", "--multiline", "auto", "--field", "env=prod"]
    with Shipper(tmp_path / "state", arguments) as shipper:
        assert shipper.wait() == 0, shipper.output()
    wait_until(lambda: len(rows(server, home)) == len(WANT), lambda: str(rows(server, home)))
    found = rows(server, home)
    got = [(row["source"].rpartition("/")[2], row["timestamp"], row["level"], int(row["severity"])) for row in found]
    assert [
        (name, want[1] and time, level, severity) for (name, time, level, severity), want in zip(got, WANT, strict=True)
    ] == WANT
    assert {row["message"] for row in found} >= MESSAGES
    access = json.loads(found[0]["attributes"])
    assert (int(access["status"]), access["method"], access["env"]) == (404, "GET", "prod")
    assert [json.loads(row["attributes"]).get("stream") for row in found if row["source"].endswith("pod.log")] == [
        "stdout",
        "stderr",
    ]
    assert all(row["host"] for row in found)


def test_a_server_that_collects_counts_what_it_does_not_understand(home: Path, tmp_path: Path) -> None:
    config = tmp_path / "up.toml"
    config.write_text(f'[[receivers]]\ntype = "files"\ninclude = ["{home}/*.log"]\nformat = "json"\n')
    (home / "a.log").write_text('{"message":"one"}\nno json\n')
    with Server(tmp_path / "data", ServerOptions(config=config)) as server:
        wait_until(lambda: len(rows(server, home)) == 2, lambda: str(rows(server, home)))
        metrics = httpx.get(f"{server.url}/metrics", headers={"Accept": "text/plain"}).text
        assert f'logyard_file_parse_errors{{path="{home}/a.log"}} 1.0' in metrics


def test_a_stop_says_what_is_left(home: Path, tmp_path: Path) -> None:
    """In the log, for the server is away; and in files, where a record may still go on."""
    config = tmp_path / "ship.toml"
    config.write_text("[collect]\ndrain_seconds = 0.1\n")
    (home / "a.log").write_text(f"{STAMP} - shop - INFO - on\n{STAMP} - shop - INFO - x\n")
    arguments = [f"{home}/*.log", "--to", f"http://127.0.0.1:{free_port()}", "--config", str(config)]
    with Shipper(tmp_path / "state", [*arguments, "--multiline", "auto"]) as shipper:
        wait_until(lambda: any((tmp_path / "state" / "wal").glob("*.frames.*")), shipper.output)
        assert shipper.stop() == 0
        assert "1 records" in shipper.output()
        assert "are not read yet" in shipper.output()


def test_a_configuration_that_cannot_be_begun_with_leaves_the_old_one(
    server: Server, home: Path, tmp_path: Path
) -> None:
    """A port that is taken shows only when it is tried; nothing is lost by the trying."""
    config, state = tmp_path / "ship.toml", tmp_path / "state"
    about = (
        f'[[outputs]]\ntype = "logyard"\nurl = "{server.url}"\n[[receivers]]\ntype = "files"\ninclude = ["{home}/*"]\n'
    )
    config.write_text(about)
    (home / "a.log").write_text("one\n")

    def messages() -> list[str]:
        return sorted(row["message"] for row in rows(server, home))

    with Shipper(state, ["--config", str(config)]) as shipper:
        wait_until(lambda: messages() == ["one"], shipper.output)
        taken = server.url.rpartition(":")[2]
        config.write_text(f'{about}[collect]\nlisten = "127.0.0.1:{taken}"\n')
        wait_until(lambda: "the old one is taken again" in shipper.output(), shipper.output)
        write(home / "a.log", "two")
        wait_until(lambda: messages() == ["one", "two"], shipper.output)
        assert shipper.stop() == 0
