"""The embedded engine keeps the port's promises."""

import resource
from pathlib import Path

import pytest

from logyard.errors import StoreFailed
from logyard.store.embedded import EmbeddedStore
from logyard.testing.parcels import ParcelMaker
from logyard.testing.store_suite import StoreSuite


class TestEmbeddedStore(StoreSuite):
    @pytest.fixture
    def parcels(self, tmp_path: Path) -> ParcelMaker:
        return ParcelMaker(tmp_path)


def test_a_second_engine_in_one_process_is_refused(store: EmbeddedStore, tmp_path: Path) -> None:
    assert store.stats().rows >= 0
    with pytest.raises(StoreFailed, match="engine"):
        EmbeddedStore(tmp_path / "second")


def test_the_limit_of_descriptors_is_raised(store: EmbeddedStore) -> None:
    assert store.stats().parts >= 0
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert soft >= min(65_536, hard)
