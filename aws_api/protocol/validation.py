"""What a model demands of values: required, length, range, pattern, enum.

Whether values are valid is asked by closures compiled per shape, which know no places and build nothing; shapes below
which nothing is demanded have none. Only for invalid values is the model walked to say what is wrong, and where.
"""

from collections.abc import Callable, Mapping
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from aws_api.protocol.failures import Path, Violation
from aws_api.protocol.limits import MAX_PATTERN_INPUT, MAX_REPORTED_VIOLATIONS
from aws_api.protocol.patterns import python_pattern
from aws_api.protocol.structures import CompiledStructures

#: Whether a value is as demanded, by truth.
Predicate = Callable[[Any], object]
#: How a protocol spells a member in its messages.
Display = Callable[[str, Shape], str]

#: SQS refuses unknown attribute names in its own words, and ReceiveMessage's AttributeNames, modelled as the names of
#: queue attributes, takes those of messages.
UNCHECKED_ENUMS = frozenset({"QueueAttributeName", "MessageSystemAttributeName", "MessageSystemAttributeNameForSends"})

_NUMBERS = frozenset({"integer", "long", "float", "double"})
_SIZED = frozenset({"string", "list", "map"})


def lower_first(name: str, shape: Shape) -> str:
    """``tableName`` for ``TableName``: the spelling of AWS's validation sentences."""
    return name[0].lower() + name[1:]


def as_modelled(name: str, shape: Shape) -> str:
    """The member as the model and the query string spell it."""
    return name


class ValidityCompiler:
    """Compiles the predicates of one service's shapes, each structure once."""

    def __init__(self) -> None:
        self._structures = CompiledStructures[Predicate]()
        self._demanding: dict[str, bool] = {}

    def compile(self, shape: Shape) -> Predicate | None:
        """The predicate of a shape, or None where it demands nothing."""
        if not self._demands(shape):
            return None
        if isinstance(shape, StructureShape):
            return self._structures.get(shape, self._structure)
        own = _all([holds for holds, _ in _constraints(shape)])
        if isinstance(shape, ListShape):
            return _list_predicate(own, self.compile(shape.member))
        if isinstance(shape, MapShape):
            return _map_predicate(own, self.compile(shape.key), self.compile(shape.value))
        return own

    def _demands(self, shape: Shape) -> bool:
        """Whether anything reachable from the shape is constrained; looked for once per structure."""
        if not isinstance(shape, StructureShape):
            return _reaches_demand(shape)
        if shape.name not in self._demanding:
            self._demanding[shape.name] = _reaches_demand(shape)
        return self._demanding[shape.name]

    def _structure(self, shape: StructureShape) -> Predicate:
        required = _required(shape)
        members = {key: holds for key, member in shape.members.items() if (holds := self.compile(member)) is not None}
        lookup = members.get

        def holds_all(value: Mapping[str, Any]) -> bool:
            for key in required:
                if key not in value:
                    return False
            for key, item in value.items():
                holds = lookup(key)
                if holds is not None and not holds(item):
                    return False
            return True

        return holds_all


def _list_predicate(own: Predicate | None, of_item: Predicate | None) -> Predicate:
    def holds(value: Any) -> bool:
        if own is not None and not own(value):
            return False
        if of_item is not None:
            for item in value:
                if not of_item(item):
                    return False
        return True

    return holds


def _map_predicate(own: Predicate | None, of_key: Predicate | None, of_item: Predicate | None) -> Predicate:
    def holds(value: Any) -> bool:
        if own is not None and not own(value):
            return False
        if of_key is not None:
            for key in value:
                if not of_key(key):
                    return False
        if of_item is not None:
            for item in value.values():
                if not of_item(item):
                    return False
        return True

    return holds


def _all(predicates: list[Predicate]) -> Predicate | None:
    if len(predicates) == 2:
        first, second = predicates
        return lambda value: first(value) and second(value)
    if len(predicates) > 2:
        return lambda value: all(holds(value) for holds in predicates)
    return predicates[0] if predicates else None


def _reaches_demand(shape: Shape) -> bool:
    seen: set[str] = set()
    pending = [shape]
    while pending:
        current = pending.pop()
        if _is_opaque(current):
            continue
        if _constraints(current):
            return True
        if isinstance(current, StructureShape):
            if _required(current):
                return True
            if current.name not in seen:
                seen.add(current.name)
                pending.extend(current.members.values())
        elif isinstance(current, ListShape):
            pending.append(current.member)
        elif isinstance(current, MapShape):
            pending.extend((current.key, current.value))
    return False


def _is_opaque(shape: Shape) -> bool:
    """Whether a structure is no dict of members here: a free document, or a stream of events."""
    return isinstance(shape, StructureShape) and bool(shape.is_document_type or shape.serialization.get("eventstream"))


def _required(shape: StructureShape) -> tuple[str, ...]:
    return tuple(key for key in shape.required_members if key in shape.members)


def _constraints(shape: Shape) -> list[tuple[Predicate, str]]:
    """What a shape demands of a value itself, each with AWS's sentence for it."""
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    constraints: list[tuple[Predicate, str]] = []
    if shape.type_name in _NUMBERS:
        if low is not None:
            constraints.append((lambda value: value >= low, f"Member must have value greater than or equal to {low}"))
        if high is not None:
            constraints.append((lambda value: value <= high, f"Member must have value less than or equal to {high}"))
        return constraints
    if shape.type_name in _SIZED or shape.type_name == "blob":
        length = _stream_length if shape.type_name == "blob" else len
        if low:
            sentence = f"Member must have length greater than or equal to {low}"
            constraints.append((lambda value: length(value) >= low, sentence))
        if high is not None:
            sentence = f"Member must have length less than or equal to {high}"
            constraints.append((lambda value: length(value) <= high, sentence))
    if shape.type_name == "string":
        constraints.extend(_text_constraints(shape))
    return constraints


def _text_constraints(shape: Shape) -> list[tuple[Predicate, str]]:
    constraints: list[tuple[Predicate, str]] = []
    values = shape.metadata.get("enum")
    if values and shape.name not in UNCHECKED_ENUMS:
        sentence = f"Member must satisfy enum value set: [{', '.join(values)}]"
        constraints.append((frozenset(values).__contains__, sentence))
    pattern = python_pattern(shape.metadata["pattern"]) if "pattern" in shape.metadata else None
    if pattern is not None:
        matches = pattern.fullmatch
        sentence = f"Member must satisfy regular expression pattern: {shape.metadata['pattern']}"
        constraints.append((lambda value: len(value) > MAX_PATTERN_INPUT or matches(value), sentence))
    return constraints


def _stream_length(value: Any) -> int:
    """The length of a blob; one that streams in has none yet, and whoever reads it counts it."""
    return len(value) if hasattr(value, "__len__") else 1


def find_violations(shape: Shape, value: Any, display: Display) -> list[Violation]:
    """What is wrong with an invalid value, up to the limit of what is reported."""
    violations: list[Violation] = []
    _walk(shape, value, None, display, violations)
    return violations


def _walk(shape: Shape, value: Any, path: Path, display: Display, violations: list[Violation]) -> None:
    if len(violations) >= MAX_REPORTED_VIOLATIONS or _is_opaque(shape):
        return
    shown = ... if shape.metadata.get("sensitive") else value
    for holds, sentence in _constraints(shape):
        if not holds(value):
            violations.append(Violation(path, shown, sentence))
    if isinstance(shape, StructureShape):
        violations.extend(
            Violation((path, display(key, shape.members[key])), None, "Member must not be null")
            for key in _required(shape)
            if key not in value
        )
        for key, item in value.items():
            member = shape.members.get(key)
            if member is not None:
                _walk(member, item, (path, display(key, member)), display, violations)
    elif isinstance(shape, ListShape):
        for index, item in enumerate(value, 1):
            _walk(shape.member, item, ((path, str(index)), "member"), display, violations)
    elif isinstance(shape, MapShape):
        _walk_map(shape, value, path, display, violations)


def _walk_map(shape: MapShape, value: Any, path: Path, display: Display, violations: list[Violation]) -> None:
    demands = _constraints(shape.key)
    if any(not holds(key) for key in value for holds, _ in demands):
        sentences = ", ".join(sentence for _, sentence in demands)
        violations.append(Violation(path, value, f"Map keys must satisfy constraint: [{sentences}]"))
    for key, item in value.items():
        _walk(shape.value, item, ((path, key), "member"), display, violations)
