"""Checks of what a model demands of values: required, length, range, pattern, enum.

``compile_check`` builds one closure per shape, ahead of any request; a shape below which nothing is demanded gets none,
so that valid values of it cost nothing.
"""

from collections.abc import Callable
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from aws_api.protocol.failures import Path, Violation
from aws_api.protocol.limits import MAX_PATTERN_INPUT, MAX_REPORTED_VIOLATIONS
from aws_api.protocol.patterns import python_pattern
from aws_api.protocol.structures import CompiledStructures

#: Appends what is wrong with a value at a place.
Check = Callable[[Any, Path, list[Violation]], None]
#: How a protocol spells a member in its messages.
Display = Callable[[str, Shape], str]


def lower_first(name: str, shape: Shape) -> str:
    """``tableName`` for ``TableName``: the spelling of AWS's validation sentences."""
    return name[0].lower() + name[1:]


def as_modelled(name: str, shape: Shape) -> str:
    """The member as the model and the query string spell it."""
    return name


class CheckCompiler:
    """Compiles the checks of one service's shapes, each structure once."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._structures = CompiledStructures[Check]()
        self._demanding: dict[str, bool] = {}

    def compile(self, shape: Shape) -> Check | None:
        """The check of a shape, or None where it demands nothing."""
        if not self._demands(shape):
            return None
        if isinstance(shape, StructureShape):
            return self._structures.get(shape, self._structure)
        if isinstance(shape, ListShape):
            return self._list(shape)
        if isinstance(shape, MapShape):
            return self._map(shape)
        return _scalar(shape)

    def _demands(self, shape: Shape) -> bool:
        """Whether anything reachable from the shape is constrained; asked once per structure."""
        if not isinstance(shape, StructureShape):
            return self._reaches_demand(shape)
        if shape.name not in self._demanding:
            self._demanding[shape.name] = self._reaches_demand(shape)
        return self._demanding[shape.name]

    def _reaches_demand(self, shape: Shape) -> bool:
        seen: set[str] = set()
        pending = [shape]
        while pending:
            current = pending.pop()
            if _is_constrained(current):
                return True
            if isinstance(current, StructureShape):
                if current.name not in seen:
                    seen.add(current.name)
                    pending.extend(current.members.values())
            elif isinstance(current, ListShape):
                pending.append(current.member)
            elif isinstance(current, MapShape):
                pending.extend((current.key, current.value))
        return False

    def _structure(self, shape: StructureShape) -> Check:
        members = shape.members
        required = tuple((key, self._display(key, members[key])) for key in shape.required_members if key in members)
        checked: dict[str, tuple[str, Check]] = {}
        for key, member in members.items():
            member_check = self.compile(member)
            if member_check is not None:
                checked[key] = (self._display(key, member), member_check)
        lookup = checked.get

        def check(value: Any, path: Path, violations: list[Violation]) -> None:
            for key, display in required:
                if key not in value:
                    violations.append(Violation((path, display), None, "Member must not be null"))
            for key, item in value.items():
                member = lookup(key)
                if member is not None:
                    member[1](item, (path, member[0]), violations)

        return check

    def _list(self, shape: ListShape) -> Check:
        check_length = _length(shape)
        check_item = self.compile(shape.member)

        def check(value: Any, path: Path, violations: list[Violation]) -> None:
            if check_length is not None:
                check_length(value, path, violations)
            if check_item is not None:
                for index, item in enumerate(value, 1):
                    check_item(item, ((path, str(index)), "member"), violations)
                    if len(violations) >= MAX_REPORTED_VIOLATIONS:
                        return

        return check

    def _map(self, shape: MapShape) -> Check:
        check_length = _length(shape)
        check_key = _scalar(shape.key) if _is_constrained(shape.key) else None
        check_item = self.compile(shape.value)

        def check(value: Any, path: Path, violations: list[Violation]) -> None:
            if check_length is not None:
                check_length(value, path, violations)
            if check_key is not None:
                broken: list[Violation] = []
                for key in value:
                    check_key(key, path, broken)
                    if broken:
                        demands = ", ".join(violation.constraint for violation in broken)
                        violations.append(Violation(path, value, f"Map keys must satisfy constraint: [{demands}]"))
                        break
            if check_item is not None:
                for key, item in value.items():
                    check_item(item, ((path, key), "member"), violations)
                    if len(violations) >= MAX_REPORTED_VIOLATIONS:
                        return

        return check


def _is_constrained(shape: Shape) -> bool:
    metadata = shape.metadata
    if isinstance(shape, StructureShape):
        return bool(shape.required_members)
    return any(key in metadata for key in ("min", "max", "pattern", "enum"))


def _scalar(shape: Shape) -> Check:
    if shape.type_name in {"integer", "long", "float", "double"}:
        return _range(shape)
    if shape.type_name == "string":
        return _string(shape)
    return _length(shape) or _nothing


def _nothing(value: Any, path: Path, violations: list[Violation]) -> None:
    """Timestamps and booleans: a constraint on them means nothing."""


def _range(shape: Shape) -> Check:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")

    def check(value: Any, path: Path, violations: list[Violation]) -> None:
        if low is not None and value < low:
            violations.append(Violation(path, value, f"Member must have value greater than or equal to {low}"))
        if high is not None and value > high:
            violations.append(Violation(path, value, f"Member must have value less than or equal to {high}"))

    return check


def _length(shape: Shape) -> Check | None:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is None and high is None:
        return None
    sensitive = bool(shape.metadata.get("sensitive"))

    def check(value: Any, path: Path, violations: list[Violation]) -> None:
        # A body that streams in has no length yet; its reader counts it.
        if not hasattr(value, "__len__"):
            return
        length = len(value)
        shown = ... if sensitive else value
        if low is not None and length < low:
            violations.append(Violation(path, shown, f"Member must have length greater than or equal to {low}"))
        if high is not None and length > high:
            violations.append(Violation(path, shown, f"Member must have length less than or equal to {high}"))

    return check


def _string(shape: Shape) -> Check:
    check_length = _length(shape)
    enum = frozenset(shape.metadata.get("enum", ()))
    pattern = python_pattern(shape.metadata["pattern"]) if "pattern" in shape.metadata else None
    matches = pattern.fullmatch if pattern is not None else None
    sensitive = bool(shape.metadata.get("sensitive"))
    enum_constraint = f"Member must satisfy enum value set: [{', '.join(shape.metadata.get('enum', ()))}]"
    pattern_constraint = f"Member must satisfy regular expression pattern: {shape.metadata.get('pattern')}"

    def check(value: Any, path: Path, violations: list[Violation]) -> None:
        if check_length is not None:
            count = len(violations)
            check_length(value, path, violations)
            if len(violations) > count and len(value) > MAX_PATTERN_INPUT:
                return
        if enum and value not in enum:
            violations.append(Violation(path, ... if sensitive else value, enum_constraint))
        if matches is not None and len(value) <= MAX_PATTERN_INPUT and not matches(value):
            violations.append(Violation(path, ... if sensitive else value, pattern_constraint))

    return check
