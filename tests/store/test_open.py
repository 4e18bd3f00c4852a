"""One setting picks the store, and loads no more than that one."""

import subprocess
import sys
from pathlib import Path

import pytest

from logyard.clock import SystemClock
from logyard.config import Config
from logyard.errors import BadConfig, StoreFailed
from logyard.store.open import open_store


@pytest.mark.parametrize(
    ("store", "reason"),
    [
        pytest.param("sqlite://x", "is none of clickhouse, clickhouses", id="another kind"),
        pytest.param("clickhouse://h?cluster=a b", "no name of a cluster", id="a bad name"),
    ],
)
def test_a_bad_address_names_the_setting(tmp_path: Path, store: str, reason: str) -> None:
    with pytest.raises(BadConfig, match=f"store: .*{reason}"):
        open_store(Config(data=tmp_path, store=store), SystemClock())


def test_a_cluster_that_is_not_there_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(StoreFailed, match=r"no server of the cluster answers: 127\.0\.0\.1:1 is away"):
        open_store(Config(data=tmp_path, store="clickhouse://127.0.0.1:1"), SystemClock())


@pytest.mark.parametrize(
    ("missing", "said"),
    [("pyarrow", "'logyard[cluster]'"), ("", "no server of the cluster answers")],
    ids=["a part is missing", "all parts are there"],
)
def test_the_cluster_is_reached_without_the_engine(tmp_path: Path, missing: str, said: str) -> None:
    program = f"""
import sys
from pathlib import Path
sys.modules["chdb"] = None
if {missing!r}:
    sys.modules[{missing!r}] = None
from logyard.store.open import open_store
from logyard.clock import SystemClock
from logyard.config import Config
from logyard.errors import LogyardError
try:
    open_store(Config(data=Path({str(tmp_path)!r}), store="clickhouse://127.0.0.1:1"), SystemClock())
except LogyardError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert said in done.stdout, done.stderr
