"""Checking the values of records, worded as Route 53 words what is wrong with them. Pure."""

import re
from collections.abc import Callable, Mapping
from ipaddress import AddressValueError, IPv4Address, IPv6Address

_HOST = re.compile(r"(?:[A-Za-z0-9_*-]|\\[0-7]{3}){1,63}(?:\.(?:[A-Za-z0-9_*-]|\\[0-7]{3}){1,63})*\.?|\.")
_TEXT = re.compile(r'(?:"(?:[^"\\]|\\.)*"\s*)+')
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_MAX_STRING = 255


def problem_of(type_: str, value: str) -> str | None:
    """What is wrong with a value of a type, None where nothing is (or nothing is known about the type)."""
    check = _CHECKS.get(type_)
    problem = check(value) if check else None
    return f"Invalid Resource Record: 'FATAL problem: {problem} encountered with '{value}''" if problem else None


def _address(value: str) -> str | None:
    try:
        IPv4Address(value)
    except AddressValueError:
        return "ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address)"
    return None


def _long_address(value: str) -> str | None:
    try:
        IPv6Address(value)
    except AddressValueError:
        return "AAAARRDATAIllegalIPv6Address (Value is not a valid IPv6 address)"
    return None


def _host(value: str) -> str | None:
    return None if _HOST.fullmatch(value) else "RRDATANotAValidDomainName (Value is not a valid domain name)"


def _numbers_and_host(count: int, name: str) -> Callable[[str], str | None]:
    def check(value: str) -> str | None:
        parts = value.split()
        if len(parts) != count + 1:
            return f"{name}RRDATAWrongNumberOfFields (Value does not have {count + 1} fields)"
        if not all(part.isdigit() and int(part) <= 65535 for part in parts[:-1]):
            return f"{name}RRDATANotAnInteger (Value is not an integer of 16 bits)"
        return _host(parts[-1])

    return check


def _text(value: str) -> str | None:
    if not _TEXT.fullmatch(value.strip()):
        return "InvalidCharacterString (Value should be enclosed in quotation marks)"
    if any(len(string) > _MAX_STRING for string in _STRING.findall(value)):
        return "CharacterStringTooLong (Value is too long)"
    return None


_CHECKS: Mapping[str, Callable[[str], str | None]] = {
    "A": _address,
    "AAAA": _long_address,
    "CNAME": _host,
    "MX": _numbers_and_host(1, "MX"),
    "NS": _host,
    "PTR": _host,
    "SPF": _text,
    "SRV": _numbers_and_host(3, "SRV"),
    "TXT": _text,
}
