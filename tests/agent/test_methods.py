"""The methods besides logs, through a real agent, with real engines."""

import queue
import threading
from pathlib import Path
from typing import Any

import grpc
import pytest

from logyard.agent.v1 import agent_pb2 as pb
from logyard.agent.v1 import details_pb2 as details
from tests.agent.sites import AgentProcess, Site, eventually, status, status_details


def run(site: Site, name: str, *command: str, stdin: bytes | None = None, **given: Any) -> tuple[bytes, bytes, int]:
    """Run a command to its end: stdout, stderr, exit code."""
    start = pb.ExecStart(container_identifier=name, command=command, interactive=stdin is not None, **given)
    requests = [pb.ExecRequest(start=start)]
    if stdin is not None:
        requests += [pb.ExecRequest(stdin=stdin), pb.ExecRequest(close_stdin=True)]
    said = list(site.agent.exec(requests))
    return b"".join(one.stdout for one in said), b"".join(one.stderr for one in said), said[-1].exit_code


def test_a_container_from_launch_to_removal(site: Site) -> None:
    name = site.launch("trap 'exit 5' TERM; echo ready; while true; do sleep 0.05; done", labels={"app": "x"})
    eventually(lambda: site.lines(name) == [b"ready\n"])
    found = site.inspect(name)
    assert (found.name, found.state, dict(found.labels)["app"]) == (name, "running", "x")
    assert found.started_ns >= found.created_ns > 0
    listed = site.agent.ask("List", pb.ListRequest(labels=["app=x"]), pb.ListResponse).containers
    assert name in [container.name for container in listed]
    assert site.agent.ask("List", pb.ListRequest(labels=["app=y"]), pb.ListResponse).containers == []
    with pytest.raises(grpc.RpcError, match="running") as raised:
        site.agent._channel.unary_unary(  # the status itself, not the command line's reading of it
            "/logyard.agent.v1.Agent/Remove",
            request_serializer=pb.RemoveRequest.SerializeToString,
            response_deserializer=pb.RemoveResponse.FromString,
        )(pb.RemoveRequest(container_identifier=name))
    assert status(raised.value) is grpc.StatusCode.FAILED_PRECONDITION
    stopped = site.agent.ask(
        "StopContainer", pb.StopRequest(container_identifier=name, timeout_seconds=50), pb.StopResponse
    )
    assert stopped.success
    assert site.inspect(name).exit_code == 5
    site.agent.ask("Remove", pb.RemoveRequest(container_identifier=name), pb.RemoveResponse)
    everything = site.agent.ask("List", pb.ListRequest(all=True), pb.ListResponse).containers
    assert name not in [container.name for container in everything]


@pytest.mark.parametrize(
    ("method", "request_", "code"),
    [
        pytest.param("StopContainer", pb.StopRequest(container_identifier="nobody"), "NOT_FOUND", id="stop"),
        pytest.param("Remove", pb.RemoveRequest(container_identifier="nobody"), "NOT_FOUND", id="remove"),
        pytest.param("Inspect", pb.InspectRequest(container_identifier="nobody"), "NOT_FOUND", id="inspect"),
        pytest.param("LaunchContainer", pb.LaunchRequest(image="no/such:1"), "NOT_FOUND", id="no image"),
        pytest.param("LaunchContainer", pb.LaunchRequest(), "INVALID_ARGUMENT", id="no image named"),
        pytest.param("StopContainer", pb.StopRequest(timeout_seconds=-1), "INVALID_ARGUMENT", id="negative timeout"),
    ],
)
def test_what_cannot_be_done_has_its_status(site: Site, method: str, request_: Any, code: str) -> None:
    call = site.agent._channel.unary_unary(
        f"/logyard.agent.v1.Agent/{method}",
        request_serializer=type(request_).SerializeToString,
        response_deserializer=pb.Container.FromString,
    )
    with pytest.raises(grpc.RpcError) as raised:
        call(request_)
    assert status(raised.value).name == code
    said = details.StatusDetail.FromString(status_details(raised.value))
    assert said.details[0].type_url == "type.googleapis.com/google.rpc.ErrorInfo"


def test_a_name_is_given_once(site: Site) -> None:
    name = site.launch("sleep 600")
    with pytest.raises(Exception, match=f"Container '{name}' already exists"):
        site.launch("sleep 600", name=name)
    site.remove(name)


def test_a_command_in_a_container(site: Site) -> None:
    name = site.launch("sleep 600")
    assert run(site, name, "sh", "-c", "echo out; echo err >&2; exit 7") == (b"out\n", b"err\n", 7)
    assert run(site, name, "sh", "-c", "echo $A; pwd", env={"A": "b"}, workdir="/tmp") == (b"b\n/tmp\n", b"", 0)
    data = bytes(range(256)) * 400
    assert run(site, name, "cat", stdin=data) == (data, b"", 0)
    site.remove(name)


def test_a_shell_in_a_terminal(site: Site) -> None:
    name = site.launch("sleep 600")
    told: queue.Queue[pb.ExecRequest | None] = queue.Queue()
    start = pb.ExecStart(container_identifier=name, command=["sh"], tty=True, interactive=True, env={"PS1": "$ "})
    start.size.columns, start.size.rows = 100, 30
    told.put(pb.ExecRequest(start=start))
    call = site.agent.exec(iter(told.get, None))
    heard: list[bytes] = []
    codes: list[int] = []

    def listen() -> None:
        for response in call:
            heard.append(response.stdout)
            if response.WhichOneof("response") == "exit_code":
                codes.append(response.exit_code)

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    eventually(lambda: b"$ " in b"".join(heard))
    told.put(pb.ExecRequest(resize=pb.TerminalSize(columns=77, rows=33)))
    told.put(pb.ExecRequest(stdin=b"stty size; tty >/dev/null && echo a-terminal\n"))
    eventually(lambda: b"\na-terminal\r\n" in b"".join(heard))
    assert b"33 77\r\n" in b"".join(heard)
    told.put(pb.ExecRequest(stdin=b"echo be''gun; sleep 500\n"))
    eventually(lambda: b"begun\r\n" in b"".join(heard))
    told.put(pb.ExecRequest(stdin=b"\x03"))
    # What is typed before the interrupt is through would be thrown away with it: wait for the next prompt.
    eventually(lambda: b"$ " in b"".join(heard).partition(b"^C")[2])
    told.put(pb.ExecRequest(stdin=b"exit 9\n"))
    thread.join(120)
    told.put(None)
    assert codes == [9]
    site.remove(name)


def test_a_command_is_sent_a_signal(site: Site) -> None:
    name = site.launch("sleep 600")
    told: queue.Queue[pb.ExecRequest | None] = queue.Queue()
    script = "trap 'echo got it; exit 3' USR1; echo ready; while true; do sleep 0.05; done"
    told.put(pb.ExecRequest(start=pb.ExecStart(container_identifier=name, command=["sh", "-c", script])))
    call = iter(site.agent.exec(iter(told.get, None)))
    assert next(call).stdout == b"ready\n"
    told.put(pb.ExecRequest(signal="USR1"))
    rest = list(call)
    told.put(None)
    assert (b"".join(one.stdout for one in rest), rest[-1].exit_code) == (b"got it\n", 3)
    site.remove(name)


@pytest.mark.parametrize(
    ("requests", "code"),
    [
        pytest.param([pb.ExecRequest(stdin=b"x")], "INVALID_ARGUMENT", id="no start"),
        pytest.param([], "INVALID_ARGUMENT", id="nothing"),
        pytest.param(
            [pb.ExecRequest(start=pb.ExecStart(container_identifier="nobody", command=["x"]))], "NOT_FOUND", id="nobody"
        ),
    ],
)
def test_a_session_that_cannot_begin(site: Site, requests: list[pb.ExecRequest], code: str) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        list(site.agent.exec(requests))
    assert status(raised.value).name == code


def test_nothing_runs_in_what_has_ended(site: Site) -> None:
    name = site.launch("exit 0")
    site.ended(name)
    with pytest.raises(grpc.RpcError) as raised:
        run(site, name, "true")
    assert status(raised.value) is grpc.StatusCode.FAILED_PRECONDITION


def test_events_tell_a_life(site: Site) -> None:
    call = site.agent.stream("Events", pb.EventsRequest(), pb.Event)
    events = iter(call)
    assert next(events).action == "connected"
    name = site.launch("exit 4")
    site.ended(name)
    site.remove(name)
    seen: dict[str, pb.Event] = {}
    for event in events:
        if event.container_name == name:
            seen[event.action] = event
        if event.action == "remove" and event.container_name == name:
            break
    call.cancel()
    assert {"create", "start", "die", "remove"} <= set(seen)
    assert seen["die"].exit_code == 4
    assert seen["start"].time_ns > 0


def test_stats_show_who_works(site: Site) -> None:
    name = site.launch("while true; do :; done")
    call = site.agent.stream("Stats", pb.StatsRequest(container_identifier=name, interval_seconds=0.3), pb.StatsSample)
    samples = iter(call)
    first = next(samples)
    second = next(sample for sample in samples if sample.cpu_ns > first.cpu_ns)  # it may have to wait for its turn
    call.cancel()
    assert second.cpu_cores > 0
    assert second.memory_bytes > 0
    assert second.processes >= 1
    site.remove(name)


def test_the_host_is_known(site: Site) -> None:
    found = site.agent.ask("HostInfo", pb.HostInfoRequest(), pb.HostInfoResponse)
    assert found.driver == site.kind
    assert found.cpus >= 1
    assert found.engine_version
    assert found.agent_version


def test_a_command_that_will_not_hang_up_is_ended(tmp_path: Path) -> None:
    process = AgentProcess("--driver", "process", "--folder", str(tmp_path / "processes"))
    site = Site("process", process, None)
    name = site.launch("sleep 600")
    script = f"trap '' HUP; echo $$ > {tmp_path}/pid; echo ready; while true; do sleep 0.1; done"
    call = site.agent.exec(
        [pb.ExecRequest(start=pb.ExecStart(container_identifier=name, command=["sh", "-c", script]))]
    )
    assert next(iter(call)).stdout == b"ready\n"
    pid = (tmp_path / "pid").read_text().strip()
    call.cancel()
    eventually(lambda: not Path(f"/proc/{pid}").exists())
    site.agent.__exit__()
    assert process.stop() == 0


def test_a_program_that_is_gone_is_not_started_again(tmp_path: Path) -> None:
    process = AgentProcess("--driver", "process", "--folder", str(tmp_path / "processes"))
    site = Site("process", process, None)
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\nrm $0\necho once\nexit 1\n")
    program.chmod(0o755)
    request = pb.LaunchRequest(image=str(program), name="gone", restart="always")
    site.agent.ask("LaunchContainer", request, pb.Container)
    found = site.ended("gone")
    assert (found.exit_code, site.lines("gone")) == (1, [b"once\n"])
    site.agent.__exit__()
    assert process.stop() == 0
