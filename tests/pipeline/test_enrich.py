"""What is added to records: tables, networks, browsers, machine and pod."""

import ipaddress
import random
import socket
from pathlib import Path
from typing import Any

import pytest

from logyard.errors import BadConfig
from logyard.pipeline.chain import Chain
from logyard.pipeline.enriching.machine import container
from tests.pipeline.frames import NOW, attributes, framed, run

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/117.0.5 Safari/537.36"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 Version/17.4 Mobile/15E1 Safari/604.1"
)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"


def test_the_same_for_all_but_for_what_is_there() -> None:
    step = {"type": "enrich", "fields": {"env": "prod", "n": 5, "service": "own"}, "host": True}
    left = run([{"message": "a"}, {"env": "test", "service": "s", "host": "h"}], step)
    assert attributes(left) == [{"env": "prod", "n": 5}, {"env": "test", "n": 5}]
    assert left["service"].to_list() == ["own", "s"]
    assert left["host"].to_list() == [socket.gethostname(), "h"]
    over = run([{"env": "test"}], {"type": "enrich", "fields": {"env": "prod"}, "overwrite": True})
    assert attributes(over) == [{"env": "prod"}]


def test_columns_of_a_table_which_may_change(tmp_path: Path) -> None:
    table = tmp_path / "teams.csv"
    table.write_text('service,team,note\nshop,"a ""b""",\nshop,second,\nweb,w,n\n')
    step = {"type": "enrich", "lookup": [{"file": str(table), "field": "service", "prefix": "own."}]}
    chain = Chain.of([step])
    frame = framed({"service": "shop"}, {"service": "web"}, {"service": "none"})

    def found() -> list[dict[str, Any]]:
        return attributes(chain.apply(frame, NOW))  # type: ignore[arg-type] # a frame, as what was given

    assert found() == [{"own.team": 'a "b"'}, {"own.team": "w", "own.note": "n"}, {}]
    table.with_suffix(".new").write_text("service,team\nshop,other\n")
    table.with_suffix(".new").replace(table)
    assert found() == [{"own.team": "other"}, {}, {}]
    table.unlink()
    assert found() == [{"own.team": "other"}, {}, {}]
    table.write_text("no,such,column\n")
    assert found() == [{"own.team": "other"}, {}, {}]


@pytest.mark.parametrize(
    ("address", "want"),
    [
        pytest.param("10.0.2.5", "outer", id="in the larger one"),
        pytest.param("10.0.1.5", "inner", id="in the smaller one"),
        pytest.param("10.0.1.255", "inner", id="its last"),
        pytest.param("9.255.255.255", None, id="before the first"),
        pytest.param("11.0.0.0", None, id="behind the last"),
        pytest.param("192.0.2.7", "range", id="in a range"),
        pytest.param("2001:db8::1", "six", id="IPv6"),
        pytest.param("nonsense", None, id="no address"),
    ],
)
def test_networks(tmp_path: Path, address: str, want: str | None) -> None:
    nets = tmp_path / "nets.csv"
    nets.write_text("network,name\n10.0.0.0/24,first\n10.0.0.0/8,outer\n10.0.1.0/24,inner\n2001:db8::/32,six\n")
    ranges = tmp_path / "ranges.csv"
    ranges.write_text("start,end,name\n192.0.2.5,192.0.2.9,range\n")
    step = {"type": "enrich", "networks": [{"file": str(nets), "field": "ip"}, {"file": str(ranges), "field": "ip"}]}
    left = attributes(run([{"ip": address}], step))[0]
    assert left.get("geo.name") == want


def test_networks_against_a_search_of_all(tmp_path: Path) -> None:
    chance = random.Random(5)
    networks = [
        ipaddress.ip_network((chance.getrandbits(32), chance.choice((4, 8, 12, 16, 20))), strict=False)
        for _ in range(60)
    ]
    networks = list(dict.fromkeys(networks))
    file = tmp_path / "nets.csv"
    file.write_text("network,name\n" + "".join(f"{each},{each}\n" for each in networks))
    addresses = [str(ipaddress.IPv4Address(chance.getrandbits(32))) for _ in range(400)]
    left = run(
        [{"ip": each} for each in addresses], {"type": "enrich", "networks": [{"file": str(file), "field": "ip"}]}
    )
    for address, found in zip(addresses, attributes(left), strict=True):
        holding = [each for each in networks if ipaddress.ip_address(address) in each]
        assert found.get("geo.name") == (str(max(holding, key=lambda one: one.prefixlen)) if holding else None)


@pytest.mark.parametrize(
    ("agent", "want"),
    [
        pytest.param(CHROME, ("Chrome", "117.0.5", "Windows", "10.0", "desktop"), id="Chrome"),
        pytest.param(SAFARI, ("Safari", "17.4", "iOS", "17.4", "phone"), id="Safari on a phone"),
        pytest.param(FIREFOX, ("Firefox", "145.0", "Linux", None, "desktop"), id="Firefox"),
        pytest.param("curl/8.11.1", ("curl", "8.11.1", None, None, "program"), id="curl"),
        pytest.param("Googlebot/2.1 (+x)", ("bot", None, None, None, "bot"), id="a bot"),
        pytest.param("?", (None, None, None, None, None), id="nothing known"),
    ],
)
def test_user_agents(agent: str, want: tuple[str | None, ...]) -> None:
    found = attributes(run([{"ua": agent}], {"type": "enrich", "user_agent": "ua"}))[0]
    parts = ("name", "version", "os", "os_version", "device")
    assert tuple(found.get(f"ua.{part}") for part in parts) == want


def test_the_pod_by_the_downward_api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "labels").write_text('app="shop"\napp.kubernetes.io/part-of="all \\"of\\" it"\n\nbroken\n')
    for name in ("POD_NAMESPACE", "POD_UID", "POD_IP", "CONTAINER_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("POD_NAME", "shop-1")
    monkeypatch.setenv("NODE_NAME", "n1")
    step = {"type": "enrich", "kubernetes": {"podinfo": str(tmp_path)}}
    assert attributes(run([{"a": 1}], step)) == [
        {
            "a": 1,
            "kubernetes.pod": "shop-1",
            "kubernetes.node": "n1",
            "kubernetes.labels.app": "shop",
            "kubernetes.labels.app.kubernetes.io/part-of": 'all "of" it',
        }
    ]


@pytest.mark.parametrize(
    ("file", "text"),
    [
        pytest.param("cgroup", "0::/kubepods.slice/cri-containerd-{id}.scope\n", id="systemd"),
        pytest.param("cgroup", "12:cpu:/docker/{id}\n", id="docker"),
        pytest.param("mountinfo", "1 2 0:1 /var/lib/docker/containers/{id}/hostname /etc/hostname rw\n", id="a mount"),
    ],
)
def test_the_container(tmp_path: Path, file: str, text: str) -> None:
    (tmp_path / file).write_text(text.format(id="ab" * 32))
    assert container(tmp_path) == {"container.id": "ab" * 32}


def test_no_container(tmp_path: Path) -> None:
    assert container(tmp_path) == {}


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        pytest.param({}, "say what is added", id="nothing"),
        pytest.param({"lookup": [{"file": "/no/file", "field": "a"}]}, "cannot read /no/file", id="no table"),
        pytest.param({"networks": [{"file": "/no/file", "field": "a"}]}, "cannot read /no/file", id="no networks"),
        pytest.param({"fields": {"tags": "x"}}, "cannot be set", id="a column that follows"),
    ],
)
def test_a_bad_setting(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(BadConfig, match=says):
        Chain.of([{"type": "enrich", **settings}])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("name\nx\n", "neither a column network", id="no networks"),
        pytest.param("network,name\n10.0.0.0/99,x\n", "line 2", id="no network"),
    ],
)
def test_networks_that_are_none(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "nets.csv"
    file.write_text(text)
    with pytest.raises(BadConfig, match=says):
        Chain.of([{"type": "enrich", "networks": [{"file": str(file), "field": "ip"}]}])
