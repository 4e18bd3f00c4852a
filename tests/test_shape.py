"""The shape of the code: sizes, names, depth, and one component per extension file.

A rule is a function from a parsed module to the findings in it, printed as `path:line: what`.
What ruff or import-linter can say is left to them; this file holds what they cannot.
"""

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = "src/logyard"
HOMES = (PACKAGE, "tests", "bench")

MODULE_LINES = 400
FUNCTION_LINES = 50
PARAMETERS = 5
NESTING = 3
FOLDERS = 4
FORBIDDEN_NAMES = frozenset({"base", "common", "helper", "helpers", "manager", "misc", "util", "utils"})

# Folders in which every file is one component that carries the file's name ...
EXTENSIONS = frozenset(
    f"{PACKAGE}/{folder}"
    for folder in (
        "agent/drivers",
        "alerts/channels",
        "formats",
        "language/filters",
        "outputs",
        "pipeline/steps",
        "query/pipes",
        "receivers",
    )
)
# ... but for these, which serve the family.
FAMILY_FILES = frozenset(
    f"{PACKAGE}/{path}"
    for path in (
        "outputs/forward.py",
        "outputs/http_client.py",
        "outputs/runs.py",
        "receivers/http_block.py",
        "receivers/http_body.py",
        "receivers/http_intake.py",
    )
)

# Made by tools/protos; nobody reads or changes it.
GENERATED = "*_pb2.py"

# Typer reads one parameter per option of a command.
COMMANDS = f"{PACKAGE}/cli/"

REASONED_NOQA = re.compile(r"# noqa: PLC0415\W+\w+\W+\w+")

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
Function = ast.FunctionDef | ast.AsyncFunctionDef
BLOCKS = (
    ast.If,
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.With,
    ast.AsyncWith,
    ast.Try,
    ast.TryStar,
    ast.Match,
)


@dataclass(frozen=True)
class Finding:
    """One place that breaks a rule."""

    path: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}"


@dataclass(frozen=True)
class Module:
    """One source file; `path` is relative to the repository, with slashes."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @cached_property
    def lines(self) -> Sequence[str]:
        return self.text.splitlines()

    @cached_property
    def functions(self) -> Sequence[Function]:
        return [node for node in ast.walk(self.tree) if isinstance(node, FUNCTIONS)]

    def finding(self, line: int, what: str) -> Finding:
        return Finding(self.path, line, what)


Rule = Callable[[Module], Iterator[Finding]]


def module_is_short(module: Module) -> Iterator[Finding]:
    if len(module.lines) > MODULE_LINES:
        what = f"module of {len(module.lines)} lines (at most {MODULE_LINES})"
        yield module.finding(MODULE_LINES + 1, what)


def functions_are_short(module: Module) -> Iterator[Finding]:
    for function in module.functions:
        length = (function.end_lineno or function.lineno) - function.lineno + 1
        if length > FUNCTION_LINES:
            what = f"{function.name}() is {length} lines long (at most {FUNCTION_LINES})"
            yield module.finding(function.lineno, what)


def functions_take_few_parameters(module: Module) -> Iterator[Finding]:
    if module.path.startswith(COMMANDS):
        return
    for function in module.functions:
        count = len(parameters(function))
        if count > PARAMETERS:
            what = f"{function.name}() takes {count} parameters (at most {PARAMETERS}): make a struct"
            yield module.finding(function.lineno, what)


def parameters(function: Function) -> Sequence[str]:
    """Names of the parameters without self and cls."""
    found = function.args
    stars = [star for star in (found.vararg, found.kwarg) if star is not None]
    names = [parameter.arg for parameter in [*found.posonlyargs, *found.args, *found.kwonlyargs, *stars]]
    return names[1:] if names[:1] in (["self"], ["cls"]) else names


def functions_nest_little(module: Module) -> Iterator[Finding]:
    for function in module.functions:
        for line in too_deep(function.body, depth=0):
            what = f"{function.name}() nests deeper than {NESTING}: return early, or extract"
            yield module.finding(line, what)


def too_deep(nodes: Iterable[ast.AST], *, depth: int) -> Iterator[int]:
    """Lines of the outermost blocks below the allowed depth; an inner function starts anew, on its own."""
    for node in nodes:
        if isinstance(node, FUNCTIONS):
            continue
        if not isinstance(node, BLOCKS):
            yield from too_deep(ast.iter_child_nodes(node), depth=depth)
        elif depth == NESTING:
            yield node.lineno
        else:
            yield from too_deep(contents(node), depth=depth + 1)


def contents(block: ast.AST) -> Iterator[ast.AST]:
    """What stands inside a block; `elif` is on the level of its `if`."""
    for child in ast.iter_child_nodes(block):
        if isinstance(block, ast.If) and block.orelse == [child] and is_elif(child, of=block):
            yield from contents(child)
        else:
            yield child


def is_elif(node: ast.AST, *, of: ast.If) -> bool:
    return isinstance(node, ast.If) and node.col_offset == of.col_offset


def folders_are_few(module: Module) -> Iterator[Finding]:
    depth = len(PurePosixPath(module.path).parent.parts) - len(PurePosixPath(PACKAGE).parts)
    if module.path.startswith(PACKAGE) and depth > FOLDERS:
        yield module.finding(1, f"{depth} folders below {PACKAGE} (at most {FOLDERS})")


def names_say_something(module: Module) -> Iterator[Finding]:
    for name in PurePosixPath(module.path).with_suffix("").parts:
        if name in FORBIDDEN_NAMES:
            yield module.finding(1, f"'{name}' says nothing: name it by what it holds")


def extension_file_holds_its_component(module: Module) -> Iterator[Finding]:
    path = PurePosixPath(module.path)
    if str(path.parent) not in EXTENSIONS or path.stem == "__init__" or module.path in FAMILY_FILES:
        return
    found = [
        (node, name)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef)
        for name in registered_names(node)
    ]
    if len(found) != 1:
        yield module.finding(1, f'{len(found)} classes are marked @component("...") (exactly one)')
    for node, name in found:
        if name.replace("-", "_") != path.stem.removesuffix("_"):
            what = f"component '{name}' lives in {path.name}: file and name must agree"
            yield module.finding(node.lineno, what)


def registered_names(node: ast.ClassDef) -> Iterator[str]:
    """The names given by `@component("name")`."""
    for decorator in node.decorator_list:
        match decorator:
            case ast.Call(
                func=ast.Name(id="component") | ast.Attribute(attr="component"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                yield name
            case _:
                continue


def imports_stand_at_the_top(module: Module) -> Iterator[Finding]:
    nodes = {node for function in module.functions for node in ast.walk(function)}
    for node in nodes:
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        text = "\n".join(module.lines[node.lineno - 1 : node.end_lineno])
        if not REASONED_NOQA.search(text):
            what = "import inside a function: put it at the top, or add `# noqa: PLC0415 - <reason in words>`"
            yield module.finding(node.lineno, what)


RULES: Sequence[Rule] = (
    module_is_short,
    functions_are_short,
    functions_take_few_parameters,
    functions_nest_little,
    folders_are_few,
    names_say_something,
    extension_file_holds_its_component,
    imports_stand_at_the_top,
)


@pytest.fixture(scope="module")
def modules() -> Sequence[Module]:
    paths = sorted(path for home in HOMES for path in (ROOT / home).rglob("*.py") if not path.match(GENERATED))
    return [Module(path.relative_to(ROOT).as_posix(), path.read_text()) for path in paths]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_module_keeps_the_rule(rule: Rule, modules: Sequence[Module]) -> None:
    findings = [finding for module in modules for finding in rule(module)]
    report = "\n".join(str(finding) for finding in findings)
    assert not findings, f"{len(findings)} findings\n{report}"


def nested(*headers: str) -> str:
    """A function whose body is these block headers, each inside the one before."""
    lines = ["def f(x):", *headers, "pass"]
    return "\n".join("    " * depth + line for depth, line in enumerate(lines))


COMPONENT = '@component("{name}")\nclass Decoder: ...\n'


@pytest.mark.parametrize(
    ("path", "text", "lines"),
    [
        pytest.param("tests/a.py", "x = 1\n" * 401, [401], id="module too long"),
        pytest.param("tests/a.py", "x = 1\n" * 400, [], id="module just short enough"),
        pytest.param("tests/a.py", "def f():\n" + "    x = 1\n" * 50, [1], id="function too long"),
        pytest.param("tests/a.py", "def f():\n" + "    x = 1\n" * 49, [], id="function just short enough"),
        pytest.param("tests/a.py", "def f(a, b, /, c, *, d, e, g): ...", [1], id="six parameters"),
        pytest.param("tests/a.py", "def f(self, a, b, c, *, d, e): ...", [], id="self is not counted"),
        pytest.param(f"{COMMANDS}up.py", "def f(a, b, c, d, e, g): ...", [], id="a command has many options"),
        pytest.param("tests/a.py", nested("if x:", "for y in x:", "while y:", "if y:"), [5], id="four deep"),
        pytest.param("tests/a.py", nested("if x:", "match x:", "case 1:", "if x:"), [], id="a case is none"),
        pytest.param("tests/a.py", nested("if x:", "while x:", "def g():", "if x:"), [], id="inner function"),
        pytest.param(
            "tests/a.py",
            "def f(x):\n  if x: ...\n  elif x: ...\n  elif x: ...\n  elif x: ...\n",
            [],
            id="an elif is none",
        ),
        pytest.param(f"{PACKAGE}/a/b/c/d/e/f.py", "", [1], id="five folders"),
        pytest.param(f"{PACKAGE}/a/b/c/d/f.py", "", [], id="four folders"),
        pytest.param(f"{PACKAGE}/store/utils.py", "", [1], id="forbidden name"),
        pytest.param("tests/helpers/a.py", "", [1], id="forbidden folder"),
        pytest.param(f"{PACKAGE}/formats/json.py", COMPONENT.format(name="json"), [], id="component"),
        pytest.param(f"{PACKAGE}/formats/json.py", COMPONENT.format(name="csv"), [2], id="other name"),
        pytest.param(f"{PACKAGE}/formats/json.py", "", [1], id="no component"),
        pytest.param(f"{PACKAGE}/formats/a.py", COMPONENT.format(name="a") * 2, [1], id="two components"),
        pytest.param(f"{PACKAGE}/outputs/forward.py", "", [], id="file that serves the family"),
        pytest.param("tests/a.py", "def f():\n  import x\n", [2], id="import in a function"),
        pytest.param("tests/a.py", "def f():\n  import x  # noqa: PLC0415\n", [2], id="no reason"),
        pytest.param("tests/a.py", "def f():\n  import x  # noqa: PLC0415 - slow to load\n", [], id="reason"),
    ],
)
def test_rules_find(path: str, text: str, lines: list[int]) -> None:
    module = Module(path, text)
    assert [finding.line for rule in RULES for finding in rule(module)] == lines
