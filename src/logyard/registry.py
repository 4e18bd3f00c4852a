"""Components by name: ``type = "redact"`` under ``pipeline`` loads ``logyard.pipeline.steps.redact``.

A component is one decorated class in one file of its own; the file's name is the component's name, and its folder is
the family. It carries its configuration struct, a summary and an example; schema, docs and ``logyard components`` are
made from them. Strangers add components by entry points in the group ``logyard.<family>``; built-ins have no
privileges.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import entry_points
from typing import TypeVar, cast

import msgspec

from logyard.errors import BadConfig

__all__ = ["FAMILIES", "Component", "build", "component", "describe", "load", "names"]

FAMILIES: Mapping[str, str] = {
    "drivers": "logyard.agent.drivers",
    "formats": "logyard.formats",
    "outputs": "logyard.outputs",
    "receivers": "logyard.receivers",
    "steps": "logyard.pipeline.steps",
}
"""Family to package. A family's components are the modules of its package."""

_MARK = "__logyard_component__"
Kind = TypeVar("Kind", bound=type)


class Component(msgspec.Struct, frozen=True, kw_only=True):
    """What a component says about itself."""

    name: str
    summary: str
    config: type[msgspec.Struct]
    example: str
    """TOML, tested: it must load into ``config``."""
    make: Callable[[msgspec.Struct], object]


def component(name: str, *, config: type[msgspec.Struct], example: str) -> Callable[[Kind], Kind]:
    """Mark a class as the component of its file. The class takes its config struct as the only argument."""

    def mark(cls: Kind) -> Kind:
        summary = (cls.__doc__ or "").partition("\n")[0]
        setattr(cls, _MARK, Component(name=name, summary=summary, config=config, example=example, make=cls))
        return cls

    return mark


def names(family: str) -> list[str]:
    """All components of a family, built in and from entry points, sorted."""
    package = importlib.import_module(FAMILIES[family])
    built_in = (module.name for module in pkgutil.iter_modules(package.__path__))
    found = {name for name in built_in if _in_module(f"{FAMILIES[family]}.{name}") is not None}
    return sorted(found | {point.name for point in entry_points(group=f"logyard.{family}")})


def load(family: str, name: str) -> Component:
    """One component. Raises ``BadConfig`` with the names there are."""
    for point in entry_points(group=f"logyard.{family}", name=name):
        return cast("Component", getattr(point.load(), _MARK))
    found = None
    if name.isidentifier() and name in _modules(family):
        found = _in_module(f"{FAMILIES[family]}.{name}")
    if found is None:
        raise BadConfig(f"there is no {name!r} under {family}; there are: {', '.join(names(family))}", path="type")
    return found


def build(family: str, settings: Mapping[str, object], *, path: str = "") -> object:
    """Make a component from its settings, ``type`` among them. Raises ``BadConfig`` that names the setting."""
    kind = settings.get("type")
    if not isinstance(kind, str):
        raise BadConfig("says no type", path=path)
    found = load(family, kind)
    rest = {key: value for key, value in settings.items() if key != "type"}
    try:
        config = msgspec.convert(rest, found.config)
    except msgspec.ValidationError as error:
        raise BadConfig(str(error), path=f"{path}.{kind}") from error
    return found.make(config)


def describe() -> Iterator[tuple[str, Component]]:
    """Every component there is, with its family."""
    for family in FAMILIES:
        for name in names(family):
            yield family, load(family, name)


def _modules(family: str) -> set[str]:
    package = importlib.import_module(FAMILIES[family])
    return {module.name for module in pkgutil.iter_modules(package.__path__)}


def _in_module(path: str) -> Component | None:
    module = importlib.import_module(path)
    for value in vars(module).values():
        if isinstance(value, type) and value.__module__ == path and _MARK in vars(value):
            return cast("Component", getattr(value, _MARK))
    return None
