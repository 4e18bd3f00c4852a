"""The layouts of civil times, as regular expressions with named parts.

Parts: ``y`` year (two digits or four), ``mo`` month in digits, ``mon`` month's name, ``d`` day, ``a`` and ``b`` day and
month in an order that must be found out, ``c`` what follows them when it may be a day, ``doy`` day of the year, ``w``
ISO week, ``wd`` ISO week day, ``h`` ``mi`` ``s`` ``f`` time of day with fraction, ``ap`` am or pm, ``behind`` what
follows the time (a zone, or nothing). They are read alike by Python and by Polars; a text fits one of them from end to
end or is no time. The first that fits wins, so the narrow ones stand before the wide ones.
"""

from typing import Final

__all__ = ["LAYOUTS"]

_WEEKDAY: Final = r"(?:(?i:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?[ ]+)?"
_MONTH: Final = r"(?P<mon>[A-Za-z]{3,9})\.?"
_CLOCK: Final = (
    r"(?P<h>[0-9]{1,2})(?::(?P<mi>[0-9]{1,2})(?::(?P<s>[0-9]{1,2})(?:[.,:](?P<f>[0-9]+))?)?)?"
    r"(?:[ ]?(?P<ap>[AaPp])\.?[Mm]\.?)?"
)
_CLOSE: Final = r"(?P<behind>(?:[ ]*[A-Za-z+(\[-].*)?)"
_TIME: Final = _CLOCK + _CLOSE
_THEN: Final = rf"(?:(?:[T_: -]|,[ ]*|[ ]+(?:at|AT)[ ]+|[ ]+){_TIME})?"
_LATER: Final = _THEN.replace("[T_: -]", "[T_ ]")
"""Behind a year of two digits a colon would make an hour of it."""
_NTH: Final = r"(?:st|nd|rd|th)?"

LAYOUTS: Final[tuple[str, ...]] = tuple(
    f"^{_WEEKDAY}{layout}$"
    for layout in (
        # 2024-01-31T12:34:56.789+01:00, 2024/1/31 12:34, 2024.01.31, 2024-Jan-31
        rf"(?P<y>[0-9]{{4}})[-/.:](?:(?P<mo>[0-9]{{1,2}})|{_MONTH})[-/.:](?P<d>[0-9]{{1,2}}){_THEN}",
        # 20240131123456, 20240131T123456.789Z, 20240131-12:34:56:789, 20240131
        (
            r"(?P<y>[0-9]{4})(?P<mo>[0-9]{2})(?P<d>[0-9]{2})"
            r"(?:[T _-]?(?P<h>[0-9]{1,2}):?(?P<mi>[0-9]{1,2}):?(?P<s>[0-9]{1,2})(?:[.,:](?P<f>[0-9]+))?"
            rf"{_CLOSE})?"
        ),
        # 31/Jan/2024:12:34:56 +0100
        rf"(?P<d>[0-9]{{1,2}})[-/]{_MONTH}[-/](?P<y>[0-9]{{4}}):{_TIME}",
        # 31-Jan-24 12:34:56, 31 January 2024
        rf"(?P<d>[0-9]{{1,2}}){_NTH}[-/ .]{{0,2}}{_MONTH},?[-/ .]{{1,2}}'?(?P<y>[0-9]{{4}}|[0-9]{{2}}){_LATER}",
        # Wed Jan 31 12:34:56.789 2024, ... 12:34:56 +0100 2024, ... 12:34:56:789 CET 2024
        (
            rf"{_MONTH}[ ]+(?P<d>[0-9]{{1,2}})[ ]+{_CLOCK}"
            r"(?P<behind>(?:[ ]+[A-Za-z]{1,5}(?:[+-][0-9:]{2,5})?|[ ]+[+-][0-9:]{4,5})?)[ ]+(?P<y>[0-9]{4})"
        ),
        # January 31, 2024 12:34, Jan 31st 2024 at 5pm UTC, Wed Jan 31 2024 12:34:56 GMT+0100 (Central European Time)
        rf"{_MONTH}[- /]?[ ]*(?P<d>[0-9]{{1,2}}){_NTH}(?:,[ ]*|[-/ ]+)'?(?P<y>[0-9]{{4}}|[0-9]{{2}}),?{_LATER}",
        # 1/31/2024, 31.01.2024 12:34:56, 01-31-24: the order is found out, or set
        rf"(?P<a>[0-9]{{1,2}})[-/.:](?P<b>[0-9]{{1,2}})[-/.:](?P<c>[0-9]{{4}}|[0-9]{{2}}),?{_THEN}",
        # 2024年01月31日 12:34:56, 2024年1月31日 12時34分56秒
        rf"(?P<y>[0-9]{{4}})年[ ]?(?P<mo>[0-9]{{1,2}})月[ ]?(?P<d>[0-9]{{1,2}})日(?:[ ]*{_TIME})?",
        (
            r"(?P<y>[0-9]{4})年[ ]?(?P<mo>[0-9]{1,2})月[ ]?(?P<d>[0-9]{1,2})日[ ]*(?P<h>[0-9]{1,2})[時时点]"
            r"(?P<mi>[0-9]{1,2})分(?:(?P<s>[0-9]{1,2})秒)?"
        ),
        # Jan 31 12:34:56, Jan-31 12:34:56.789, 31 Jan 12:34:56.789: the year is found out, or set
        rf"{_MONTH}[- ][ ]*(?P<d>[0-9]{{1,2}})[ ]+{_TIME}",
        rf"(?P<d>[0-9]{{1,2}})[ ]+{_MONTH}[ ]+{_TIME}",
        # 240131 12:34:56, 0131 12:34:56.789, 01-31 12:34:56.789
        rf"(?P<y>[0-9]{{2}})(?P<mo>[0-9]{{2}})(?P<d>[0-9]{{2}})[ ]+{_TIME}",
        rf"(?P<mo>[0-9]{{2}})[-/]?(?P<d>[0-9]{{2}})[ ]+{_TIME}",
        # 2024-W05-3, 2024W053T12:34:56Z, 2024-031
        rf"(?P<y>[0-9]{{4}})-?W(?P<w>[0-9]{{2}})-?(?P<wd>[1-7]){_THEN}",
        rf"(?P<y>[0-9]{{4}})-(?P<doy>[0-9]{{3}}){_THEN}",
        # 2024-01, 2024.01, 2024
        r"(?P<y>[0-9]{4})(?:[-/.](?P<mo>[0-9]{2}))?",
    )
)
