"""What a regular expression cannot decide: checksums, and whether a text is a secret or only stands for one.

A validator takes the text that was found and says whether it is what the rule looks for.
"""

import base64
import binascii
import hashlib
import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Final

__all__ = ["VALIDATORS"]

_CARD_HEADS: Final = re.compile(r"(?:4|5[0-9]|6[0-9]|3[0-9]|2[2-7]|1[28])")
_IBAN_LENGTH: Final[Mapping[str, int]] = {
    country: length
    for length, countries in {
        15: "NO", 16: "BE", 18: "DK FI FO GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU XK MN", 21: "CH CR HR LI LV",
        22: "BG BH DE GB GE IE ME RS", 23: "AE GI IL IQ OM TL SO", 24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST", 26: "IS TR", 27: "BI DJ FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HU LB NI PL SV",
        29: "BR EG PS QA UA",
        30: "JO KW MU", 31: "MT SC", 32: "LC", 33: "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip
"""ISO 13616 registry."""
_BBAN: Final[Mapping[str, str]] = {
    "DO": r"[A-Z0-9]{4}[0-9]{20}", "PS": r"[A-Z]{4}[A-Z0-9]{21}", "RS": r"[0-9]{18}",
    "SM": r"[A-Z][0-9]{10}[A-Z0-9]{12}",
    "BY": r"[A-Z0-9]{4}[0-9]{4}[A-Z0-9]{16}", "LT": r"[0-9]{16}", "DE": r"[0-9]{18}", "AT": r"[0-9]{16}",
    "BE": r"[0-9]{12}", "ES": r"[0-9]{20}", "PL": r"[0-9]{24}", "NL": r"[A-Z]{4}[0-9]{10}", "GB": r"[A-Z]{4}[0-9]{14}",
}  # fmt: skip
_PLACEHOLDER: Final = re.compile(
    r"(?i)^(?:\$|%|<|\{|\[|\*+$|x{4,}$|\.{3}|(?:your|my|the|example|changeme|null|none|true|false|undefined|redacted|"
    r"hidden|masked|secret|password|passwd|token|placeholder|dummy|string|required|empty|missing|invalid)\b)"
)
_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def _digits(text: str) -> list[int]:
    return [int(character) for character in text if character.isdigit()]


def _luhn(text: str) -> bool:
    doubled = [
        digit if place % 2 == 0 else sum(divmod(digit * 2, 10)) for place, digit in enumerate(_digits(text)[::-1])
    ]
    return sum(doubled) % 10 == 0


def _card(text: str) -> bool:
    """ISO/IEC 7812: 12 to 19 digits of a known issuer with a Luhn digit; not the time in milliseconds, 13 digits from
    1 on.
    """
    digits = "".join(map(str, _digits(text)))
    groups = re.split(r"[ -]", text)
    even = len(groups) == 1 or all(3 <= len(group) <= 6 for group in groups)  # noqa: PLR2004 - cards are printed so
    return even and len(set(digits)) > 1 and bool(_CARD_HEADS.match(digits)) and not _time(digits) and _luhn(digits)


def _time(digits: str) -> bool:
    """A Unix time in milliseconds to nanoseconds, or a date and time of day."""
    return bool(re.fullmatch(r"1[0-9]{12}(?:[0-9]{3}|[0-9]{6})?|20[0-9]{12}", digits))


def _iban(text: str) -> bool:
    """ISO 13616: length of its country, and 97-10 of ISO 7064."""
    plain = re.sub(r"[ -]", "", text)
    country = plain[:2]
    if _IBAN_LENGTH.get(country) != len(plain) or not re.fullmatch(_BBAN.get(country, r"[A-Z0-9]+"), plain[4:]):
        return False
    return int("".join(str(int(character, 36)) for character in plain[4:] + plain[:4])) % 97 == 1


def _phone(text: str) -> bool:
    """E.164 has at most 15 digits; without a country or an area in parentheses ten, evenly parted, are a number: fewer
    are a date.
    """
    digits = len(_digits(text))
    if text[0] in "+(":
        return 7 <= digits <= 15  # noqa: PLR2004 - E.164
    return digits >= 10 and len(set(re.findall(r"[ .-]", text))) == 1  # noqa: PLR2004 - of an area and a subscriber


def _ssn(text: str) -> bool:
    digits = "".join(map(str, _digits(text)))
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    return area not in {"000", "666"} and area < "900" and group != "00" and serial != "0000"


def _itin(text: str) -> bool:
    group = int("".join(map(str, _digits(text)))[3:5])
    return 50 <= group <= 65 or 70 <= group <= 88 or 90 <= group <= 92 or 94 <= group <= 99  # noqa: PLR2004 - IRS


def _nhs(text: str) -> bool:
    digits = _digits(text)
    return sum(digit * weight for digit, weight in zip(digits, range(10, 0, -1), strict=True)) % 11 == 0


def _ip(text: str) -> bool:
    try:
        ipaddress.ip_network(text.partition("%")[0] if "/" not in text else text, strict=False)
    except ValueError:
        return False
    return True


def _mac(text: str) -> bool:
    return len(set(re.sub(r"\W", "", text).lower())) > 1


def _bitcoin(text: str) -> bool:
    if text.startswith("bc1"):
        return _bech32(text)
    number = 0
    for character in text:
        number = number * 58 + _BASE58.index(character)
    try:
        raw = number.to_bytes(25, "big")
    except OverflowError:
        return False
    return hashlib.sha256(hashlib.sha256(raw[:21]).digest()).digest()[:4] == raw[21:]


def _bech32(text: str) -> bool:
    """BIP 173 and BIP 350."""
    alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
    if any(character not in alphabet for character in text[3:]):
        return False
    values = [3, 3, 0, 2, 3, *(alphabet.index(character) for character in text[3:])]
    check = 1
    for value in values:
        top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= generator if top >> bit & 1 else 0
    return check in {1, 0x2BC830A3}


def _jwt(text: str) -> bool:
    """RFC 7519: the first part is the Base64 of a JSON object with an algorithm."""
    head = text.partition(".")[0]
    try:
        return base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)).strip().endswith(b"}")
    except (binascii.Error, ValueError):
        return False


def _unlike_placeholder(text: str) -> bool:
    return not _PLACEHOLDER.match(text)


def _varied(text: str) -> bool:
    """Not the same few characters over and over, and no placeholder."""
    return len(set(text)) >= min(6, len(text) // 2) and _unlike_placeholder(text)


def _mixed(text: str) -> bool:
    """Letters and digits, large and small."""
    return _varied(text) and any(c.isdigit() for c in text) and any(c.isupper() for c in text[2:])


def _secret(text: str) -> bool:
    """What stands behind ``password=``: no variable, no code, no word that says that it is a secret."""
    code = re.search(r"^[\w.]+\(|^[A-Za-z_]+(?:\.[A-Za-z_]+)+$|^[A-Z_]+$|::|->|[$%{}<>]", text)
    return not code and _varied(text) and not re.fullmatch(r"[a-z]+(?:[-_][a-z]+)*", text)


def _gitlab(text: str) -> bool:
    body = text.partition("-")[2]
    exact = {"gloas": 64, "glptt": 40}.get(text[:5])
    return _varied(text) and (exact is None or len(body) == exact)


def _discord(text: str) -> bool:
    head = text.partition(".")[0]
    return len(head) in {24, 26} and any(character.isdigit() for character in head)


VALIDATORS: Final[Mapping[str, Callable[[str], bool]]] = {
    "card": _card,
    "iban": _iban,
    "phone": _phone,
    "ssn": _ssn,
    "itin": _itin,
    "nhs": _nhs,
    "ip": _ip,
    "mac": _mac,
    "bitcoin": _bitcoin,
    "jwt": _jwt,
    "unlike_placeholder": _unlike_placeholder,
    "varied": _varied,
    "mixed": _mixed,
    "secret": _secret,
    "gitlab": _gitlab,
    "discord": _discord,
}
"""By the name that rules use."""
