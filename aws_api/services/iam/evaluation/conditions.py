"""Conditions of statements: every operator, its qualifiers, and what a missing key means to it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
"""

import base64
import binascii
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from operator import eq, ge, gt, le, lt
from typing import Any

from aws_api.services.iam.evaluation.patterns import ConditionKeys, Pattern, arn, glob, literal

#: Whether a value of the request fits one value of the policy.
Test = Callable[[str, ConditionKeys], bool]


class Quantifier(StrEnum):
    """The set operators; NONE is the plain operator of single-valued keys."""

    NONE = ""
    ALL = "ForAllValues"
    ANY = "ForAnyValue"


class UnknownOperator(ValueError):
    """The policy names a condition operator that IAM does not have."""


@dataclass(frozen=True)
class Operator:
    """A condition operator: how it reads a value of the policy, and whether it says that none may fit."""

    read: Callable[[str, bool], Test]
    is_negated: bool = False


@dataclass(frozen=True)
class Condition:
    """``{operator: {key: values}}``: true or false of a request."""

    operator: str
    key: str
    values: tuple[str, ...]
    quantifier: Quantifier
    if_exists: bool
    is_negated: bool
    tests: tuple[Test, ...]
    variables: frozenset[str]

    def holds(self, keys: ConditionKeys) -> bool:
        """Whether the request satisfies the condition."""
        found = keys.get(self.key)
        if self.operator == "Null":
            return (not found) == (self.values[0].lower() == "true") if self.values else False
        if self.quantifier is Quantifier.ALL:
            return all(self._fits(value, keys) for value in found or ())
        if not found:
            if self.if_exists:
                return True
            # A negated operator is true of what is not there, except that ForAnyValue wants one that is.
            return self.is_negated and self.quantifier is Quantifier.NONE
        if self.quantifier is Quantifier.NONE and self.is_negated:
            return all(self._fits(value, keys) for value in found)
        return any(self._fits(value, keys) for value in found)

    def _fits(self, value: str, keys: ConditionKeys) -> bool:
        return any(test(value, keys) for test in self.tests) is not self.is_negated


def condition(operator: str, key: str, values: tuple[str, ...], *, variables: bool) -> Condition:
    """One condition of a statement. Raises UnknownOperator."""
    quantifier, _, name = operator.rpartition(":")
    try:
        chosen = Quantifier(quantifier)
    except ValueError:
        raise UnknownOperator(operator) from None
    lowered = name.lower()
    if_exists = lowered.endswith("ifexists")
    lowered = lowered.removesuffix("ifexists")
    if lowered == "null" and not if_exists and chosen is Quantifier.NONE:
        return Condition("Null", key.lower(), values, chosen, False, False, (), frozenset())
    known = OPERATORS.get(lowered)
    if known is None:
        raise UnknownOperator(operator)
    patterns = [literal(value, variables=variables) for value in values]
    return Condition(
        operator=operator,
        key=key.lower(),
        values=values,
        quantifier=chosen,
        if_exists=if_exists,
        is_negated=known.is_negated,
        tests=tuple(known.read(value, variables) for value in values),
        variables=frozenset().union(*(pattern.variables for pattern in patterns)),
    )


def _reads_pattern(make: Callable[..., Pattern], **options: Any) -> Callable[[str, bool], Test]:
    def read(text: str, variables: bool) -> Test:
        return make(text, variables=variables, **options).matches

    return read


def _reads(parse: Callable[[str], Any], compare: Callable[[Any, Any], bool]) -> Callable[[str, bool], Test]:
    """Compare what both texts mean; a text that means nothing of the kind fits nothing."""

    def read(text: str, _variables: bool) -> Test:
        try:
            wanted = parse(text)
        except (ValueError, InvalidOperation):
            return _never

        def test(value: str, _keys: ConditionKeys) -> bool:
            try:
                return compare(parse(value), wanted)
            except (ValueError, InvalidOperation):
                return False

        return test

    return read


def _never(_value: str, _keys: ConditionKeys) -> bool:
    return False


def _number(text: str) -> Decimal:
    number = Decimal(text.strip())
    if not number.is_finite():
        raise ValueError(text)
    return number


def _instant(text: str) -> float:
    """W3C's profile of ISO 8601, or seconds since 1970."""
    try:
        return float(_number(text)) if "-" not in text.lstrip("-") else _iso(text)
    except InvalidOperation:
        return _iso(text)


def _iso(text: str) -> float:
    # A year alone, or a year and a month, is the profile's coarsest form.
    padded = {4: f"{text}-01-01", 7: f"{text}-01"}.get(len(text), text)
    moment = datetime.fromisoformat(padded)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _truth(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(text) from error


def _reads_network(text: str, _variables: bool) -> Test:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return _never

    def test(value: str, _keys: ConditionKeys) -> bool:
        try:
            return ipaddress.ip_address(value) in network
        except ValueError:
            return False

    return test


def _both(name: str, negated_name: str, read: Callable[[str, bool], Test]) -> dict[str, Operator]:
    return {name: Operator(read), negated_name: Operator(read, is_negated=True)}


def _ordered(kind: str, parse: Callable[[str], Any]) -> dict[str, Operator]:
    return {
        **_both(f"{kind}equals", f"{kind}notequals", _reads(parse, eq)),
        f"{kind}lessthan": Operator(_reads(parse, lt)),
        f"{kind}lessthanequals": Operator(_reads(parse, le)),
        f"{kind}greaterthan": Operator(_reads(parse, gt)),
        f"{kind}greaterthanequals": Operator(_reads(parse, ge)),
    }


#: By lower-case name: IAM takes operators in any case.
OPERATORS: dict[str, Operator] = {
    **_both("stringequals", "stringnotequals", _reads_pattern(literal)),
    **_both("stringequalsignorecase", "stringnotequalsignorecase", _reads_pattern(literal, ignores_case=True)),
    **_both("stringlike", "stringnotlike", _reads_pattern(glob)),
    **_both("arnequals", "arnnotequals", _reads_pattern(arn)),
    **_both("arnlike", "arnnotlike", _reads_pattern(arn)),
    **_ordered("numeric", _number),
    **_ordered("date", _instant),
    **_both("ipaddress", "notipaddress", _reads_network),
    "bool": Operator(_reads(_truth, eq)),
    "binaryequals": Operator(_reads(_bytes, eq)),
}
