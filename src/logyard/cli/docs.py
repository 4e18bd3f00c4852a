"""The reference documentation, made from what the code says about itself: ``python -m logyard.cli.docs``.

Every page is a function without arguments that returns Markdown. Nothing is written by hand under docs/reference;
tests/test_docs.py fails when a page is not what its function says now.
"""

import ast
import importlib
import inspect
import logging
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec
from typer.main import get_command

import logyard
from logyard import errors
from logyard.cli.main import COMMANDS, command_module, overview
from logyard.cli.settings import Setting, settings_of
from logyard.config import Config
from logyard.formats.lines.catalog import automatic
from logyard.formats.lines.pattern import load_pattern, pattern_names
from logyard.registry import FAMILIES, describe, load
from logyard.telemetry import Event

__all__ = ["PAGES", "write_pages"]

HOME: Final = Path("docs/reference")
_WIDTH: Final = 100
_MADE: Final = "<!-- Made by `python -m logyard.cli.docs`; changes belong into the code. -->\n"


def configuration() -> str:
    """Every setting."""
    head = f"# Configuration\n\n{_MADE}\n" + _module_text("logyard.config")
    rows = list(settings_of(Config))
    sections = dict.fromkeys(row.path.rpartition(".")[0] for row in rows)
    parts = [_section(name, [row for row in rows if row.path.rpartition(".")[0] == name]) for name in sections]
    tools = "`logyard config check FILE` names every mistake, `logyard config show` prints what comes out of it all, "
    return head + "\n" + tools + "`logyard config schema` prints the JSON Schema.\n\n" + "\n".join(parts)


def components() -> str:
    """Every component, with its settings and its example."""
    head = f'# Components\n\n{_MADE}\n`type = "name"` in the configuration chooses one.\n'
    parts = [head]
    found = list(describe())
    for family in FAMILIES:
        parts.append(f"\n## {family}\n")
        for component in (each for its, each in found if its == family):
            parts.append(f"\n### {component.name}\n\n{component.summary}\n")
            rows = list(settings_of(component.config))
            parts.append("\n" + _table(rows) if rows else "\nNo settings.\n")
            if component.example.strip():
                parts.append(f"\n```toml\n{component.example.strip()}\n```\n")
    return "".join(parts)


def formats() -> str:
    """The formats of lines that ``auto`` chooses among, the one that says most about a line first."""
    rows = [f"| {name} | {form.rank} | {_cell(_about(name))} |" for name, form in automatic().items()]
    return (
        f'# Formats of lines\n\n{_MADE}\n`format = "name"` in the step `parse` demands one; `auto` finds out, line by '
        "line, and of two that fit takes the one with the higher rank.\n\n| format | rank | |\n|---|---|---|\n"
        + "\n".join(rows)
        + "\n"
    )


def _about(name: str) -> str:
    return load_pattern(name).summary + "." if name in pattern_names() else load("formats", name).summary


def commands() -> str:
    """What every command says about itself."""
    head = f"# Commands\n\n{_MADE}\n```text\n{overview()}```\n"
    parts = [head, "\n" + _exit_codes()]
    for name in COMMANDS:
        parts.append(f"\n## logyard {name}\n")
        parts += (f"\n```text\n{text}\n```\n" for text in _helps(name))
    return "".join(parts)


def error_tree() -> str:
    """Every error, what it means, and its HTTP status."""
    tree = inspect.getdoc(errors) or ""
    rows = ["| error | HTTP | meaning |", "|---|---|---|"]
    for name in errors.__all__:
        kind = getattr(errors, name)
        rows.append(f"| {name} | {_status(kind)} | {_first_line(kind)} |")
    lines = "\n".join(rows)
    return f"# Errors\n\n{_MADE}\n```text\n{tree}\n```\n\n{lines}\n"


def metrics() -> str:
    """Every metric that GET /metrics may show."""
    names = [name for name in _modules() if not name.endswith("__main__")]
    for name in names:
        importlib.import_module(name)
    rows = sorted([*_counted(), *(gauge for name in names for gauge in _gauges(name))])
    lines = "".join(f"| `{name}` | {kind} | {labels} | {about} |\n" for name, kind, labels, about in rows)
    text = "`GET /metrics`, Prometheus text. A metric appears when the first event of its kind has happened.\n"
    return f"# Metrics\n\n{_MADE}\n{text}\n| metric | kind | labels | meaning |\n|---|---|---|---|\n{lines}"


PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "configuration.md": configuration,
    "components.md": components,
    "formats.md": formats,
    "commands.md": commands,
    "errors.md": error_tree,
    "metrics.md": metrics,
}


def write_pages(home: Path) -> None:
    """All pages into a directory."""
    home.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        (home / name).write_text(page())


def _module_text(name: str) -> str:
    """A module's docstring, as Markdown."""
    return _markdown(inspect.getdoc(importlib.import_module(name)) or "") + "\n"


def _markdown(text: str) -> str:
    return text.replace("``", "`")


def _section(name: str, rows: list[Setting]) -> str:
    title = f"## [{name}]" if name else "## Top level"
    about = f"{_first_line(type(getattr(Config(), name)))}\n\n" if name else ""
    return f"{title}\n\n{about}{_table(rows)}"


def _table(rows: list[Setting]) -> str:
    lines = ["| setting | type | default | meaning |", "|---|---|---|---|"]
    for row in rows:
        default = "required" if row.default is msgspec.NODEFAULT else _code(msgspec.json.encode(row.default).decode())
        name = row.path.rpartition(".")[2]
        lines.append(f"| `{name}` | {row.kind} | {default} | {_cell(_markdown(row.about))} |")
    return "\n".join(lines) + "\n"


def _code(text: str) -> str:
    return f"`{_cell(text)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _exit_codes() -> str:
    """The table in the docstring of the command's entry."""
    text = inspect.getdoc(importlib.import_module("logyard.cli.main")) or ""
    found = re.findall(r"^    (\d+) +(.+)$", text, re.MULTILINE)
    rows = "".join(f"| {code} | {meaning} |\n" for code, meaning in found)
    return f"| exit code | meaning |\n|---|---|\n{rows}"


def _helps(name: str) -> Iterator[str]:
    """The help of a command, and of the commands under it."""
    command = get_command(command_module(name))
    context = command.make_context(f"logyard {name}", [], resilient_parsing=True, terminal_width=_WIDTH)
    yield command.get_help(context)
    for child, sub in getattr(command, "commands", {}).items():
        inner = sub.make_context(child, [], parent=context, resilient_parsing=True, terminal_width=_WIDTH)
        yield sub.get_help(inner)


def _status(kind: type[Exception]) -> str:
    from logyard.serve.http.problems import problem_of  # noqa: PLC0415 - an optional part; only for this page

    # An error without a constructor of its own takes any number of arguments, none included.
    _, *own = inspect.signature(kind.__init__).parameters.values()
    needed = [each for each in own if each.default is each.empty and each.kind is each.POSITIONAL_OR_KEYWORD]
    logging.disable()  # what happens inside is logged where it is answered; here nothing happened
    try:
        return str(problem_of(kind(*("" for _ in needed))).status)
    finally:
        logging.disable(logging.NOTSET)


def _first_line(kind: type) -> str:
    return _cell(_markdown((inspect.getdoc(kind) or "").partition("\n")[0]))


def _modules() -> Iterator[str]:
    return (module.name for module in pkgutil.walk_packages(logyard.__path__, "logyard."))


def _counted() -> Iterator[tuple[str, str, str, str]]:
    """The metrics of every kind of event, by the rule that telemetry.py states."""
    for kind in _kinds(Event):
        fields = {field.name: field.type for field in msgspec.structs.fields(kind)}
        labels = ", ".join(f"`{name}`" for name, type_ in fields.items() if type_ is str)
        stem = "logyard_" + re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()
        yield f"{stem}_total", "counter", labels, _first_line(kind)
        if "bytes" in fields:
            yield f"{stem}_bytes_total", "counter", labels, "Bytes of the same."
        if "seconds" in fields:
            yield f"{stem}_seconds", "histogram", labels, "Seconds of the same."


def _kinds(kind: type[Event]) -> Iterator[type[Event]]:
    for child in kind.__subclasses__():
        if child.__module__.startswith("logyard."):
            yield child
        yield from _kinds(child)


def _gauges(module: str) -> Iterator[tuple[str, str, str, str]]:
    """What is given to ``telemetry.watch`` in a module."""
    source = inspect.getsource(importlib.import_module(module)) if module.startswith("logyard.") else ""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(
                func=ast.Attribute(attr="watch" | "watch_each"),
                args=[ast.Constant(value=str(name)), ast.Constant(value=str(about)), *_],
                keywords=given,
            ):
                labels = [
                    f"`{each.value.value!s}`"
                    for each in given
                    if isinstance(each.value, ast.Constant) and each.arg == "label"
                ]
                yield name, "gauge", ", ".join(labels), _cell(about)
            case _:
                continue


if __name__ == "__main__":
    write_pages(Path(sys.argv[1]) if sys.argv[1:] else HOME)
