"""Which partitions move down, and what the engine is told of the places."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from logyard.config import Config, S3Config, TiersConfig
from logyard.errors import BadConfig
from logyard.store.descend import tiers_of
from logyard.store.places import Folder, open_place
from logyard.store.s3 import ObjectStorage
from logyard.store.tiers import HOT, Descent, Lying, Tier, Tiers, due, engine_config
from logyard.types import Nanoseconds

DAY = 86_400_000_000_000
NOW = Nanoseconds(100 * DAY)
WARM = Tier(name="warm", place=Folder(Path("/warm")), days=7)
COLD = Tier(name="cold", place=Folder(Path("/cold")), days=30)


def parsed(tiers: Tiers) -> ET.Element:
    return ET.fromstring(engine_config(tiers, cache=Path("/c")))  # noqa: S314 - our own text


def lying(partition: str, days: float, *volumes: str) -> Lying:
    return Lying(partition=partition, newest=Nanoseconds(int(NOW - days * DAY)), volumes=frozenset(volumes))


@pytest.mark.parametrize(
    ("found", "want"),
    [
        pytest.param([lying("a", 6.9, HOT)], [], id="young"),
        pytest.param([lying("a", 7, HOT)], [Descent("a", "warm")], id="of age"),
        pytest.param([lying("a", 31, HOT)], [Descent("a", "cold")], id="old enough for both"),
        pytest.param([lying("a", 31, "warm")], [Descent("a", "cold")], id="from warm to cold"),
        pytest.param([lying("a", 31, "cold")], [], id="there already"),
        pytest.param([lying("a", 31, "cold", HOT)], [Descent("a", "cold")], id="late records follow"),
        pytest.param([lying("a", 8, "cold")], [], id="never up"),
        pytest.param([lying("a", 40, "of the user")], [], id="a volume of somebody else"),
        pytest.param(
            [lying("b", 8, HOT), lying("a", 9, HOT)], [Descent("a", "warm"), Descent("b", "warm")], id="oldest first"
        ),
    ],
)
def test_what_moves(found: list[Lying], want: list[Descent]) -> None:
    assert due(found, [WARM, COLD], NOW) == want


def test_the_engine_is_told_of_every_tier() -> None:
    storage = ObjectStorage(endpoint="http://127.0.0.1:9", access_key="a<b", secret_key="s&t")
    cold = Tier(name="cold", place=open_place("s3://yard/cold", storage), days=30)
    tree = parsed(Tiers(below=(WARM, cold), cache_bytes=5))
    disks = tree.find("storage_configuration/disks")
    assert disks is not None
    assert disks.findtext("warm/path") == "/warm/"
    assert disks.findtext("cold/type") == "cache"
    assert disks.findtext("cold/max_size") == "5"
    assert disks.findtext("cold_objects/endpoint") == "http://127.0.0.1:9/yard/cold/"
    assert disks.findtext("cold_objects/access_key_id") == "a<b"
    assert disks.findtext("cold_objects/secret_access_key") == "s&t"
    volumes = tree.find("storage_configuration/policies/tiers/volumes")
    assert volumes is not None
    assert [volume.tag for volume in volumes] == [HOT, "warm", "cold"]


def test_without_tiers_there_is_no_policy() -> None:
    assert parsed(Tiers()).find("storage_configuration") is None


@pytest.mark.parametrize(
    ("config", "path"),
    [
        pytest.param(Config(tiers=TiersConfig(cold="s3://yard/x")), "tiers.cold", id="no object storage"),
        pytest.param(Config(tiers=TiersConfig(warm="ftp://x")), "tiers.warm", id="no place"),
        pytest.param(
            Config(tiers=TiersConfig(warm="/w", cold="/c", warm_days=9, cold_days=8)), "tiers.cold_days", id="order"
        ),
        pytest.param(
            Config(tiers=TiersConfig(cold="/c"), s3=S3Config(secret_key_file="/nowhere")),
            "s3.secret_key_file",
            id="no secret",
        ),
    ],
)
def test_tiers_that_cannot_be(config: Config, path: str) -> None:
    with pytest.raises(BadConfig) as caught:
        tiers_of(config)
    assert caught.value.path == path
