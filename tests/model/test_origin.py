import pytest

from logyard.errors import BadPayload
from logyard.model import origin
from logyard.model.reading import DEFAULT_READING, Reading
from logyard.model.schema import KEYED_COLUMNS


def used(**keys: str) -> list[str | None]:
    return [keys.get(column) for column in KEYED_COLUMNS]


@pytest.mark.parametrize(
    ("keys", "want"),
    [
        pytest.param({"timestamp": "timestamp", "service": "service"}, "", id="all names are ours"),
        pytest.param(
            {"timestamp": "timestamp", "level": "lvl", "message": "msg", "service": "service"},
            ",level=lvl,message=msg,",
            id="other names in the order of the columns",
        ),
        pytest.param({}, ",timestamp=,service=,", id="defaults are told"),
        pytest.param({"timestamp": "ts"}, ",timestamp=ts,service=,", id="both"),
    ],
)
def test_origin_names_what_differs(keys: dict[str, str], want: str) -> None:
    text = origin.compose(used(**keys))
    assert text == want
    assert all(origin.parse(text).get(column, column) == key for column, key in keys.items())


def test_parse_gives_the_empty_key_for_a_default() -> None:
    assert origin.parse(",timestamp=,level=log.level,") == {"timestamp": "", "level": "log.level"}


@pytest.mark.parametrize("key", ["", "a,b", "a=b"])
def test_a_reading_that_an_origin_cannot_hold_is_refused(key: str) -> None:
    with pytest.raises(BadPayload, match="a key for message"):
        origin.check(Reading(message=(key,)))


def test_the_default_reading_can_be_held() -> None:
    origin.check(DEFAULT_READING)
    origin.check(Reading(message=("_msg",)))
