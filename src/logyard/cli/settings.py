"""What the settings say about themselves: names, types, defaults and the docstrings under them.

Schema, reference documentation and checks are all made from the structs in ``config.py`` and in the
components; nobody writes a list of settings by hand.
"""

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, get_args, get_origin

import msgspec

from logyard.config import Config

__all__ = ["Setting", "attribute_docs", "json_schema", "plain", "settings_of"]

Schema = dict[str, object]

_PATH_TEXT = Annotated[str, msgspec.Meta(extra_json_schema={"format": "path"})]


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One setting."""

    path: str
    """Dotted."""
    kind: str
    default: object
    """Plain values; ``msgspec.NODEFAULT`` when it must be given."""
    about: str


def settings_of(struct: type[msgspec.Struct], *, path: str = "") -> Iterator[Setting]:
    """Every setting of a struct, sections opened, in the order of the source."""
    docs = attribute_docs(struct)
    for field in msgspec.structs.fields(struct):
        name = f"{path}.{field.encode_name}" if path else field.encode_name
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            yield from settings_of(field.type, path=name)
            continue
        default = field.default
        if field.default_factory is not msgspec.NODEFAULT:
            default = field.default_factory()
        yield Setting(path=name, kind=_kind(field.type), default=plain(default), about=docs.get(field.name, ""))


def json_schema(struct: type[msgspec.Struct]) -> Schema:
    """JSON Schema 2020-12 of a struct, with the docstrings under its settings as descriptions."""
    schema = msgspec.json.schema(_without_paths(struct), schema_hook=_anything)
    definitions = schema.get("$defs", {})
    for part in _structs(struct):
        described = definitions.get(part.__name__, {}).get("properties", {})
        for name, about in attribute_docs(part).items():
            # A reference and a description beside it are both heeded since draft 2019-09.
            described.get(name, {}).setdefault("description", about)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Logyard", **schema}


@cache
def attribute_docs(struct: type) -> Mapping[str, str]:
    """The string under each attribute of a class, as one paragraph."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(struct)))
    found = dict(_inherited(struct))
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    for above, below in pairwise(body):
        match above, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = " ".join(text.split())
            case _:
                continue
    return found


def plain(value: object) -> object:
    """A value as TOML or JSON would hold it."""
    return value if value is msgspec.NODEFAULT else msgspec.to_builtins(value, enc_hook=str)


def _inherited(struct: type) -> Iterator[tuple[str, str]]:
    for base in struct.__bases__:
        if issubclass(base, msgspec.Struct) and base is not msgspec.Struct:
            yield from attribute_docs(base).items()


def _structs(struct: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    yield struct
    for field in msgspec.structs.fields(struct):
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            yield from _structs(field.type)


def _without_paths(struct: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """The same struct with text for paths, whose defaults msgspec cannot write into a schema."""
    fields = [
        (field.name, _PATH_TEXT, str(field.default))
        if field.type is Path
        else (field.name, field.type, _default(field))
        for field in msgspec.structs.fields(struct)
    ]
    return msgspec.defstruct(
        struct.__name__,
        fields,
        namespace={"__doc__": struct.__doc__},
        kw_only=True,
        forbid_unknown_fields=True,
    )


def _anything(kind: type) -> Schema:
    if kind is object:
        return {"$comment": "any value"}
    raise NotImplementedError(str(kind))


def _default(field: msgspec.structs.FieldInfo) -> object:
    if field.default_factory is msgspec.NODEFAULT:
        return field.default
    return msgspec.field(default_factory=field.default_factory)


def _kind(annotation: object) -> str:
    """A type in the words of a reader: ``integer > 0``, ``list of text``."""
    if get_origin(annotation) is Annotated:
        inner, *extras = get_args(annotation)
        bounds = [_bounds(extra) for extra in extras if isinstance(extra, msgspec.Meta)]
        return " ".join([_kind(inner), *filter(None, bounds)])
    words = {int: "integer", float: "number", str: "text", bool: "true or false", Path: "path"}
    if isinstance(annotation, type) and annotation in words:
        return words[annotation]
    arguments = [_kind(argument) for argument in get_args(annotation) if argument is not Ellipsis]
    origin = get_origin(annotation)
    if origin in {tuple, list}:
        return f"list of {arguments[0]}"
    if origin is dict:
        return "table"
    return " or ".join(arguments) if arguments else getattr(annotation, "__name__", str(annotation))


def _bounds(meta: msgspec.Meta) -> str:
    signs = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
    said = [(sign, getattr(meta, name)) for name, sign in signs.items()]
    return ", ".join(f"{sign} {bound}" for sign, bound in said if bound is not None)


def effective(config: Config) -> Schema:
    """A configuration as plain values."""
    return {name: plain(value) for name, value in msgspec.structs.asdict(config).items()}
