"""Filter patterns, by the examples of AWS's page."""

import pytest

from aws_api.services.logs.filter_patterns import InvalidPattern, compile_pattern, split_fields

TERMS = [
    "[ERROR 400] BAD REQUEST",
    "[ERROR 401] UNAUTHORIZED REQUEST",
    "[ERROR 419] MISSING ARGUMENTS",
    "[ERROR 420] INVALID ARGUMENTS",
    "INFO all fine",
]


@pytest.mark.parametrize(
    ("pattern", "places"),
    [
        ("", [0, 1, 2, 3, 4]),
        ("ERROR", [0, 1, 2, 3]),
        ("error", []),
        ("ERROR ARGUMENTS", [2, 3]),
        ("?MISSING ?INFO", [2, 4]),
        ("ERROR -ARGUMENTS", [0, 1]),
        ("-ERROR", [4]),
        ('"BAD REQUEST"', [0]),
        ('-"BAD REQUEST" REQUEST', [1]),
        ("?MISSING REQUEST", [0, 1]),
        ("%4[0-1]\\d%", [0, 1, 2]),
        ("?%^INFO% ?MISSING", [2, 4]),
    ],
)
def test_terms(pattern, places):
    matches = compile_pattern(pattern)
    assert [place for place, message in enumerate(TERMS) if matches(message)] == places


JSON = (
    '{"eventType": "UpdateTrail", "sourceIPAddress": "111.111.111.111", "arrayKey": ["value", "another value"], '
    '"objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}], "SomeObject": null, "ThisFlag": true, '
    '"latency": 300, "text": "404", "a.b": {"c-d": "x"}}'
)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ('{ $.eventType = "UpdateTrail" }', True),
        ("{ $.eventType = UpdateTrail }", True),
        ("{$.eventType=Update*}", True),
        ('{ $.eventType = "Update*" }', True),
        ('{ $.eventType != "UpdateTrail" }', False),
        ("{ $.sourceIPAddress != 123.123.* }", True),
        ('{ $.arrayKey[0] = "value" }', True),
        ('{ $.arrayKey[1] = "value" }', False),
        ('{ $.arrayKey[*] = "another value" }', True),
        ("{ $.objectList[1].id = 2 }", True),
        ("{ $.objectList[*].id > 2 }", False),
        ("{ $.SomeObject IS NULL }", True),
        ("{ $.ThisFlag IS TRUE }", True),
        ("{ $.ThisFlag IS FALSE }", False),
        ("{ $.SomeOtherObject NOT EXISTS }", True),
        ("{ $.eventType NOT EXISTS }", False),
        ("{ $.latency > 299.5 }", True),
        ("{ $.latency = 3e2 }", True),
        ("{ $.latency <= 299 }", False),
        ("{ $.text >= 404 }", True),
        ('{ $.["a.b"]["c-d"] = x }', True),
        ("{ $.eventType = %^Up.*l$% }", True),
        ('{ ($.latency = 1 || $.latency = 300) && $.eventType = "UpdateTrail" }', True),
        ('{ $.latency = 1 || $.latency = 300 && $.eventType = "No" }', False),
        ("{ $.missing != 1 }", False),
        ("{ $.eventType > 5 }", False),
    ],
)
def test_json(pattern, expected):
    assert compile_pattern(pattern)(JSON) is expected
    assert compile_pattern(pattern)("not JSON {") is False


ACCESS = '127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534'


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("[ip, user, username, timestamp, request, status_code, bytes]", True),
        ("[ip, user, username, timestamp, request = *.html*, status_code = 4*, bytes > 1000]", True),
        ("[ip, user, username, timestamp, request, status_code = 5*, bytes]", False),
        ("[..., status_code = 404, bytes]", True),
        ("[ip, ..., bytes < 10]", False),
        ("[ip, user]", False),
        ("[,,,,, status_code=404 || status_code=410, bytes != 0]", True),
        ("[ip = %127\\.0\\.0\\.[12]%, ...]", True),
        ("[ip, user, username = frank && username != bob, ...]", True),
    ],
)
def test_space_delimited(pattern, expected):
    assert compile_pattern(pattern)(ACCESS) is expected


def test_fields_are_split_at_spaces_outside_of_quotes_and_brackets():
    assert split_fields(ACCESS) == [
        "127.0.0.1",
        "-",
        "frank",
        "10/Oct/2000:13:25:15 -0700",
        "GET /index.html HTTP/1.0",
        "404",
        "1534",
    ]


@pytest.mark.parametrize(
    "pattern",
    [
        "{ $.a }",
        "{ $.a = }",
        "{",
        "[a, ..., b, ...]",
        '"open',
        "{ $.a > text }",
        "%(%",
        "%a% %b% %c%",
        "{ a = 1 }",
        "- ",
    ],
)
def test_what_is_no_pattern_is_refused(pattern):
    with pytest.raises(InvalidPattern):
        compile_pattern(pattern)
