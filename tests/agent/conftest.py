"""Real engines with a real agent in front, one of each for a whole test process; tests see them through gRPC."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from logyard.testing.containers import DockerEngine, Engine, PodmanEngine
from tests.agent.sites import AgentProcess, Site


def _as_root() -> None:
    if os.geteuid():
        pytest.skip("container engines are started as root only")


@pytest.fixture(scope="session")
def engines() -> Iterator[Callable[[str], Engine | None]]:
    """Each engine once for all tests of this process, started by the first that needs it."""
    started: dict[str, Engine] = {}
    homes: list[Path] = []

    def get(kind: str) -> Engine | None:
        if kind == "process":
            return None
        _as_root()
        if kind not in started:
            homes.append(Path(tempfile.mkdtemp(prefix="ly-", dir="/tmp")))
            homes[-1].chmod(0o755)
            make = DockerEngine if kind == "docker" else PodmanEngine
            started[kind] = make(homes[-1] / "e").__enter__()
        return started[kind]

    try:
        yield get
    finally:
        for engine in started.values():
            engine.close()
        for home in homes:
            shutil.rmtree(home, ignore_errors=True)


def driver_arguments(kind: str, engine: Engine | None, folder: Path) -> list[str]:
    where = ["--folder", str(folder)] if engine is None else ["--engine", engine.url]
    return ["--driver", kind, *where]


@pytest.fixture(scope="session")
def sites(
    engines: Callable[[str], Engine | None], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Site]]:
    """An agent in front of each engine."""
    made: dict[str, Site] = {}

    def get(kind: str) -> Site:
        if kind not in made:
            engine = engines(kind)
            arguments = driver_arguments(kind, engine, tmp_path_factory.mktemp("processes"))
            made[kind] = Site(kind, AgentProcess(*arguments), engine)
        return made[kind]

    yield get
    for site in made.values():
        site.agent.__exit__()
        assert site.process.stop() == 0


@pytest.fixture(params=["docker", "podman", "process"])
def site(request: pytest.FixtureRequest, sites: Callable[[str], Site]) -> Site:
    """Each test with each engine."""
    return sites(request.param)


@pytest.fixture(params=["docker", "process"])
def quick_site(request: pytest.FixtureRequest, sites: Callable[[str], Site]) -> Site:
    """For what is the command line's own doing: without the engine that takes longest."""
    return sites(request.param)
