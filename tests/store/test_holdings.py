"""Moving rows over the embedded engine."""

from pathlib import Path

import pytest

from logyard.testing.holdings_suite import HoldingsSuite
from logyard.testing.parcels import ParcelMaker


class TestEmbeddedHoldings(HoldingsSuite):
    @pytest.fixture
    def parcels(self, tmp_path: Path) -> ParcelMaker:
        return ParcelMaker(tmp_path)
