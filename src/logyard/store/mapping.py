"""The SQL that turns WAL rows into rows of ``logs``: the engine reads what the sender wrote, Python never does.

The rules of reading are those of ``model/reading.py`` and ``formats/json_lines.py``; a property test holds the two
equal. Written for the engine's analyzer as much as for its executor. Understanding the statement for every known key
and every depth takes the engine 150 ms, and evaluating all of it costs each row: so a segment is *surveyed* first
(which known keys occur at all, how deep it may nest; 0.3 us a row), and the statement says only what that segment can
need.
"""

from collections.abc import Iterable, Sequence

import msgspec

from logyard.model import severity, timestamp
from logyard.model.reading import Reading
from logyard.model.schema import KEYED_COLUMNS

__all__ = [
    "COLUMNS",
    "LOGS_ROW",
    "WAL_ROW",
    "Survey",
    "frames_select",
    "known_keys",
    "lines_select",
    "literal",
    "survey_select",
]

COLUMNS = (
    "id", "timestamp", "observed", "tenant", "level", "severity", "level_text", "service", "host", "source", "stream",
    "message", "trace_id", "span_id", "correlation_id", "tags", "attributes", "objects", "origin",
)  # fmt: skip
"""Columns of ``logs`` in the order that both selects give them."""

WAL_ROW = (
    "magic UInt32, length UInt32, crc UInt32, batch FixedString(16), first Int64, received Int64, rows UInt32, "
    "flags UInt8, tenant String, reading String, body String"
)
"""A WAL frame as the engine sees it: one row in RowBinary (docs/formats/wal.md)."""

LOGS_ROW = (
    "id Int64, timestamp DateTime64(9, 'UTC'), observed DateTime64(9, 'UTC'), tenant String, level String, "
    "severity UInt8, level_text String, service String, host String, source String, stream String, message String, "
    "trace_id String, span_id String, correlation_id String, tags Array(String), attributes Map(String, String), "
    "objects Array(String), origin String"
)
"""A row of ``logs`` as it travels between stores."""

FLATTEN_LEVELS = 6
"""Objects deeper than this stay JSON text under the dotted name of the sixth level."""

_AMBIGUOUS = r'^(?:["\[{]|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$|true$|false$|null$)'
"""Strings that would be taken for something else without their quotes."""


def literal(text: str) -> str:
    """A string literal of the engine's SQL. Any text, NUL and quotes among it."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\0", "\\0")
    return f"'{escaped}'"


class Survey(msgspec.Struct, frozen=True):
    """What a segment can need. ``keys``: the known keys that occur. ``braces``: the most ``{`` in one line."""

    keys: frozenset[str]
    braces: int

    @property
    def levels(self) -> int:
        """How many levels of objects within objects there may be."""
        return max(1, min(FLATTEN_LEVELS, self.braces - 1))


def survey_select(source: str, reading: Reading) -> str:
    """One row from which a ``Survey`` is made: an array of keys, a number."""
    known = _texts(known_keys(reading))
    # A plain body has no keys; asked all the same, for the answer costs next to nothing: its lines are all empty here.
    return (
        f"SELECT groupUniqArrayArray(arrayFilter(key -> key IN ({known}), JSONExtractKeys(line))) AS keys, "
        f"toUInt32(max(countSubstrings(line, '{{'))) AS braces FROM ({_lines(source, reading)})"
    )


def lines_select(source: str, reading: Reading, survey: Survey, *, sequential: bool) -> str:
    """Rows of ``logs`` from ``source``, a table expression with the columns of ``WAL_ROW`` whose bodies are lines."""
    keys = [key for key in known_keys(reading) if key in survey.keys]
    texts = ", ".join(f"{_identifier(key)} String" for key in keys) or "_ String"
    parsed = (
        f"SELECT {_carried(reading)}, line, JSONExtractKeysAndValuesRaw(line) AS pairs, "
        f"JSONExtract(line, 'Tuple({texts})') AS t FROM ({_lines(source, reading)})"
    )
    timed = (
        f"SELECT *, {_time_of('v_timestamp')} AS any_time, "
        "if(any_time >= '1970-01-01' AND any_time < '2262-01-01', any_time, NULL) AS parsed_time, "
        f"if(parsed_time IS NULL, '', k_timestamp) AS u_timestamp FROM ({_picked(parsed, reading, keys)})"
    )
    flat = _flattened(timed, survey.levels)
    return f"SELECT {_id(sequential)}, {_line_columns(reading)} FROM ({flat})"


def _lines(source: str, reading: Reading) -> str:
    """One row a line: ``line`` is its JSON, ``text`` its plain text; of a mixed body one of them is empty."""
    kinds = {
        "json": "each AS line",
        "plain": "'' AS line, each AS text",
        "mixed": "if(startsWith(each, '{'), each, '') AS line, if(startsWith(each, '{'), '', each) AS text",
    }
    rules = f"splitByChar('\\n', reading)[1] = {literal(reading.rules())}"
    values = "JSONExtractArrayRaw(splitByChar('\\n', reading)[2]) AS given, " if reading.constants else ""
    given = ", given" if reading.constants else ""
    return (
        f"SELECT first, received, tenant, row{given}, {kinds[reading.kind]} FROM (SELECT first, received, tenant, "
        f"{values}splitByChar('\\n', body) AS lines FROM {source} WHERE {rules}) "
        "ARRAY JOIN lines AS each, arrayEnumerate(lines) AS row"
    )


def _carried(reading: Reading) -> str:
    """What every level of the statement hands on."""
    text = [] if reading.kind == "json" else ["text"]
    given = ["given"] if reading.constants else []
    return ", ".join(["first", "received", "tenant", "row", *text, *given])


def frames_select(source: str, *, sequential: bool) -> str:
    """Rows of ``logs`` from ``source``: the columns of ``model/schema.FRAME`` and first, received, tenant, row."""
    pairs = f"SELECT * EXCEPT (attributes), JSONExtractKeysAndValuesRaw(attributes) AS pairs FROM {source}"
    plain = "service, host, source, stream, message, trace_id, span_id, correlation_id, tags"
    return (
        f"SELECT {_id(sequential)}, timestamp, fromUnixTimestamp64Nano(received, 'UTC') AS observed, tenant, "
        f"level, severity, level_text, {plain}, {_stored('flat')} AS attributes, found_objects AS objects, origin "
        f"FROM ({_flattened(pairs, FLATTEN_LEVELS)})"
    )


def _id(sequential: bool) -> str:  # noqa: FBT001 - two kinds of arithmetic, named where it is called
    """The id of row ``row`` (1-based) of its batch; the arithmetic of ``model/ids.py``."""
    if sequential:
        return "first + row - 1 AS id"
    sequence = "bitAnd(first, 4095) + row - 1"
    return (
        f"(bitShiftRight(first, 22) + intDiv({sequence}, 4096)) * 4194304 + bitAnd(first, 4190208) "
        f"+ ({sequence}) % 4096 AS id"
    )


def _identifier(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace("`", "\\`").replace("'", "\\'")
    return f"`{escaped}`"


def known_keys(reading: Reading) -> list[str]:
    """Every key that a statement for this reading may look for at the top of a line."""
    keys = [key for column in KEYED_COLUMNS for key in getattr(reading, column)]
    heads = [key.partition(".")[0] for key in keys if "." in key]
    return list(dict.fromkeys(keys + heads))


def _picked(parsed: str, reading: Reading, keys: Sequence[str]) -> str:
    """For each column, the key that is used (``k_``) and its text (``v_``); both empty for none."""
    place = {key: f"t.{index}" for index, key in enumerate(keys, 1)}
    given = {name: f"JSONExtractString(given[{index}])" for index, (name, _) in enumerate(reading.constants, 1)}
    pairs, named = [], []
    for column in KEYED_COLUMNS:
        candidates = _candidates(getattr(reading, column), place)
        choices = [f"{test}, ({literal(key)}, {text})" for test, key, text in candidates]
        if column == "message" and reading.kind != "json":
            choices.insert(0, "text != '', ('message', text)")
        pairs.append(f"{_first_of(choices)} AS p_{column}")
        value = f"if(p_{column}.1 = '', {given[column]}, p_{column}.2)" if column in given else f"p_{column}.2"
        named.append(f"p_{column}.1 AS k_{column}, {value} AS v_{column}")
    carried = f"{_carried(reading)}, pairs"
    return f"SELECT {carried}, {', '.join(named)} FROM (SELECT {carried}, {', '.join(pairs)} FROM ({parsed}))"


def _candidates(keys: Iterable[str], place: dict[str, str]) -> Iterable[tuple[str, str, str]]:
    for key in keys:
        if key in place:
            yield _usable(place[key], literal(key)), key, place[key]
        head, dot, tail = key.partition(".")
        if dot and head in place:
            path = f"{literal(head)}, {literal(tail)}"
            nested = f"JSONExtract(line, {path}, 'String')"
            yield f"startsWith({place[head]}, '{{') AND {_usable(nested, path)}", key, nested


def _first_of(choices: Sequence[str]) -> str:
    return f"multiIf({', '.join(choices)}, ('', ''))" if choices else "('', '')"


def _usable(text: str, path: str) -> str:
    # A string may begin like an object: then its type decides.
    return f"{text} != '' AND (NOT match({text}, '^[\\\\[{{]') OR JSONType(line, {path}) = 'String')"


def _time_of(text: str) -> str:
    """Nullable time of a sender's text; ``model/timestamp.py`` has the rules."""
    whole = f"toUInt64OrZero(substringIndex({text}, '.', 1))"
    *units, (_, finest) = timestamp.UNIX_UNITS
    unit = f"multiIf({', '.join(f'{whole} < {bound}, {unit}' for bound, unit in units)}, {finest})"
    # Bounded on both sides: the engine may evaluate a branch for rows that do not take it, and overflow is an error.
    epoch = f"toInt64(greatest(least(toDecimal256OrZero({text}, 9) * {unit}, {_decimal(2**63 - 1)}), {_decimal(0)}))"
    civil = f"parseDateTime64BestEffortOrNull(upper(replaceOne({text}, ',', '.')), 9, 'UTC')"
    return (
        f"multiIf(match({text}, {literal(timestamp.CALENDAR)}), {civil}, "
        f"match({text}, {literal(timestamp.UNIX)}), fromUnixTimestamp64Nano({epoch}, 'UTC'), NULL)"
    )


def _decimal(number: int) -> str:
    return f"toDecimal256({number}, 9)"


def _flattened(inner: str, depth: int) -> str:
    """Nested objects to dotted names: ``flat``, and the names of the objects: ``found_objects``.

    One level a sub-select. Each works only on what the level above left open, and without ``if``: around a lambda the
    engine would run both branches for every row.
    """
    open_pairs = "pairs"
    for level in range(1, depth + 1):
        inner = (
            f"SELECT *, arrayFilter(pair -> NOT startsWith(pair.2, '{{'), {open_pairs}) AS plain_{level}, "
            f"arrayFilter(pair -> startsWith(pair.2, '{{'), {open_pairs}) AS open_{level} FROM ({inner})"
        )
        open_pairs = (
            "arrayFlatten(arrayMap(pair -> arrayMap(child -> (concat(pair.1, '.', child.1), child.2), "
            f"JSONExtractKeysAndValuesRaw(pair.2)), open_{level}))"
        )
    levels = range(1, depth + 1)
    plain = ", ".join(f"plain_{level}" for level in levels)
    objects = ", ".join(f"open_{level}" for level in levels)
    return (
        f"SELECT *, arrayConcat({plain}, {open_pairs}) AS flat, "
        f"arrayMap(pair -> pair.1, arrayConcat({objects})) AS found_objects FROM ({inner})"
    )


def _kept(pairs: str, reading: Reading) -> str:
    """The pairs that fill no column.

    In nearly every line all known keys are used ones: they go by a set of constants. Only where a line has more of them
    than it used is each compared with the used ones. (No ``if`` around the lambda: the engine would run both branches.)
    """
    known = _texts(sorted({key for column in KEYED_COLUMNS for key in getattr(reading, column)}))
    used = ["u_timestamp", *(f"k_{column}" for column in KEYED_COLUMNS if column != "timestamp")]
    count = " + ".join(f"({key} != '')" for key in used)
    doubtful = f"arrayFilter(pair -> pair.1 IN ({known}), {pairs}) AS candidates"
    spared = f"if(length({doubtful}) = {count}, [], candidates)"
    return (
        f"arrayConcat(arrayFilter(pair -> pair.1 NOT IN ({known}), {pairs}), "
        f"arrayFilter(pair -> NOT has([{', '.join(used)}], pair.1), {spared}))"
    )


def _with_constants(pairs: str, reading: Reading) -> str:
    """The pairs, and those constants that are attributes and of whose name the line has nothing at its top."""
    numbered = enumerate(reading.constants, 1)
    given = [f"({literal(name)}, given[{place}])" for place, (name, _) in numbered if name not in KEYED_COLUMNS]
    if not given:
        return pairs
    said = "arrayMap(said -> said.1, pairs)"
    return f"arrayConcat({pairs}, arrayFilter(pair -> NOT has({said}, pair.1), [{', '.join(given)}]))"


def _stored(pairs: str) -> str:
    plain = "if(position(pair.2, '\\\\') = 0, substring(pair.2, 2, length(pair.2) - 2), JSONExtractString(pair.2))"
    value = f"if(startsWith(pair.2, '\"') AND NOT match({plain} AS plain, {literal(_AMBIGUOUS)}), plain, pair.2)"
    return f"CAST(arrayMap(pair -> (pair.1, {value}), {pairs}), 'Map(LowCardinality(String), String)')"


def _line_columns(reading: Reading) -> str:
    words = list(severity.TABLE)
    levels = [severity.TABLE[word][0] for word in words]
    numbers = [severity.TABLE[word][1] for word in words]
    word = f"lower(trimBoth(v_level, {literal(severity.STRIPPED)}))"
    expressions = {
        "timestamp": "ifNull(parsed_time, fromUnixTimestamp64Nano(received, 'UTC'))",
        "observed": "fromUnixTimestamp64Nano(received, 'UTC')",
        "tenant": "tenant",
        "level": f"transform({word}, [{_texts(words)}], [{_texts(levels)}], '')",
        "severity": f"toUInt8(transform({word}, [{_texts(words)}], [{', '.join(map(str, numbers))}], 0))",
        "level_text": "if(v_level = level, '', v_level)",
        "service": "if(v_service = '', 'unknown', v_service)",
        "host": "v_host",
        "source": "v_source",
        "stream": _stream(reading),
        "message": "v_message",
        "trace_id": "v_trace_id",
        "span_id": "v_span_id",
        "correlation_id": "v_correlation_id",
        "tags": "CAST([], 'Array(String)')",
        "attributes": _stored(_with_constants(_kept("flat", reading), reading)),
        "objects": "found_objects",
        "origin": _origin(),
    }
    return ", ".join(f"{text} AS {name}" for name, text in expressions.items())


def _origin() -> str:
    parts = ["if(u_timestamp = 'timestamp', '', concat('timestamp=', u_timestamp, ','))"]
    parts.append("if(k_service = 'service', '', concat('service=', k_service, ','))")
    rest = (column for column in KEYED_COLUMNS if column not in {"timestamp", "service"})
    parts += [f"if(k_{column} IN ('', '{column}'), '', concat('{column}=', k_{column}, ','))" for column in rest]
    order = {column: index for index, column in enumerate(KEYED_COLUMNS)}
    parts.sort(key=lambda part: min(order[c] for c in KEYED_COLUMNS if f"'{c}=" in part))
    return f"if(empty(concat({', '.join(parts)}) AS named), '', concat(',', named))"


def _stream(reading: Reading) -> str:
    parts = [_label(name, reading) for name in sorted(set(reading.stream_fields))]
    if not parts:
        return "'{}'"
    return f"concat('{{', substring(concat({', '.join(parts)}, ''), 2), '}}')"


def _label(name: str, reading: Reading) -> str:
    """One label of the stream: a column of ours, or a key of the sender's wherever it went."""
    if name == "level":
        value = "level"
    elif name in KEYED_COLUMNS:
        value = f"v_{name}"
    else:
        taken = [column for column in KEYED_COLUMNS if name in getattr(reading, column)]
        choices = [f"k_{column} = {literal(name)}, v_{column}" for column in taken]
        kept = f"attributes[{literal(name)}]"
        plain = f"if(match({kept}, '^(?:[\\\\[{{]|null$)'), '', {kept})"
        rest = f"if(startsWith({kept}, '\"'), JSONExtractString({kept}), {plain})"
        value = f"multiIf({', '.join([*choices, rest])})" if choices else rest
    escaped = f"replaceAll(replaceAll(replaceAll({value}, '\\\\', '\\\\\\\\'), '\"', '\\\\\"'), '\\n', '\\\\n')"
    return f"if({value} = '', '', concat(',', {literal(name)}, '=\"', {escaped}, '\"'))"


def _texts(values: Iterable[str]) -> str:
    return ", ".join(literal(value) for value in values)
