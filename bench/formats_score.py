"""``make formats-score DIR=../shared/data``: how much of logs, times, stack traces and secrets is understood.

Runs every case of a directory laid out like ../shared/data (its MANIFEST.md describes the files) through the code
that users get: the format is found out from the line; of a case only ``input`` and ``assume`` (the source's settings)
are used. Prints a table of the groups of formats, what was missed with ``--misses``, and as the last line one JSON
object of shares, 0 to 1.

What counts. *timestamps*: instants equal to as many digits of the fraction as are given. *levels*: ``level_norm``,
against the record's severity number. *fields*: of the values under ``common``, those that the record holds under the
neutral name, one of its synonyms (``_SYNONYMS``) or an upstream name; numbers are compared as numbers. A value "-" or
"" is how a format writes "none", and is met by a record without that field. *bare_timestamps*: instants, and None for
a text that is no time. *multiline*: streams whose records are exactly right. *pii_recall*: spans of which every
character is masked, and labelled secrets of which something is. *pii_false*: hard negatives of which something is
masked by a rule of the kind they speak of.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from bench.scoring import cases, masking, streams
from bench.scoring.tally import Tally

__all__ = ["main", "score"]

SHARES: Final = ("timestamps", "levels", "fields", "bare_timestamps", "multiline", "pii_recall", "pii_false")


def score(home: Path, *, step: int = 1) -> Tally:
    """All cases of a directory; of parse/cases.jsonl, whose lines are dear, every ``step``-th."""
    tally = Tally()
    for name, run in _PARTS.items():
        path = home / name
        if path.exists():
            for case in _lines(path, step if run is cases.run else 1):
                run(case, tally)
    return tally


def main() -> int:
    """0, whatever the shares are."""
    parser = argparse.ArgumentParser(prog="make formats-score", description="Score the formats against labelled cases.")
    parser.add_argument("home", type=Path, help="a directory laid out like ../shared/data")
    parser.add_argument("--misses", action="store_true", help="print what was missed, too")
    asked = parser.parse_args()
    tally = score(asked.home)
    if asked.misses:
        print("\n".join(tally.misses))
    print(tally.table())
    print(json.dumps({share: round(tally.share(share), 4) for share in SHARES}))
    return 0


def _lines(path: Path, step: int) -> Iterator[Mapping[str, Any]]:
    for line in path.read_bytes().splitlines()[::step]:
        yield msgspec.json.decode(line)


_PARTS: Final[Mapping[str, Callable[[Mapping[str, Any], Tally], None]]] = {
    "parse/cases.jsonl": cases.run,
    "parse/timestamps.jsonl": cases.run_bare,
    "multiline/streams.jsonl": streams.run,
    "pii/cases.jsonl": masking.run,
}

if __name__ == "__main__":
    sys.exit(main())
