"""SQL that a user wrote, let through only when it can do no harm: reads of the table ``logs`` and nothing else.

Three walls. The engine's own parser, given the text as a string, answers with one statement in its canonical
form or not at all: what is run is that form, never the text. Its syntax tree may hold only kinds of nodes that
are listed here, table ``logs`` and names of WITH, and no function that reaches outside of the query. And it
runs with ``readonly = 1``, within the budget, inside a SELECT that limits its rows.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from logyard.errors import BadQuery
from logyard.query.expressions import literal

__all__ = ["READ_ONLY", "canonical_sql", "checked", "limited", "tree_sql"]

READ_ONLY: Final[Mapping[str, str | int]] = {
    "readonly": 1,
    "max_result_bytes": 256 << 20,
    "result_overflow_mode": "throw",
    "allow_ddl": 0,
    "allow_introspection_functions": 0,
}

_LONGEST: Final = 100_000
_NODES: Final = frozenset(
    {
        "ArrayJoin", "Asterisk", "ColumnsApplyTransformer", "ColumnsExceptTransformer", "ColumnsListMatcher",
        "ColumnsRegexpMatcher", "ColumnsReplaceTransformer", "ColumnsTransformerList", "ExpressionList",
        "Function", "Identifier", "InterpolateElement", "Literal", "OrderByElement", "QualifiedAsterisk",
        "SampleRatio", "SelectIntersectExceptQuery", "SelectQuery", "SelectWithUnionQuery", "Subquery",
        "TableExpression", "TableIdentifier", "TableJoin", "TablesInSelectQuery",
        "TablesInSelectQueryElement", "WindowDefinition", "WindowListElement", "WithElement",
    }
)  # fmt: skip
_LINE: Final = re.compile(r"( *)(\S+)(?: (.*))?")
_EXPLAIN: Final = re.compile(r"EXPLAIN (?:(?:AST|SYNTAX|PLAN|PIPELINE|ESTIMATE) )?")
_DESCRIBE: Final = "DESCRIBE TABLE logs"
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TABLE: Final = "logs"
_TABLES: Final = frozenset({_TABLE, "system.one"})
"""A SELECT without FROM reads the one row of ``system.one``."""
_TABLE_FUNCTIONS: Final = frozenset({"numbers", "zeros", "values", "generate_series", "generateseries"})
_FORBIDDEN: Final = re.compile(
    r"ai[A-Z_].*|addressTo.*|block(?:NumberFrom|Serialized).*|buildId|catboost.*|connectionId|current(?:Database|Profiles|Query|"
    r"Roles|Schemas|User).*|default(?:Profiles|Roles)|demangle|dict.*|displayName|embed.*|enabled(?:Profiles|Roles)|executable.*|"
    r"evalMLMethod|file.*|flameGraph|fqdn|generateSerialID|get(?:ClientHTTPHeader|Macro|MaxTable|MergeTree|OSKernel|Server|"
    r"Setting|SizeOf|SubscriptionS).*|has(?:ColumnInTable|ThreadFuzzer)|host_?name|hostName|http.*|initialQuery.*|isMergeTree.*|"
    r"joinGet.*|mergeTree.*|naiveBayes.*|nothing.*|query(?:ID|String).*|regionIn.*|reload.*|remote.*|s3.*|schema|serverUUID|"
    r"server(?:Timezone|UUID)|shard(?:Count|Num)|showCertificate|sleep.*|structureTo.*|tcpPort|throwIf|transaction.*|trap|"
    r"uptime|url|user|zookeeper.*",
    re.IGNORECASE,
)
_SET_MEMBERSHIP: Final = re.compile(r"(?:global)?(?:not)?(?:null)?in(?:ignoreset)?", re.IGNORECASE)


def canonical_sql(text: str) -> str:
    """A question whose answer is the text as one statement in canonical form; an error for anything else."""
    if len(text) > _LONGEST:
        raise BadQuery(f"a statement may have at most {_LONGEST} characters")
    return f"SELECT formatQuerySingleLine({literal(text)})"


def tree_sql(statement: str) -> str:
    """A question for the syntax tree of a canonical statement, of EXPLAIN for that of what it explains."""
    inner = _EXPLAIN.sub("", statement)
    if inner == _DESCRIBE:
        inner = f"SELECT * FROM {_TABLE}"
    if not re.match(r"SELECT\b|WITH\b|\(", inner):
        raise BadQuery("only SELECT, WITH, EXPLAIN of these, and DESCRIBE logs are allowed", query=statement)
    return f"SELECT * FROM (EXPLAIN AST {inner})"


def checked(statement: str, tree: Iterable[str]) -> str:
    """The canonical statement, when its syntax tree holds nothing but what is allowed. ``BadQuery`` says what
    is not.
    """
    parents: list[tuple[int, str, str]] = []
    siblings: dict[int, int] = {}
    for line in tree:
        found = _LINE.fullmatch(line)
        if found is None:
            raise BadQuery("this statement cannot be checked", query=statement)
        depth, kind, rest = len(found[1]), found[2], found[3] or ""
        while parents and parents[-1][0] >= depth:
            parents.pop()
        siblings = {level: count for level, count in siblings.items() if level <= depth}
        _check_node(kind, rest, statement)
        place = siblings[depth] = siblings.get(depth, -1) + 1
        _check_place(kind, rest, parents, place=place)
        parents.append((depth, kind, rest))
    return statement


def limited(statement: str, limit: int) -> str:
    """At most so many rows of it."""
    if statement == _DESCRIBE or _EXPLAIN.match(statement):
        return statement
    return f"SELECT * FROM ({statement}) LIMIT {limit}"


def _check_node(kind: str, rest: str, statement: str) -> None:
    if kind not in _NODES:
        raise BadQuery(f"{kind} is not allowed here")
    name = rest.split(" ", 1)[0]
    if kind == "TableIdentifier" and name not in _TABLES and not _is_defined(name, statement):
        raise BadQuery(f"there is no table {name!r}: the table is {_TABLE!r}")
    if kind == "Function" and _FORBIDDEN.fullmatch(name):
        raise BadQuery(f"the function {name}() is not allowed")


def _check_place(kind: str, rest: str, parents: list[tuple[int, str, str]], *, place: int) -> None:
    """A function in the place of a table, and a name in the place of a set, are tables, too."""
    name = rest.split(" ", 1)[0]
    parent = parents[-1] if parents else (0, "", "")
    if kind == "Function" and parent[1] == "TableExpression" and name.lower() not in _TABLE_FUNCTIONS:
        raise BadQuery(f"the table function {name}() is not allowed")
    above = parents[-2] if len(parents) > 1 else (0, "", "")
    in_set = above[1] == "Function" and _SET_MEMBERSHIP.fullmatch(above[2].split(" ", 1)[0])
    if in_set and place == 1 and kind in {"Identifier", "TableIdentifier"}:
        raise BadQuery(f"IN {name}: a list or a SELECT must stand behind IN")


def _is_defined(name: str, statement: str) -> bool:
    """Whether it is a plain word that WITH defines."""
    return bool(_NAME.fullmatch(name)) and bool(re.search(rf"\b{re.escape(name)} AS (?:MATERIALIZED )?\(", statement))
