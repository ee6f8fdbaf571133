"""Metric math: expressions over metrics, as far as Simfra knows them. Pure.

A value is a number or a series (moments to numbers). Between two series only moments that both have count.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

Series = Mapping[datetime, float]
Value = float | Series

MAX_DEPTH = 30
_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<sign>==|!=|<=|>=|&&|\|\||[-+*/^(),\[\]<>]))"
)
#: Signs by how strongly they bind, the weakest first.
_LEVELS: Sequence[Mapping[str, Callable[[float, float], float]]] = (
    {"||": lambda a, b: float(bool(a) or bool(b)), "OR": lambda a, b: float(bool(a) or bool(b))},
    {"&&": lambda a, b: float(bool(a) and bool(b)), "AND": lambda a, b: float(bool(a) and bool(b))},
    {
        "==": operator.eq,
        "!=": operator.ne,
        "<=": operator.le,
        ">=": operator.ge,
        "<": operator.lt,
        ">": operator.gt,
    },
    {"+": operator.add, "-": operator.sub},
    {"*": operator.mul, "/": operator.truediv},
    {"^": operator.pow},
)
_AGGREGATES: Mapping[str, Callable[[Sequence[float]], float]] = {
    "SUM": sum,
    "AVG": lambda values: sum(values) / len(values),
    "MIN": min,
    "MAX": max,
}
_MAPPED: Mapping[str, Callable[[float], float]] = {"ABS": abs, "CEIL": math.ceil, "FLOOR": math.floor}


class MathError(ValueError):
    """The expression is not one that can be worked out; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What an expression may refer to: ``value_of`` an id, the ids of all metrics, and the moments of its periods."""

    value_of: Callable[[str], Value]
    metric_ids: Sequence[str]
    moments: Sequence[datetime]


def evaluate(expression: str, terms: Terms) -> Value:
    """What an expression comes to. Raises MathError."""
    return _Evaluation(_tokens(expression), terms).whole()


def _tokens(expression: str) -> list[str]:
    found, at, text = [], 0, expression.strip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise MathError(f"Error in expression: unexpected character at '{text[at : at + 10]}'")
        found.append(match[0].strip())
        at = match.end()
    return found


class _Evaluation:
    """One pass over an expression's tokens."""

    def __init__(self, tokens: Sequence[str], terms: Terms) -> None:
        self._tokens = tokens
        self._terms = terms
        self._at = 0
        self._depth = 0

    def whole(self) -> Value:
        value = self._level(0)
        if self._at < len(self._tokens):
            raise MathError(f"Error in expression: unexpected '{self._tokens[self._at]}'")
        if isinstance(value, list):
            raise MathError("Error in expression: the result is an array of time series")
        return value

    def _level(self, level: int) -> Value:
        if level == len(_LEVELS):
            return self._unary()
        value = self._level(level + 1)
        while (sign := self._peek()) in _LEVELS[level]:
            self._at += 1
            value = _joined(_LEVELS[level][sign], value, self._level(level + 1))
        return value

    def _unary(self) -> Value:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise MathError("Error in expression: it is nested too deeply")
        try:
            if self._peek() == "-":
                self._at += 1
                return _joined(operator.mul, -1.0, self._unary())
            return self._atom()
        finally:
            self._depth -= 1

    def _atom(self) -> Value:
        token = self._next()
        if token == "(":
            value = self._level(0)
            self._expect(")")
            return value
        if token[0].isdigit():
            return float(token)
        if not (token[0].isalpha() or token[0] == "_"):
            raise MathError(f"Error in expression: unexpected '{token}'")
        if self._peek() != "(":
            return self._terms.value_of(token)
        self._at += 1
        return self._call(token.upper())

    def _call(self, name: str) -> Value:
        if name in _AGGREGATES:
            several, values = self._several()
            self._expect(")")
            return _aggregated(_AGGREGATES[name], values, is_array=several)
        if name in _MAPPED:
            value = self._level(0)
            self._expect(")")
            return _mapped(_MAPPED[name], value)
        if name == "FILL":
            return self._fill()
        if name == "IF":
            return self._choice()
        raise MathError(f"Simfra's metric math does not know the function {name}.")

    def _several(self) -> tuple[bool, list[Value]]:
        """The argument of an aggregate: one value, or an array of series."""
        if self._peek() == "METRICS":
            self._at += 1
            self._expect("(")
            self._expect(")")
            return True, [self._terms.value_of(each) for each in self._terms.metric_ids]
        if self._peek() != "[":
            return False, [self._level(0)]
        self._at += 1
        values = [self._level(0)]
        while self._peek() == ",":
            self._at += 1
            values.append(self._level(0))
        self._expect("]")
        return True, values

    def _fill(self) -> Value:
        series = self._level(0)
        self._expect(",")
        is_repeated = self._peek() == "REPEAT"
        filling: Value = 0.0
        if is_repeated:
            self._at += 1
        elif self._peek() == "LINEAR":
            raise MathError("Simfra's metric math does not know FILL with LINEAR.")
        else:
            filling = self._level(0)
        self._expect(")")
        if isinstance(series, float):
            return series
        return dict(_filled(series, self._terms.moments, None if is_repeated else filling))

    def _choice(self) -> Value:
        condition = self._level(0)
        self._expect(",")
        chosen = self._level(0)
        other: Value = {}
        if self._peek() == ",":
            self._at += 1
            other = self._level(0)
        self._expect(")")
        if isinstance(condition, float):
            return chosen if condition else other
        picked = ((at, _at(chosen if holds else other, at)) for at, holds in condition.items())
        return {at: value for at, value in picked if value is not None}

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        if self._at >= len(self._tokens):
            raise MathError("Error in expression: unexpected end")
        self._at += 1
        return self._tokens[self._at - 1]

    def _expect(self, token: str) -> None:
        if self._next() != token:
            raise MathError(f"Error in expression: expected '{token}'")


def _joined(join: Callable[[float, float], float], left: Value, right: Value) -> Value:
    if isinstance(left, float) and isinstance(right, float):
        value = _safely(join, left, right)
        if value is None:
            raise MathError("Error in expression: division by zero")
        return value
    series = left if not isinstance(left, float) else right
    assert not isinstance(series, float), "one of the two is a series"
    found = {}
    for moment in series:
        one, other = _at(left, moment), _at(right, moment)
        value = _safely(join, one, other) if one is not None and other is not None else None
        if value is not None:
            found[moment] = value
    return found


def _safely(join: Callable[[float, float], float], left: float, right: float) -> float | None:
    """What has no value, such as a division by zero, is no point of the series."""
    try:
        value = float(join(left, right))
    except (ArithmeticError, TypeError):
        return None
    return value if math.isfinite(value) else None


def _mapped(function: Callable[[float], float], value: Value) -> Value:
    if isinstance(value, float):
        return float(function(value))
    return {at: float(function(each)) for at, each in value.items()}


def _aggregated(aggregate: Callable[[Sequence[float]], float], values: Sequence[Value], *, is_array: bool) -> Value:
    """Of an array a series, moment by moment; of one series a number."""
    if not is_array:
        (value,) = values
        if isinstance(value, float):
            return value
        return float(aggregate(list(value.values()))) if value else {}
    moments = sorted({at for value in values if not isinstance(value, float) for at in value})
    if not moments:
        numbers = [value for value in values if isinstance(value, float)]
        return float(aggregate(numbers)) if numbers else {}
    there = {at: [each for value in values if (each := _at(value, at)) is not None] for at in moments}
    return {at: float(aggregate(found)) for at, found in there.items()}


def _at(value: Value, moment: datetime) -> float | None:
    return value if isinstance(value, float) else value.get(moment)


def _filled(series: Series, moments: Iterable[datetime], filling: Value | None) -> Iterable[tuple[datetime, float]]:
    last: float | None = None
    for at in moments:
        value = series.get(at)
        if value is None:
            value = last if filling is None else _at(filling, at)
        if value is not None:
            yield at, value
            last = value
