"""DynamoDB's numbers: 38 significant digits, a bounded magnitude, one spelling each, and an encoding that sorts.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
"""

import re
from decimal import Context, Decimal

from aws_api.core.errors import ValidationException

MAX_DIGITS = 38
MAX_EXPONENT = 125
MIN_EXPONENT = -130

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE]([+-]?[0-9]+))?")
#: Most numbers come as they are kept; what is short as well cannot be out of range.
_NORMAL = re.compile(r"0|-?(?:[1-9][0-9]*(?:\.[0-9]*[1-9])?|0\.[0-9]*[1-9])")
#: Longer exponents are out of range whatever the digits before them are; Decimal would not read them.
_MAX_EXPONENT_DIGITS = 9
#: Wide enough for the exact sum of the largest and the smallest number.
_EXACT = Context(prec=MAX_EXPONENT - MIN_EXPONENT + MAX_DIGITS + 2)


def normalise_number(text: str) -> str:
    """The one spelling of a number: plain notation without superfluous zeros. Raises ValidationException."""
    if len(text) <= MAX_DIGITS and _NORMAL.fullmatch(text):
        return text
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ValidationException(f"The parameter cannot be converted to a numeric value{': ' + text if text else ''}")
    exponent = match[1]
    if exponent is not None and len(exponent.lstrip("+-0")) > _MAX_EXPONENT_DIGITS:
        mantissa = text[: match.start(1) - 1]
        if not mantissa.strip("+-0."):
            return "0"
        raise _underflow() if exponent.startswith("-") else _overflow()
    return format_number(Decimal(text))


def format_number(number: Decimal) -> str:
    """A number as DynamoDB spells it. Raises ValidationException where it is out of range or too precise."""
    if not number:
        return "0"
    if number.adjusted() > MAX_EXPONENT:
        raise _overflow()
    if number.adjusted() < MIN_EXPONENT:
        raise _underflow()
    plain = f"{number.copy_abs():f}"
    if "." in plain:
        plain = plain.rstrip("0").rstrip(".")
    if len(_parts(plain)[0]) > MAX_DIGITS:
        raise ValidationException("Attempting to store more than 38 significant digits in a Number")
    return f"-{plain}" if number < 0 else plain


def add_numbers(left: str, right: str) -> str:
    """The exact sum. Raises ValidationException where DynamoDB cannot hold it."""
    return format_number(_EXACT.add(Decimal(left), Decimal(right)))


def subtract_numbers(left: str, right: str) -> str:
    """The exact difference. Raises ValidationException where DynamoDB cannot hold it."""
    return format_number(_EXACT.subtract(Decimal(left), Decimal(right)))


def number_size(text: str) -> int:
    """How many bytes a normalised number counts for: one per two significant digits and one, two with a sign."""
    digits = text.lstrip("-").replace(".", "").strip("0")
    return (len(digits) + 1) // 2 + (2 if text.startswith("-") else 1)


def encode_number(text: str) -> bytes:
    """A normalised number as bytes that sort as the numbers do.

    A byte for the sign, one for the exponent, two decimal digits in each that follows. A negative number's bytes are
    inverted and closed with the highest byte, so that of two that begin alike the longer is the smaller.
    """
    if text == "0":
        return b"\x01"
    digits, exponent = _parts(text.removeprefix("-"))
    if len(digits) % 2:
        digits += "0"
    body = bytes([exponent - 1 - MIN_EXPONENT, *(int(digits[at : at + 2]) for at in range(0, len(digits), 2))])
    if text.startswith("-"):
        return b"\x00" + bytes(255 - byte for byte in body) + b"\xff"
    return b"\x02" + body


def _parts(plain: str) -> tuple[str, int]:
    """(digits without outer zeros, exponent) of a normalised number without its sign: 0.digits x 10^exponent."""
    whole, _, fraction = plain.partition(".")
    if whole != "0":
        return (whole + fraction).rstrip("0"), len(whole)
    digits = fraction.lstrip("0")
    return digits, len(digits) - len(fraction)


def _overflow() -> ValidationException:
    return ValidationException(
        "Number overflow. Attempting to store a number with magnitude larger than supported range"
    )


def _underflow() -> ValidationException:
    return ValidationException(
        "Number underflow. Attempting to store a number with magnitude smaller than supported range"
    )
