"""The locks under requirements/ are complete, hashed, and name no place to download from."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")
PLACE = re.compile(r"://|--?(?:extra-)?(?:index|find-links|trusted-host)|\s-[if]\s|\s@\s")


def entries(lock: Path) -> list[str]:
    """The entries of a lock, one string each, without comments."""
    text = re.sub(r"(?m)^\s*#.*\n", "", lock.read_text())
    return text.replace("\\\n", " ").strip().splitlines()


def requirement(entry: str) -> Requirement:
    return Requirement(HASH.sub("", entry).strip())


def pins(name: str) -> dict[str, set[str]]:
    """Every package of a lock, and what it is held at (several when that depends on the platform)."""
    found: dict[str, set[str]] = {}
    for entry in entries(ROOT / "requirements" / name):
        parsed = requirement(entry)
        found.setdefault(canonicalize_name(parsed.name), set()).add(f"{parsed.specifier}; {parsed.marker}")
    return found


def declared(*extras: str, groups: tuple[str, ...] = ()) -> list[Requirement]:
    """What pyproject.toml asks for, with these extras and dependency groups."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project = pyproject["project"]
    optional: Mapping[str, list[str]] = project["optional-dependencies"]
    texts = [*project["dependencies"], *pyproject["build-system"]["requires"]]
    texts += [text for extra in extras or optional for text in optional[extra]]
    texts += [text for group in groups for text in pyproject["dependency-groups"][group]]
    return [Requirement(text) for text in texts]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_requirement_is_pinned_with_sha256(lock: Path) -> None:
    loose = [
        entry.split("--hash")[0]
        for entry in entries(lock)
        if not HASH.search(entry) or [spec.operator for spec in requirement(entry).specifier] != ["=="]
    ]
    assert not loose, f"{lock.name}: not pinned and hashed: {loose}"


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_no_lock_names_a_place_to_download_from(lock: Path) -> None:
    lines = lock.read_text().splitlines()
    places = [f"{lock.name}:{number}: {line}" for number, line in enumerate(lines, 1) if PLACE.search(line)]
    assert not places, "\n".join(places)


def test_all_locks_are_there_and_no_other_kind() -> None:
    assert [lock.name for lock in LOCKS] == ["dev.txt", "run.txt", "tools.txt"]
    assert not (ROOT / "uv.lock").exists(), "uv.lock names a registry: use requirements/*.txt (make lock)"


def test_dev_lock_holds_the_run_lock_with_the_same_pins() -> None:
    dev = pins("dev.txt")
    other = {name: (want, dev.get(name)) for name, want in pins("run.txt").items() if dev.get(name) != want}
    assert not other, f"run `make lock`; run.txt and dev.txt differ in {other}"


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        pytest.param("run.txt", declared(), id="run holds every extra"),
        pytest.param("dev.txt", declared(groups=("dev", "build")), id="dev holds every group"),
    ],
)
def test_lock_satisfies_pyproject(lock: str, wanted: list[Requirement]) -> None:
    held = pins(lock)
    missing = [str(want) for want in wanted if not satisfied(want, held)]
    assert not missing, f"run `make lock`; {lock} does not satisfy {missing}"


def satisfied(want: Requirement, held: Mapping[str, set[str]]) -> bool:
    versions = {pin.split(";")[0].removeprefix("==") for pin in held.get(canonicalize_name(want.name), ())}
    return bool(versions) and all(want.specifier.contains(version) for version in versions)
