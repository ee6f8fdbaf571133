"""DynamoDB's numbers against Decimal, which knows what numbers are."""

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_api.core.errors import ValidationException
from aws_api.services.dynamodb.keys import encode_hash, encode_range, segment_bounds
from aws_api.services.dynamodb.numbers import add_numbers, encode_number, normalise_number, number_size

DIGITS = st.integers(min_value=-(10**38) + 1, max_value=10**38 - 1)
# Made from text, because arithmetic rounds to the 28 digits of the default context.
NUMBERS = st.builds(lambda digits, exponent: Decimal(f"{digits}E{exponent}"), DIGITS, st.integers(-130, 87))
SPELLINGS = st.sampled_from(["{}", "{:E}", "{:f}"])


@given(NUMBERS, SPELLINGS)
def test_a_number_keeps_its_value_and_has_one_spelling(number: Decimal, spelling: str) -> None:
    normal = normalise_number(spelling.format(number))
    assert Decimal(normal) == number
    assert "E" not in normal
    assert normalise_number(normal) == normal
    assert normalise_number(f"{number:E}") == normal


@given(NUMBERS, NUMBERS)
def test_encoded_numbers_sort_as_numbers_do(one: Decimal, other: Decimal) -> None:
    first, second = (encode_number(normalise_number(f"{number:f}")) for number in (one, other))
    assert (first < second) == (one < other)
    assert (first == second) == (one == other)


@given(st.text(max_size=20), st.text(max_size=20))
def test_encoded_strings_sort_by_their_bytes(one: str, other: str) -> None:
    assert (encode_range({"S": one}) < encode_range({"S": other})) == (one.encode() < other.encode())


@given(st.text(min_size=1, max_size=20), st.integers(1, 1000))
def test_every_key_is_in_one_segment(text: str, total: int) -> None:
    key = encode_hash({"S": text})
    segments = [segment for segment in range(total) if segment_bounds(segment, total)[0] <= key]
    segment = segments[-1]
    assert key < segment_bounds(segment, total)[1]


def test_segments_meet_without_a_gap() -> None:
    for total in (1, 2, 3, 7, 1000):
        bounds = [segment_bounds(segment, total) for segment in range(total)]
        assert bounds[0][0] == b"\x00\x00\x00\x00"
        assert bounds[-1][1] == b"\xff\xff\xff\xff"
        assert all(end == start for (_, end), (start, _) in pairwise(bounds))


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("0", "0"),
        ("-0.00", "0"),
        ("007", "7"),
        ("+1.50", "1.5"),
        (".5", "0.5"),
        ("1e3", "1000"),
        ("-1.10E-2", "-0.011"),
        ("0e999999999999", "0"),
        ("1E125", "1" + "0" * 125),
    ],
)
def test_spellings(text: str, normal: str) -> None:
    assert normalise_number(text) == normal


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The parameter cannot be converted to a numeric value"),
        ("one", "The parameter cannot be converted to a numeric value: one"),
        ("NaN", "The parameter cannot be converted to a numeric value: NaN"),
        ("\u0661", "The parameter cannot be converted to a numeric value: \u0661"),
        ("1e126", "Number overflow. Attempting to store a number with magnitude larger than supported range"),
        ("1e99999999999", "Number overflow. Attempting to store a number with magnitude larger than supported range"),
        ("1e-131", "Number underflow. Attempting to store a number with magnitude smaller than supported range"),
        ("1" * 39, "Attempting to store more than 38 significant digits in a Number"),
    ],
)
def test_what_is_no_number_is_refused_as_dynamodb_words_it(text: str, message: str) -> None:
    with pytest.raises(ValidationException) as refused:
        normalise_number(text)
    assert refused.value.message == message


def test_a_sum_that_needs_more_digits_is_refused() -> None:
    assert add_numbers("0.1", "0.2") == "0.3"
    assert add_numbers("9" * 38, "1") == "1" + "0" * 38
    with pytest.raises(ValidationException, match="more than 38 significant digits"):
        add_numbers("1" + "0" * 38, "1")


def test_a_number_counts_two_digits_to_a_byte() -> None:
    assert number_size("0") == 1
    assert number_size("100") == 2
    assert number_size("12345") == 4
    assert number_size("-12345") == 5
