"""Rules of composite alarms: ``ALARM("a") AND (NOT OK(b) OR TRUE)``. Pure.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

MAX_RULE = 10_240
MAX_CHILDREN = 100
MAX_DEPTH = 50
_TOKEN = re.compile(r"""\s*(?:(?P<sign>[()])|"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<word>[^\s()"']+))""")
_STATES = ("ALARM", "OK", "INSUFFICIENT_DATA")

#: An alarm's state by its name or ARN.
StateOf = Callable[[str], str]
_Truth = Callable[[StateOf], bool]


class RuleError(ValueError):
    """The rule is none; the message says why."""


@dataclass(frozen=True, kw_only=True)
class AlarmRule:
    """A rule that was understood. ``children`` are the alarms that it names, as it names them."""

    children: tuple[str, ...]
    _truth: _Truth

    def holds(self, state_of: StateOf) -> bool:
        """Whether it holds for alarms in these states."""
        return self._truth(state_of)


def parse(text: str) -> AlarmRule:
    """Understand a rule. Raises RuleError."""
    reader = _Reader(_tokens(text))
    truth = reader.whole()
    if len(reader.children) > MAX_CHILDREN:
        raise RuleError(f"AlarmRule must not contain more than {MAX_CHILDREN} alarms")
    return AlarmRule(children=tuple(reader.children), _truth=truth)


def _tokens(text: str) -> list[tuple[str, str]]:
    """Pairs of what kind of token it is (a sign, a word, a quoted name) and its text."""
    found, at, text = [], 0, text.strip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise RuleError(f"AlarmRule contains an unexpected character at {at}")
        kind = str(match.lastgroup)
        found.append(("name" if kind in ("double", "single") else kind, match[kind]))
        at = match.end()
    return found


class _Reader:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0
        self.children: list[str] = []

    def whole(self) -> _Truth:
        truth = self._either()
        if self._at < len(self._tokens):
            raise RuleError(f"AlarmRule contains an unexpected '{self._tokens[self._at][1]}'")
        return truth

    def _either(self) -> _Truth:
        parts = [self._both()]
        while self._takes("OR"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else lambda state_of: any(part(state_of) for part in parts)

    def _both(self) -> _Truth:
        parts = [self._one()]
        while self._takes("AND"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else lambda state_of: all(part(state_of) for part in parts)

    def _one(self) -> _Truth:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise RuleError("AlarmRule is nested too deeply")
        try:
            return self._atom()
        finally:
            self._depth -= 1

    def _atom(self) -> _Truth:
        kind, text = self._next()
        if (kind, text) == ("sign", "("):
            truth = self._either()
            self._expect(")")
            return truth
        word = text.upper() if kind == "word" else ""
        if word == "NOT":
            denied = self._one()
            return lambda state_of: not denied(state_of)
        if word in ("TRUE", "FALSE"):
            return lambda _state_of: word == "TRUE"
        if word in _STATES:
            self._expect("(")
            kind, name = self._next()
            if kind == "sign":
                raise RuleError(f"AlarmRule names no alarm in {word}()")
            self._expect(")")
            self.children += [] if name in self.children else [name]
            return lambda state_of: state_of(name) == word
        raise RuleError(f"AlarmRule contains an unexpected '{text}'")

    def _takes(self, word: str) -> bool:
        if self._at < len(self._tokens):
            kind, text = self._tokens[self._at]
            if kind == "word" and text.upper() == word:
                self._at += 1
                return True
        return False

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise RuleError("AlarmRule ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _expect(self, sign: str) -> None:
        if self._next() != ("sign", sign):
            raise RuleError(f"AlarmRule lacks a '{sign}'")
