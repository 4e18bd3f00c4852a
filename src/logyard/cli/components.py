"""``logyard components``: the parts that a configuration can use."""

from typing import Annotated

import msgspec
import typer

from logyard.cli.options import TableOption, TableOutput, application
from logyard.cli.output import write
from logyard.cli.settings import Setting, settings_of
from logyard.cli.terminal import write_json
from logyard.registry import FAMILIES, Component, describe, load

__all__ = ["app", "described"]


def components(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="FAMILY [NAME]", help="Only these; a name shows everything."),
    ] = None,
    *,
    output: TableOption = TableOutput.TEXT,
) -> None:
    """List the parts that a configuration can use, or show one of them with its settings and an example.

    \b
    logyard components
    logyard components steps
    logyard components steps redact
    """  # noqa: D301 - \b keeps the lines of the examples apart
    family, name, *_ = [*(names or []), "", ""]
    if family and family not in FAMILIES:
        known = ", ".join(FAMILIES)
        raise typer.BadParameter(f"there is no family {family!r}; there are: {known}", param_hint="FAMILY")
    found = [(family, load(family, name))] if name else [part for part in describe() if family in {"", part[0]}]
    if output is TableOutput.JSON:
        write_json([described(*part) for part in found])
        return
    write(_whole(*found[0]) if name else _table(found))


app = application(components)


def described(family: str, component: Component) -> dict[str, object]:
    """One component as plain values."""
    return {
        "family": family,
        "name": component.name,
        "summary": component.summary,
        "settings": [_setting(setting) for setting in settings_of(component.config)],
        "example": component.example.strip(),
    }


def _setting(setting: Setting) -> dict[str, object]:
    default = {} if setting.default is msgspec.NODEFAULT else {"default": setting.default}
    return {"name": setting.path, "type": setting.kind, "about": setting.about, **default}


def _table(found: list[tuple[str, Component]]) -> str:
    rows = [(family, component.name, component.summary) for family, component in found]
    widths = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
    return "".join(f"{family:<{widths[0]}}  {name:<{widths[1]}}  {about}\n" for family, name, about in rows)


def _whole(family: str, component: Component) -> str:
    lines = [f"{family}/{component.name}: {component.summary}", "", "Settings:"]
    for setting in settings_of(component.config):
        default = "required" if setting.default is msgspec.NODEFAULT else f"default {setting.default!r}"
        lines += [f"  {setting.path}  ({setting.kind}, {default})", f"      {setting.about}"]
    return "\n".join([*lines, "", "Example:", "", component.example.strip(), ""])
