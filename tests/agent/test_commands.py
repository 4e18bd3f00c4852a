"""Every command of the command line, as a real process, against real engines: words, bytes and exit codes."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from logyard.testing.ports import free_port
from tests.agent.sites import DEADLINE, AgentProcess, Site, eventually


def out(done: "subprocess.CompletedProcess[bytes]") -> tuple[bytes, bytes, int]:
    return done.stdout, done.stderr, done.returncode


def test_a_life_by_commands(site: Site) -> None:
    name = site.name()
    network = [] if site.engine is None else ["--network", "none"]
    launched = site.command(
        *("launch", site.image, "--name", name, "-l", "app=shop", "-e", "WHO=you", *network),
        *("--", "sh", "-c", "echo hello $WHO; sleep 600"),
    )
    assert launched.returncode == 0, launched.stderr
    found = launched.stdout.decode().strip()
    eventually(lambda: site.lines(name) == [b"hello you\n"])
    assert out(site.command("logs", name)) == (b"hello you\n", b"", 0)
    listed = site.command("ps", "-l", "app=shop", "-o", "json")
    assert name in [row["name"] for row in json.loads(listed.stdout)]
    assert name.encode() in site.command("ps").stdout
    inspected = json.loads(site.command("inspect", name).stdout)
    assert (inspected[0]["id"], inspected[0]["state"]) == (found, "running")
    assert out(site.command("exec", name, "--", "sh", "-c", "echo o; echo e >&2; exit 3")) == (b"o\n", b"e\n", 3)
    assert out(site.command("exec", "-i", name, "cat", input=b"\x00\xff")) == (b"\x00\xff", b"", 0)
    assert b"processes" in site.command("stats", name, "--once").stdout
    assert b"is running: stop it first" in site.command("rm", name).stderr
    assert out(site.command("stop", "-t", "1", name)) == (f"{name}\n".encode(), b"", 0)
    assert out(site.command("rm", name)) == (f"{name}\n".encode(), b"", 0)
    assert out(site.command("rm", name)) == (b"", f"Error: Container '{name}' not found\n".encode(), 1)


@pytest.fixture(scope="module")
def said(sites: Callable[[str], Site]) -> tuple[Site, str]:
    """A container that has said things; process driver, as the words are the command line's own."""
    site = sites("process")
    return site, site.steps("echo one;", "echo two >&2;", """echo '{"a":{"b":7},"level":"x"}'""")


JSON = b'{"a":{"b":7},"level":"x"}\n'


@pytest.mark.parametrize(
    ("arguments", "stdout", "stderr"),
    [
        pytest.param([], b"one\n" + JSON, b"two\n", id="all"),
        pytest.param(["--no-stderr"], b"one\n" + JSON, b"", id="stdout"),
        pytest.param(["--no-stdout"], b"", b"two\n", id="stderr"),
        pytest.param(["-n", "1"], JSON, b"", id="tail"),
        pytest.param(["-i", "^o", "-i", "w"], b"one\n", b"two\n", id="include"),
        pytest.param(["-e", "^[ot]"], JSON, b"", id="exclude"),
        pytest.param(["--since", "1h", "--until", "1m"], b"", b"", id="a window without lines"),
        pytest.param(["--since", "today", "--tz", "UTC", "-n", "1"], JSON, b"", id="since today"),
        pytest.param(["--pretty", "-n1"], b'{\n  "a": {\n    "b": 7\n  },\n  "level": "x"\n}\n', b"", id="pretty"),
        pytest.param(["--template", "{level}/{a.b}/{stream}", "-n1"], b"x/7/stdout\n", b"", id="template"),
        pytest.param(["-H", "n", "-i", "one"], b"o\x1b[1;30;43mn\x1b[0me\n", b"", id="highlight"),
    ],
)
def test_logs_are_shown(said: tuple[Site, str], arguments: list[str], stdout: bytes, stderr: bytes) -> None:
    site, name = said
    assert out(site.command("logs", name, *arguments)) == (stdout, stderr, 0)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["nobody"], "Container 'nobody' not found", id="unknown"),
        pytest.param(["x", "-n", "-1"], "Tail value must be non-negative", id="negative tail"),
        pytest.param(["x", "--no-stdout", "--no-stderr"], "Cannot exclude both stdout and stderr", id="both off"),
        *(
            pytest.param(
                ["x", "--since", text],
                "Invalid since format. Use format like '1h', '30m', '10s', '7d'",
                id=f"since {text}",
            )
            for text in ("soon", "1x", "2026-99-99", "-")
        ),
    ],
)
def test_mistakes_have_their_words(sites: Callable[[str], Site], arguments: list[str], words: str) -> None:
    assert out(sites("process").command("logs", *arguments)) == (b"", f"Error: {words}\n".encode(), 1)


def test_times_and_json(said: tuple[Site, str]) -> None:
    site, name = said
    rows = [json.loads(line) for line in site.command("logs", name, "-o", "json", "--no-stderr").stdout.splitlines()]
    assert [(row["container"], row["stream"], row["message"]) for row in rows] == [
        (name, "stdout", "one"),
        (name, "stdout", JSON.decode().strip()),
    ]
    timed = site.command("logs", "-t", name, "--no-stderr").stdout.decode().splitlines()
    assert [line.split(" ")[0] for line in timed] == [row["timestamp"] for row in rows]
    oslo = site.command("logs", "-t", name, "-n1", "--tz", "Asia/Tokyo").stdout.decode()
    assert oslo.split(" ")[0].endswith("+09:00")


def test_several_are_merged_by_time(quick_site: Site) -> None:
    names = [quick_site.name(), quick_site.name()]
    for name in names:
        gate = quick_site.gate(name)
        quick_site.launch(f"{gate} echo {name}; {gate} echo {name} again", name=name)
    for count in (1, 2):
        for name in names:
            quick_site.open(name)
            eventually(partial(quick_site.has_lines, name, count))
    for name in names:
        quick_site.ended(name)
    first, _ = names
    wanted = [f"{name} | {name}{word}" for word in ("", " again") for name in names]
    assert quick_site.command("logs", *names).stdout.decode().splitlines() == wanted
    plain = quick_site.command("logs", *names, "--no-prefix").stdout.decode().splitlines()
    assert plain == [line.partition(" | ")[2] for line in wanted]
    partly = quick_site.command("logs", first, "nobody")
    assert (partly.returncode, partly.stderr) == (1, b"Error: Container 'nobody' not found\n")
    assert len(partly.stdout.splitlines()) == 2


class Running:
    """A command that goes on; what it has written so far."""

    def __init__(self, site: Site, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "logyard", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "LOGYARD_HOST": site.process.address},
        )
        self.stdout = b""

    def has(self, words: bytes) -> bool:
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], 0.05)
        self.stdout += os.read(self.process.stdout.fileno(), 1 << 16) if ready else b""
        return words in self.stdout

    def interrupt(self) -> tuple[bytes, int]:
        self.process.send_signal(signal.SIGINT)
        _, stderr = self.process.communicate(timeout=DEADLINE)
        return stderr, self.process.returncode


def test_a_follow_ends_with_130(quick_site: Site) -> None:
    name = quick_site.launch("echo begun; sleep 600")
    running = Running(quick_site, "logs", "-f", name)
    eventually(lambda: running.has(b"begun\n"))
    assert running.interrupt() == (b"", 130)
    quick_site.remove(name)


def test_containers_that_come_later_are_followed(quick_site: Site) -> None:
    label = quick_site.name()
    first = quick_site.launch("echo early; sleep 600", labels={"group": label})
    running = Running(quick_site, "logs", "-f", "-l", f"group={label}")
    eventually(lambda: running.has(f"{first} | early\n".encode()))
    second = quick_site.launch("echo late; sleep 600", labels={"group": label})
    eventually(lambda: running.has(f"{second} | late\n".encode()))
    assert running.interrupt()[1] == 130
    for name in (first, second):
        quick_site.remove(name)


def test_events_are_printed(quick_site: Site) -> None:
    running = Running(quick_site, "events")
    names: list[str] = []

    def something_is_printed() -> bool:
        # The first ones may come before the command listens.
        names.append(quick_site.launch("exit 0"))
        return any(running.has(f" start {name} ".encode()) for name in names)

    eventually(something_is_printed)
    assert running.interrupt()[1] == 130


def test_a_reader_that_goes_away_is_no_failure(sites: Callable[[str], Site]) -> None:
    site = sites("process")
    name = site.launch("seq 1 200000; sleep 600")
    eventually(lambda: site.lines(name, tail=1) == [b"200000\n"])
    script = f"{sys.executable} -m logyard logs -f {name} | head -n 1; echo ${{PIPESTATUS[0]}}"
    env = {**os.environ, "LOGYARD_HOST": site.process.address}
    done = subprocess.run(["bash", "-c", script], capture_output=True, check=True, env=env, timeout=DEADLINE)
    assert (done.stdout, done.stderr) == (b"1\n0\n", b"")
    site.remove(name)


def test_a_follow_outlives_the_agent(tmp_path: Any) -> None:

    listen = f"127.0.0.1:{free_port()}"  # where it is found again
    process = AgentProcess("--driver", "process", "--folder", str(tmp_path), listen=listen)
    site = Site("process", process, None)
    name = site.launch("echo first; sleep 600")
    running = Running(site, "logs", "-f", "--linger", "100", name)
    eventually(lambda: running.has(b"first\n"))
    process.kill()
    process.start()
    site.remove(name)
    site.launch("echo second; sleep 600", name=name)
    eventually(lambda: running.has(b"second\n"))
    assert running.stdout == b"first\nsecond\n"
    assert running.interrupt()[1] == 130
    site.agent.__exit__()
    assert process.stop() == 0


class OnTerminal:
    """A command on a terminal, as a person has it."""

    def __init__(self, site: Site, *arguments: str) -> None:
        self.heard = b""
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.environ["LOGYARD_HOST"] = site.process.address
            os.execv(  # noqa: S606 - the child of a fork
                sys.executable,
                [sys.executable, "-m", "logyard", *arguments],
            )

    def has(self, words: bytes) -> bool:
        ready, _, _ = select.select([self.terminal], [], [], 0.05)
        if ready:
            try:
                self.heard += os.read(self.terminal, 1 << 16)
            except OSError:  # how a terminal ends
                time.sleep(0.01)
        return words in self.heard

    def type(self, text: bytes) -> None:
        os.write(self.terminal, text)

    def code(self) -> int:
        done = eventually(lambda: self.has(b"\xff\xfe") or os.waitpid(self.pid, os.WNOHANG)[0:2])
        while done[0] == 0:
            self.has(b"\xff\xfe")
            done = os.waitpid(self.pid, os.WNOHANG)
        os.close(self.terminal)
        return os.waitstatus_to_exitcode(done[1])


def test_a_person_is_told_what_happens(sites: Callable[[str], Site]) -> None:
    site = sites("process")
    name = site.launch("echo line; sleep 600")
    person = OnTerminal(site, "logs", "-f", "-n", "5", "--since", "1h", name)
    eventually(lambda: person.has(b"line\r\n"))
    for words in (f"Following logs for container '{name}'...", "Showing last 5 lines", "Logs since 1h ago"):
        assert words.encode() in person.heard
    person.type(b"\x03")
    eventually(lambda: person.has(b"Log streaming interrupted by user"))
    assert person.code() == 130
    site.remove(name)


def test_a_shell_is_usable(site: Site) -> None:
    name = site.launch("sleep 600")
    person = OnTerminal(site, "exec", "-it", "-e", "PS1=ready> ", name, "sh")
    eventually(lambda: person.has(b"ready> "))
    person.type(b"echo $((6*7))-is-it; stty size\r")
    eventually(lambda: person.has(b"42-is-it\r\n"))
    person.type(b"exit 5\r")
    assert person.code() == 5
    site.remove(name)


def test_the_agent_may_be_named_before_the_command(said: tuple[Site, str]) -> None:
    site, name = said
    address = site.process.address
    for arguments in (["--host", address, "logs", name], [f"--host={address}", "logs", name]):
        done = subprocess.run([sys.executable, "-m", "logyard", *arguments], capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"two\n")


def test_an_agent_that_is_not_there_is_named(sites: Callable[[str], Site]) -> None:
    done = sites("process").command("--host", "127.0.0.1:1", "ps")
    assert done.returncode == 1
    assert done.stderr.startswith(b"Error: cannot reach the agent at 127.0.0.1:1: ")
