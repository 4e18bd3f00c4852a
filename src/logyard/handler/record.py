"""A ``LogRecord`` as one line of JSON, in two steps: ``catch`` on the caller's thread, ``line`` on the sender's.

Catching takes what could change before the line is written: message and arguments when they are not plain values, the
exception (``exceptions.py``), the context (``context.py``), the task. All else waits: formatting costs more than the
call to the logger should. Of a record with nothing but a message no more is kept than a few texts and numbers: the
garbage collector, which would look at waiting records again and again, has nothing to look at.

    timestamp level message service host logger file line function process thread      always
    message_template message_args     with arguments: the text before they were put in, for grouping
    process_name task stack exception trace_id span_id                                 where there are any
    truncated                          the record was longer than ``record_bytes``
    and every field of ``extra`` and of the context; one that has a name from above (but for service, host and the
    ids) is called ``extra_NAME``
"""

import asyncio
import logging
from collections.abc import Mapping
from contextvars import Context, copy_context
from datetime import date, datetime, timedelta
from json import JSONEncoder
from json.encoder import encode_basestring as quoted
from typing import Final, TypeVar

from logyard.handler import context as surroundings
from logyard.handler.exceptions import Captured, capture, described
from logyard.handler.instant import instant, second
from logyard.handler.plain import Plain, cut, plain, safe_str

__all__ = ["Caught", "Encoder", "plain_exception"]

_LEVELS: Final = {10: "DEBUG", 20: "INFO", 30: "WARNING", 40: "ERROR", 50: "CRITICAL"}
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "exc_text"}
_PLAIN_COUNT: Final = len(vars(logging.makeLogRecord({})))
"""How many attributes a record without ``extra`` has."""
_FIXED: Final = frozenset({type(None), bool, int, float, str, bytes, date, datetime, timedelta})
"""Types whose values cannot change."""
_OWN: Final = frozenset(
    {
        "exception", "file", "function", "level", "line", "logger", "message", "message_args", "message_template",
        "process", "process_name", "stack", "task", "thread", "timestamp", "truncated",
    }
)  # fmt: skip
_OVERRIDES: Final = frozenset({"service", "host"})
_MOST_CACHED: Final = 4096
_LARGEST: Final = 1 << 63
_TEMPLATE: Final = 2000
_SIMPLE: Final = 5
_json: Final = JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode

Key = TypeVar("Key")
Simple = tuple[float, str, object, object, str | None]
"""Of a record with nothing but a message: when, the text of its place, msg, args, message where it had to be made."""
Whole = tuple[logging.LogRecord, object, object, str | None, Captured | None, Context, str]
"""Record, msg, args, message where it had to be made at once, exception, context, task."""
Caught = Simple | Whole


class Encoder:
    """Any thread."""

    def __init__(self, *, service: str, host: str, record_bytes: int = 256 << 10) -> None:
        """``record_bytes``: about the longest line."""
        self._about: dict[str, Plain] = {"service": service, "host": host}
        self._record_bytes = record_bytes
        self._sites: dict[tuple[object, ...], str] = {}
        self._templates: dict[str, str] = {}
        self._latest = (0, second(0))

    def catch(self, record: logging.LogRecord) -> "Caught | str":
        """What ``line`` needs, or the line itself where values in ``extra`` might change until then."""
        msg, args, message, error = record.msg, record.args, None, None
        if args:
            if type(args) is not tuple or not _FIXED.issuperset(map(type, args)):
                message = _message(msg, args)
        elif type(msg) is not str:
            message = safe_str(msg)
        context, task, extra = copy_context(), _task(record), len(record.__dict__) > _PLAIN_COUNT
        told = task or (len(context) and surroundings.speaks(context))
        if not (extra or told or record.exc_info or record.stack_info):
            return record.created, self._site(record, overridden=False), msg, args, message
        if record.exc_info:
            record, error = _without_exception(record)
        caught = (record, msg, args, message, error, context, task)
        return self.line(caught) if extra and not _fixed_extra(record) else caught

    def line(self, caught: Caught) -> str:
        """The JSON text, without a line end."""
        if len(caught) == _SIMPLE:
            created, site, msg, args, message = caught
            rest: dict[str, Plain] = {}
        else:
            record, msg, args, message, error, context, task = caught
            rest = self._fields(record, context) | _rare(record, task=task, error=error)
            created, site = record.created, self._site(record, overridden=not _OVERRIDES.isdisjoint(rest))
        if message is None:
            message = _message(msg, args) if args else str(msg)
        whole = int(created)
        latest = self._latest
        if latest[0] != whole:
            latest = self._latest = (whole, second(whole))
        head = f'{{"timestamp":"{latest[1]}.{int((created - whole) * 1_000_000):06d}Z",{site}'
        end = "," + _json(rest)[1:] if rest else "}"
        text = f'{head},"message":{quoted(message)}{self._template(msg, args) if args else ""}{end}'
        return text if len(text) <= self._record_bytes else self._shortened(head, message)

    def unwritable(self, caught: Caught, error: Exception) -> str:
        """A line in place of one that could not be written."""
        text = f"a record could not be written: {type(error).__name__}: {error}"
        created, name = (caught[0], None) if len(caught) == _SIMPLE else (caught[0].created, caught[0].name)
        return self.document(created, {"level": "ERROR", "logger": name, "message": text})

    def _fields(self, record: logging.LogRecord, context: Context) -> dict[str, Plain]:
        """Of the context and of ``extra``; with service and host, where these name one of the two."""
        found = _rest(record, context)
        return found if _OVERRIDES.isdisjoint(found) else self._about | found

    def document(self, seconds: float, fields: Mapping[str, object]) -> str:
        """A line made of fields alone; ``seconds``: since the epoch."""
        shown = {name: plain(value) for name, value in fields.items() if value is not None}
        text = _json({"timestamp": instant(seconds), **self._about, **shown})
        if len(text) <= self._record_bytes:
            return text
        kept = {name: shown[name] for name in ("level", "logger") if name in shown}
        head = _json({"timestamp": instant(seconds), **self._about, **kept})[:-1]
        return self._shortened(head, safe_str(shown.get("message", "")))

    def _shortened(self, head: str, message: str) -> str:
        return f'{head},"message":{quoted(cut(message, self._record_bytes // 2))},"truncated":true}}'

    def _site(self, record: logging.LogRecord, *, overridden: bool) -> str:
        """The part of a line that is the same for every record from one place and thread.

        ``overridden``: without service and host, which the record's own fields bring.
        """
        key = (
            record.name,
            record.levelno,
            record.pathname,
            record.lineno,
            record.threadName,
            record.process,
            overridden,
        )
        known = self._sites.get(key)
        if known is not None:
            return known
        level = _LEVELS.get(record.levelno) or logging.getLevelName(record.levelno)
        process = record.processName if record.processName != "MainProcess" else None
        named: dict[str, Plain] = {
            "level": level if level.isalpha() else _LEVELS[min(50, max(10, record.levelno // 10 * 10))],
            **({} if overridden else self._about),
            "logger": record.name,
            "file": record.pathname,
            "line": record.lineno,
            "function": record.funcName,
            "process": record.process,
            "process_name": process,
            "thread": record.threadName,
        }
        text = _json({name: value for name, value in named.items() if value is not None})
        return _remember(self._sites, key, text[1:-1])

    def _template(self, msg: object, args: object) -> str:
        """The message before its arguments were put in, and these."""
        known = self._templates.get(msg) if isinstance(msg, str) else None
        if known is None:
            known = f',"message_template":{quoted(cut(safe_str(msg), _TEMPLATE))},"message_args":'
            if isinstance(msg, str):
                _remember(self._templates, msg, known)
        if not isinstance(args, tuple):
            return known + _json(plain(args))
        shown = [quoted(each) if type(each) is str and len(each) < _TEMPLATE else _shown(each) for each in args]
        return f"{known}[{','.join(shown)}]"


def _shown(value: object) -> str:
    if type(value) is int and -_LARGEST <= value < _LARGEST:
        return str(value)
    return _json(plain(value))


def _remember(cache: dict[Key, str], key: Key, text: str) -> str:
    if len(cache) >= _MOST_CACHED:
        cache.clear()
    cache[key] = text
    return text


def _message(msg: object, args: object) -> str:
    """As ``LogRecord.getMessage``; arguments that do not fit are shown instead of lost."""
    try:
        return str(msg) % args
    except Exception:  # noqa: BLE001 - a stranger's __str__ may raise anything, and a bad format raises several kinds
        return f"{safe_str(msg)} {safe_str(plain(args))}"


def _rest(record: logging.LogRecord, context: Context) -> dict[str, Plain]:
    """Fields of the context, then those of ``extra``, which win."""
    found: dict[str, Plain] = {}
    if len(context):
        for name, value in surroundings.fields(context).items():
            found[_renamed(name)] = plain(value)
    trace, span = surroundings.trace(context)
    if trace:
        found |= {"trace_id": trace, "span_id": span}
    if len(record.__dict__) > _PLAIN_COUNT:
        for name, value in record.__dict__.items():
            if name not in _STANDARD:
                found[_renamed(name)] = plain(value)
    return found


def _renamed(name: str) -> str:
    return f"extra_{name}" if name in _OWN else name


def _rare(record: logging.LogRecord, *, task: str, error: Captured | None) -> dict[str, Plain]:
    found: dict[str, Plain] = {}
    if task:
        found["task"] = task
    if error is not None:
        found["exception"] = plain_exception(error)
    if record.stack_info:
        found["stack"] = record.stack_info
    return found


def plain_exception(error: Captured) -> Plain:
    """An exception as a field."""
    shown: dict[str, Plain] = described(error)
    return shown


def _fixed_extra(record: logging.LogRecord) -> bool:
    """Whether nothing in ``extra`` can change until the line is written."""
    return all(type(value) in _FIXED for name, value in record.__dict__.items() if name not in _STANDARD)


def _without_exception(record: logging.LogRecord) -> tuple[logging.LogRecord, Captured | None]:
    """A record that keeps no frame alive, and what there is to say about the exception."""
    kept = logging.LogRecord.__new__(logging.LogRecord)
    kept.__dict__.update(record.__dict__)
    kept.exc_info = None
    info = record.exc_info
    if not isinstance(info, tuple) or info[1] is None:
        return kept, None
    return kept, capture(info[1], info[2])


def _task(record: logging.LogRecord) -> str:
    """The name of the asyncio task that logs; records know it from Python 3.12 on."""
    known = record.__dict__.get("taskName")
    if known is not None:
        return str(known)
    if asyncio._get_running_loop() is None:  # noqa: SLF001 - documented for this use: current_task() would raise
        return ""
    task = asyncio.current_task()
    return task.get_name() if task is not None else ""
