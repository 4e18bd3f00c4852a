"""The server around the methods: health, reflection, who may call, how it ends."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from logyard.agent.methods import SERVICE
from logyard.agent.v1 import agent_pb2 as pb
from logyard.errors import LogyardError, NotNow
from logyard.testing.ports import free_port
from tests.agent.sites import AgentProcess, Site, eventually, status

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


def start(folder: Path, *arguments: str) -> AgentProcess:
    return AgentProcess("--driver", "process", "--folder", str(folder / "processes"), *arguments)


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Site]:
    process = start(tmp_path)
    site = Site("process", process, None)
    yield site
    site.agent.__exit__()
    process.kill()


def test_health_is_watched_until_the_end(alone: Site) -> None:
    with grpc.insecure_channel(alone.process.address) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        for service in ("", SERVICE):
            assert health.Check(health_pb2.HealthCheckRequest(service=service)).status == SERVING
        with pytest.raises(grpc.RpcError) as raised:
            health.Check(health_pb2.HealthCheckRequest(service="other"))
        assert status(raised.value) is grpc.StatusCode.NOT_FOUND
        watch = health.Watch(health_pb2.HealthCheckRequest(service=SERVICE))
        assert next(watch).status == SERVING
        name = alone.launch("while true; do echo x; sleep 0.1; done")
        follow = alone.stream(name, follow=True)
        assert next(iter(follow)).entry.data == b"x\n"
        assert alone.process.stop() == 0
        assert next(watch).status == NOT_SERVING


def test_health_knows_that_the_engine_is_away(tmp_path: Path) -> None:
    process = AgentProcess("--driver", "docker", "--engine", f"unix://{tmp_path}/nothing")
    with grpc.insecure_channel(process.address) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        assert health.Check(health_pb2.HealthCheckRequest()).status == NOT_SERVING
        call = channel.unary_unary(
            f"/{SERVICE}/List",
            request_serializer=pb.ListRequest.SerializeToString,
            response_deserializer=pb.ListResponse.FromString,
        )
        with pytest.raises(grpc.RpcError, match="cannot reach the container engine") as raised:
            call(pb.ListRequest())
    assert status(raised.value) is grpc.StatusCode.UNAVAILABLE
    assert process.stop() == 0


def test_a_deadline_is_kept(alone: Site) -> None:
    name = alone.launch("sleep 600")
    call = alone.agent._channel.unary_stream(
        f"/{SERVICE}/GetLogs",
        request_serializer=pb.LogsRequest.SerializeToString,
        response_deserializer=pb.LogsResponse.FromString,
    )
    with pytest.raises(grpc.RpcError) as raised:
        list(call(pb.LogsRequest(container_identifier=name, follow=True), timeout=0.3))
    assert status(raised.value) is grpc.StatusCode.DEADLINE_EXCEEDED


def test_reflection_lists_the_service(alone: Site) -> None:
    with grpc.insecure_channel(alone.process.address) as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        asked = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
        listed = next(iter(stub.ServerReflectionInfo(asked))).list_services_response.service
    assert SERVICE in {service.name for service in listed}


def test_a_token_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("open sesame\n")
    process = start(tmp_path, "--token-file", str(tmp_path / "token"))
    for token, good in (("", False), ("wrong", False), ("open sesame", True)):
        monkeypatch.setenv("LOGYARD_TOKEN", token)
        site = Site("process", process, None)
        if good:
            assert site.launch("true")
        else:
            with pytest.raises(LogyardError, match="bearer token"):
                site.launch("true")
            with pytest.raises(grpc.RpcError) as raised:
                site.logs("any")
            assert status(raised.value) is grpc.StatusCode.UNAUTHENTICATED
        site.agent.__exit__()
    with grpc.insecure_channel(process.address) as channel:
        assert health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest()).status == SERVING
    assert process.stop() == 0


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """A root, a server's certificate for localhost, and a client's."""
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    openssl(tmp_path, "req", "-x509", *key, "-subj", "/CN=root", "-keyout", "root.key", "-out", "root.pem")
    signed = ["-CA", "root.pem", "-CAkey", "root.key", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    for name in ("server", "client"):
        openssl(
            tmp_path,
            *("req", "-x509", *key, "-subj", f"/CN={name}", *signed),
            *("-keyout", f"{name}.key", "-out", f"{name}.pem"),
        )
    return tmp_path


def test_only_clients_with_a_certificate_come_in(certificates: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = certificates / "agent.toml"
    lines = [
        f'{name} = "{certificates / file}"'
        for name, file in (("tls_cert", "server.pem"), ("tls_key", "server.key"), ("tls_client_ca", "root.pem"))
    ]
    config.write_text("\n".join(["[agent]", *lines]))
    process = start(certificates, "--config", str(config))
    monkeypatch.setenv("LOGYARD_TLS_CA", str(certificates / "root.pem"))
    site = Site("process", process, None)
    with pytest.raises(NotNow):
        site.launch("true")
    site.agent.__exit__()
    for name in ("cert", "key"):
        ending = "pem" if name == "cert" else "key"
        monkeypatch.setenv(f"LOGYARD_TLS_{name.upper()}", str(certificates / f"client.{ending}"))
    site = Site("process", process, None)
    assert site.launch("true")
    site.agent.__exit__()
    assert process.stop() == 0


def test_a_unix_socket_is_for_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    process = AgentProcess("--driver", "process", "--folder", str(tmp_path / "p"), listen=f"unix:{path}")
    assert path.stat().st_mode & 0o777 == 0o600
    site = Site("process", process, None)
    name = site.launch("echo hello")
    site.ended(name)
    assert site.lines(name) == [b"hello\n"]
    site.agent.__exit__()
    assert process.stop() == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["--listen", "0.0.0.0:0"], "can be reached from outside", id="open to the world"),
        pytest.param(["--driver", "rocket"], "there is no 'rocket' under drivers", id="no such driver"),
        pytest.param(["--engine", "http://x"], "neither unix:///path nor tcp://host:port", id="bad engine"),
        pytest.param(["--token-file", "/nothing"], "cannot read '/nothing'", id="no token file"),
    ],
)
def test_what_cannot_be_served_is_said(arguments: list[str], words: str) -> None:
    done = subprocess.run([sys.executable, "-m", "logyard", "agent", *arguments], capture_output=True, check=False)
    assert done.returncode == 1
    assert words in done.stderr.decode()


def test_an_address_is_taken_once(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        done = subprocess.run(
            [sys.executable, "-m", "logyard", "agent", "--driver", "process", "--listen", listen],
            capture_output=True,
            check=False,
            cwd=tmp_path,
        )
    assert done.returncode == 1
    assert f"cannot listen on {listen}" in done.stderr.decode()


def test_logs_outlive_the_agent_and_its_processes_do_not(tmp_path: Path) -> None:
    folder = str(tmp_path / "processes")
    process = AgentProcess("--driver", "process", "--folder", folder, listen=f"127.0.0.1:{free_port()}")
    site = Site("process", process, None)
    name = site.launch("echo kept; sleep 600")
    eventually(lambda: site.lines(name) == [b"kept\n"])
    process.kill()
    process.start()
    assert site.lines(name) == [b"kept\n"]
    found = site.inspect(name)
    assert (found.state, found.exit_code) == ("exited", 137)
    site.agent.__exit__()
    assert process.stop() == 0
