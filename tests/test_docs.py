"""The reference documentation is what the code says, and what the code says works."""

import inspect
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from logyard import errors
from logyard.cli.docs import PAGES
from logyard.cli.main import COMMANDS
from logyard.cli.settings import settings_of
from logyard.config import Config
from logyard.registry import Component, build, describe

ROOT = Path(__file__).parent.parent
REFERENCE = ROOT / "docs" / "reference"
COMPONENTS = [pytest.param(*part, id=f"{part[0]}/{part[1].name}") for part in describe()]


def page(name: str) -> str:
    return (REFERENCE / name).read_text()


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_fresh(name: str) -> None:
    assert page(name) == PAGES[name](), "run: python -m logyard.cli.docs"


def test_nothing_else_lies_there() -> None:
    assert {path.name for path in REFERENCE.iterdir()} == set(PAGES)


@pytest.mark.parametrize(("family", "component"), COMPONENTS)
def test_a_component_explains_itself(family: str, component: Component) -> None:
    assert component.summary.endswith("."), f"{family}/{component.name}: the summary is a sentence"
    assert f"### {component.name}\n" in page("components.md")


@pytest.mark.parametrize(("family", "component"), COMPONENTS)
def test_an_example_makes_the_component(family: str, component: Component) -> None:
    build(family, {"type": component.name, **tomllib.loads(component.example)})


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_documented(name: str) -> None:
    assert f"## logyard {name}\n" in page("commands.md")


@pytest.mark.parametrize("setting", list(settings_of(Config)), ids=lambda setting: setting.path)
def test_a_setting_is_documented(setting: msgspec.Struct) -> None:
    name = getattr(setting, "path", "").rpartition(".")[2]
    assert f"| `{name}` |" in page("configuration.md")


@pytest.mark.parametrize("name", errors.__all__)
def test_an_error_is_documented_and_stands_in_the_tree(name: str) -> None:
    assert re.search(rf"(?m)[ ─]{name}\b|^{name}$", inspect.getdoc(errors) or "")
    assert f"| {name} |" in page("errors.md")


def links() -> Iterator[tuple[str, str]]:
    """Every relative link of every page that is written by hand."""
    for path in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]):
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", path.read_text()):
            yield path.relative_to(ROOT).as_posix(), target


@pytest.mark.parametrize(("path", "target"), list(links()))
def test_a_link_leads_somewhere(path: str, target: str) -> None:
    assert (ROOT / path).parent.joinpath(target).exists()
