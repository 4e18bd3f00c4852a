"""The generated Python is what the .proto files say, and the methods written by hand are those of the service."""

import subprocess
from pathlib import Path

import pytest

from logyard.agent.methods import METHODS, SERVICE
from logyard.agent.v1 import agent_pb2 as pb

ROOT = Path(__file__).parents[2]
GENERATED = sorted(path.name for path in (ROOT / "src/logyard/agent/v1").glob("*_pb2.py*"))


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("protos")
    subprocess.run([ROOT / "tools/protos", folder], check=True)
    return folder / "logyard/agent/v1"


@pytest.mark.parametrize("name", GENERATED)
def test_it_is_fresh(name: str, fresh: Path) -> None:
    made = (fresh / name).read_text()
    assert (ROOT / "src/logyard/agent/v1" / name).read_text() == made, "run: tools/protos"


def test_every_method_is_there() -> None:
    service = pb.DESCRIPTOR.services_by_name["Agent"]
    assert service.full_name == SERVICE
    said = {
        name: (method.request.DESCRIPTOR.name, method.streams_request, method.response.DESCRIPTOR.name)
        for name, method in METHODS.items()
    }
    assert said == {
        method.name: (method.input_type.name, method.client_streaming, method.output_type.name)
        for method in service.methods
    }


def test_the_messages_keep_their_field_names() -> None:
    assert {
        *("container_identifier", "follow", "tail", "since", "timestamps", "stdout", "stderr"),
        *("until", "include", "exclude", "cursor"),
    } <= set(pb.LogsRequest.DESCRIPTOR.fields_by_name)
    assert {"status", "entry"} <= set(pb.LogsResponse.DESCRIPTOR.fields_by_name)
    assert list(pb.LogsStatus.DESCRIPTOR.fields_by_name) == ["success", "message", "finished"]
    assert list(pb.LogEntry.DESCRIPTOR.fields_by_name) == ["data", "stream_type", "timestamp"]
