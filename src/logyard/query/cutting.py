"""The patterns of ``extract`` (``pattern.py``) in the engine: each place is a sub-select that cuts a piece off.

Quoted strings are unquoted as JSON has them; escapes that only Go knows leave the string as it stands.
"""

from dataclasses import replace
from typing import Final

from logyard.query.expressions import literal
from logyard.query.pattern import Pattern, Place
from logyard.query.stage import Stage

__all__ = ["taken"]

_STRING: Final = literal(r'^("(?:[^"\\\n]|\\.)*"|`[^`]*`)')


def taken(stage: Stage, text: str, pattern: Pattern) -> tuple[Stage, dict[str, str]]:
    """A stage around this one, and for each named place of the pattern the column that holds what it took."""
    first = len(pattern.places[0].before.encode())
    at = f"position({text}, {literal(pattern.places[0].before)})"
    depth = stage.depth
    stage = stage.nested({f"here{depth}": f"{at} > 0", f"rest{depth}": f"substring({text}, {at} + {first})"})
    found: dict[str, str] = {}
    followers = [*(place.before for place in pattern.places[1:]), pattern.after]
    for place, follower in zip(pattern.places, followers, strict=True):
        depth = stage.depth
        stage = _cut(stage, place, follower)
        if place.name:
            found[place.name] = f"took{depth}"
    return stage, found


def _cut(stage: Stage, place: Place, follower: str) -> Stage:
    """What one place takes, whether its follower was there, and the rest behind that."""
    below, depth = stage.depth - 1, stage.depth
    here, rest, mark = f"here{below}", f"rest{below}", literal(follower)
    size = len(follower.encode())
    quoted = "''" if place.plain else f"extract({rest}, {_STRING})"
    end = f"position({rest}, {mark})" if follower else f"length({rest}) + 1"
    stage = stage.nested({f"text{depth}": quoted, f"end{depth}": f"toUInt64({end})"})
    whole, place_end = f"text{depth}", f"end{depth}"
    is_string = f"({whole} != '' AND (startsWith({whole}, '`') OR isValidJSON({whole})))"
    value = f"if(startsWith({whole}, '`'), substring({whole}, 2, length({whole}) - 2), JSONExtractString({whole}))"
    behind = f"substring({rest}, length({whole}) + 1)"
    plain = f"if({place_end} = 0, '', substring({rest}, 1, {place_end} - 1))"
    # One number for both sub-selects of a place.
    return replace(stage, depth=depth).nested(
        {
            f"took{depth}": f"if({here}, if({is_string}, {value}, {plain}), '')",
            f"here{depth}": f"{here} AND if({is_string}, startsWith({behind}, {mark}), {place_end} > 0)",
            f"rest{depth}": (
                f"if({is_string}, substring({behind}, {size + 1}), substring({rest}, {place_end} + {size}))"
            ),
        }
    )
