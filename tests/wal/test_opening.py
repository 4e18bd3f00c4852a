"""Which buffer the configuration means, and what it refuses."""

import subprocess
import sys
from pathlib import Path

import pytest

from logyard.clock import SystemClock
from logyard.config import Config, IngestConfig
from logyard.errors import BadConfig, StoreFailed
from logyard.testing.buffer_suite import made
from logyard.testing.nats import NatsCluster
from logyard.wal.buffers import node_name, open_buffer


def test_a_node_is_called_by_its_name_or_its_number() -> None:
    assert node_name(Config(node="eu-1")) == "eu-1"
    assert node_name(Config(ingest=IngestConfig(machine=7))) == "node-7"
    with pytest.raises(BadConfig, match="no name of a node"):
        node_name(Config(node="a.b"))


async def test_without_a_word_it_is_the_disk(tmp_path: Path) -> None:
    buffer = open_buffer(Config(data=tmp_path), SystemClock())
    assert await buffer.append(made(1)) == 1
    buffer.release()
    assert list((tmp_path / "wal").glob("*.sealed"))


@pytest.mark.parametrize(
    ("url", "error", "wanted"),
    [
        pytest.param("mqtt://h:1/x", BadConfig, "there are: nats://, kafka://", id="unknown"),
        pytest.param("nats://127.0.0.1:1/LOGS?start=1", StoreFailed, "nobody answers", id="nobody there"),
        pytest.param("nats://127.0.0.1:1/LOGS?replicas=x", BadConfig, "replicas=x", id="no number"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, url: str, error: type[Exception], wanted: str) -> None:
    with pytest.raises(error, match=wanted):
        open_buffer(Config(data=tmp_path, buffer=url), SystemClock())


def test_a_stream_that_keeps_less_than_asked_for_is_refused(tmp_path: Path) -> None:
    with NatsCluster(tmp_path / "nats", nodes=1) as cluster:
        url = cluster.url("LOGS")
        open_buffer(Config(data=tmp_path / "a", buffer=url), SystemClock()).release()
        for more, wanted in (("&max_bytes=1000", "4 segments"), ("&max_bytes=-2", "at least -1")):
            with pytest.raises(BadConfig, match=wanted):
                open_buffer(Config(data=tmp_path / "b", buffer=url + more), SystemClock())
        with pytest.raises(BadConfig, match="1 replicas, not 3"):
            open_buffer(Config(data=tmp_path / "c", buffer=url.replace("replicas=1", "replicas=3")), SystemClock())
        cluster.ask(lambda client: client.jetstream().add_stream(name="OLD-node-1", subjects=["old"], max_age=60))
        with pytest.raises(BadConfig, match="is no buffer"):
            open_buffer(Config(data=tmp_path / "d", buffer=cluster.url("OLD")), SystemClock())


@pytest.mark.parametrize(
    ("module", "url", "extra"),
    [
        pytest.param("nats", "nats://h:1/LOGS", "nats", id="nats"),
        pytest.param("confluent_kafka", "kafka://h:1/LOGS", "kafka", id="kafka"),
    ],
)
def test_a_missing_part_is_named(tmp_path: Path, module: str, url: str, extra: str) -> None:
    code = (
        f"import sys; sys.modules[{module!r}] = None\n"
        "from logyard.clock import SystemClock\nfrom logyard.config import Config\n"
        "from logyard.wal.buffers import open_buffer\nfrom pathlib import Path\n"
        f"open_buffer(Config(data=Path({str(tmp_path)!r}), buffer={url!r}), SystemClock())"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert f"pip install 'logyard[{extra}]'" in ended.stderr
