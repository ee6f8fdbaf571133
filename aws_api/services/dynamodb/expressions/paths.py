"""Document paths at work: what lies at one, which of two collide, and an item cut down to some of them. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from aws_api.services.dynamodb.attribute_values import AttributeValue, Item
from aws_api.services.dynamodb.expressions.nodes import And, Between, Comparison, Function, In, Not, Or, Path
from aws_api.services.dynamodb.expressions.parse import InvalidExpression


def value_at(item: Item, path: Path) -> AttributeValue | None:
    """The value at a path, or None where the item has nothing there."""
    first, *rest = path.elements
    value: AttributeValue | None = item.get(str(first))
    for element in rest:
        if value is None:
            return None
        if isinstance(element, int):
            elements = value.get("L", ())
            value = elements[element] if element < len(elements) else None
        else:
            value = value.get("M", {}).get(element)
    return value


def paths_in(tree: Any) -> Iterator[Path]:
    """Every path in a condition or an operand."""
    match tree:
        case Path():
            yield tree
        case Function(_, operands) | And(operands) | Or(operands):
            for operand in operands:
                yield from paths_in(operand)
        case Comparison(_, left, right):
            yield from paths_in(left)
            yield from paths_in(right)
        case Between(operand, low, high):
            for part in (operand, low, high):
                yield from paths_in(part)
        case In(operand, candidates):
            for part in (operand, *candidates):
                yield from paths_in(part)
        case Not(condition):
            yield from paths_in(condition)


def check_distinct(paths: Iterable[Path]) -> None:
    """Raise InvalidExpression where one path lies within another, or they disagree on what is a list."""
    seen: list[Path] = []
    for path in paths:
        for earlier in seen:
            _check_pair(earlier, path)
        seen.append(path)


def project(item: Item, paths: Iterable[Path]) -> dict[str, Any]:
    """Only what lies at the paths, inside the maps and lists around it; lists close up."""
    tree: dict[Any, Any] = {}
    for path in paths:
        branch = tree
        for element in path.elements[:-1]:
            branch = branch.setdefault(element, {})
        branch[path.elements[-1]] = None
    found = {}
    for name, branch in tree.items():
        value = item.get(name)
        if value is not None and (cut := _cut(value, branch)) is not None:
            found[name] = cut
    return found


def _cut(value: AttributeValue, tree: Mapping[Any, Any] | None) -> Any | None:
    """The part of a value that a tree of paths names: None at a leaf of the tree means all of it."""
    if tree is None:
        return value
    if "M" in value:
        members = value["M"]
        cuts = {name: _cut(members[name], branch) for name, branch in tree.items() if name in members}
        kept = {name: cut for name, cut in cuts.items() if cut is not None}
        return {"M": kept} if kept else None
    if "L" in value:
        elements = value["L"]
        indexes = sorted(index for index in tree if isinstance(index, int) and index < len(elements))
        listed = [cut for index in indexes if (cut := _cut(elements[index], tree[index])) is not None]
        return {"L": listed} if listed else None
    return None


def _check_pair(one: Path, two: Path) -> None:
    for left, right in zip(one.elements, two.elements, strict=False):
        if type(left) is not type(right):
            raise InvalidExpression(
                "Two document paths conflict with each other; must remove or rewrite one of these paths; "
                f"path one: {one}, path two: {two}"
            )
        if left != right:
            return
    raise InvalidExpression(
        "Two document paths overlap with each other; must remove or rewrite one of these paths; "
        f"path one: {one}, path two: {two}"
    )
