"""Rules of composite alarms."""

import pytest

from aws_api.services.cloudwatch.alarm_rules import RuleError, parse

STATES = {"a": "ALARM", "b": "OK", "c d": "INSUFFICIENT_DATA", "arn:aws:cloudwatch:us-east-1:1:alarm:a": "ALARM"}


@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        ("ALARM(a)", True),
        ('ALARM("b")', False),
        ("OK('b')", True),
        ('INSUFFICIENT_DATA("c d")', True),
        ("ALARM(a) AND NOT ALARM(b)", True),
        ("ALARM(b) OR ALARM(a) AND OK(a)", False),
        ("(ALARM(b) OR ALARM(a)) AND OK(b)", True),
        ("NOT (ALARM(a) OR TRUE)", False),
        ("FALSE", False),
        ("ALARM(arn:aws:cloudwatch:us-east-1:1:alarm:a)", True),
    ],
)
def test_a_rule_holds(rule: str, holds: bool) -> None:
    assert parse(rule).holds(STATES.__getitem__) is holds


@pytest.mark.parametrize("rule", ["", "ALARM", "ALARM()", "ALARM(a", "a", "ALARM(a) ALARM(b)", "AND", "(" * 100])
def test_what_is_no_rule_is_refused(rule: str) -> None:
    with pytest.raises(RuleError):
        parse(rule)
