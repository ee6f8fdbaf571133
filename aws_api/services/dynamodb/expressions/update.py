"""What a bound update expression makes of an item. Pure; every action sees the item as it was.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
"""

from typing import Any

from aws_api.core.errors import ValidationException
from aws_api.services.dynamodb.attribute_values import (
    MAX_DEPTH,
    AttributeValue,
    Item,
    depth_of,
    type_of,
)
from aws_api.services.dynamodb.expressions.nodes import (
    AddAction,
    Arithmetic,
    DeleteAction,
    Function,
    Path,
    RemoveAction,
    SetAction,
    Update,
    Value,
)
from aws_api.services.dynamodb.expressions.paths import value_at
from aws_api.services.dynamodb.numbers import add_numbers, subtract_numbers

_BAD_PATH = "The document path provided in the update expression is invalid for update"
_BAD_TYPE = "An operand in the update expression has an incorrect data type"
_NO_ATTRIBUTE = "The provided expression refers to an attribute that does not exist in the item"


def apply_update(update: Update, item: Item) -> dict[str, Any]:
    """The item after the update; the given one stays as it is. Raises ValidationException."""
    assigned: list[tuple[Path, AttributeValue]] = []
    removed: list[Path] = []
    for action in update.actions:
        value = _result(action, item)
        if value is None:
            removed.append(action.path)
        else:
            assigned.append((action.path, value))
    roots = {str(action.path.elements[0]) for action in update.actions}
    after = {name: _copy(value) if name in roots else value for name, value in item.items()}
    # In the order of their indexes, because one past the end of a list is appended.
    for path, value in sorted(assigned, key=lambda pair: _last_index(pair[0])):
        _assign(after, path, value)
    # From the back, because what follows a removed element moves up.
    for path in sorted(removed, key=_last_index, reverse=True):
        _remove(after, path)
    for root in roots:
        if root in after and depth_of(after[root]) > MAX_DEPTH:
            raise ValidationException("Nesting Levels have exceeded supported limits")
    return after


def _result(action: SetAction | RemoveAction | AddAction | DeleteAction, item: Item) -> AttributeValue | None:
    """What will be at the action's path; None where nothing will be."""
    match action:
        case SetAction(_, operand):
            return _value_of(operand, item)
        case RemoveAction():
            return None
    present = value_at(item, action.path)
    value = action.value.attribute
    kind = type_of(value)
    if present is not None and kind not in present:
        raise ValidationException(_BAD_TYPE)
    if isinstance(action, AddAction):
        if present is None:
            return {kind: value[kind]}
        if kind == "N":
            return {"N": add_numbers(present["N"], value["N"])}
        known = set(present[kind])
        return {kind: [*present[kind], *(element for element in value[kind] if element not in known)]}
    if present is None:
        return None
    unwanted = set(value[kind])
    rest = [element for element in present[kind] if element not in unwanted]
    return {kind: rest} if rest else None


def _value_of(operand: Any, item: Item) -> AttributeValue:
    match operand:
        case Value():
            attribute: AttributeValue = operand.attribute
            return attribute
        case Path():
            value = value_at(item, operand)
            if value is None:
                raise ValidationException(_NO_ATTRIBUTE)
            return value
        case Arithmetic(sign, left, right):
            one, other = _value_of(left, item), _value_of(right, item)
            if "N" not in one or "N" not in other:
                raise ValidationException(_BAD_TYPE)
            return {"N": (add_numbers if sign == "+" else subtract_numbers)(one["N"], other["N"])}
        case Function("if_not_exists", (path, otherwise)):
            assert isinstance(path, Path)
            present = value_at(item, path)
            return _value_of(otherwise, item) if present is None else present
        case Function("list_append", (left, right)):
            one, other = _value_of(left, item), _value_of(right, item)
            if "L" not in one or "L" not in other:
                raise ValidationException(_BAD_TYPE)
            return {"L": [*one["L"], *other["L"]]}
    raise AssertionError(operand)


def _assign(item: dict[str, Any], path: Path, value: AttributeValue) -> None:
    container, last = _container(item, path)
    if isinstance(last, str) or last < len(container):
        container[last] = _copy(value)
    else:
        container.append(_copy(value))


def _remove(item: dict[str, Any], path: Path) -> None:
    container, last = _container(item, path)
    if isinstance(last, str):
        container.pop(last, None)
    elif last < len(container):
        del container[last]


def _container(item: dict[str, Any], path: Path) -> tuple[Any, str | int]:
    """The map or list that a path's last element is in. Raises ValidationException where there is none."""
    *parents, last = path.elements
    if not parents:
        return item, last
    parent = value_at(item, Path(tuple(parents)))
    container = None if parent is None else parent.get("L" if isinstance(last, int) else "M")
    if container is None:
        raise ValidationException(_BAD_PATH)
    return container, last


def _last_index(path: Path) -> int:
    last = path.elements[-1]
    return last if isinstance(last, int) else -1


def _copy(value: AttributeValue) -> dict[str, Any]:
    """A copy whose maps and lists may be changed."""
    ((kind, content),) = value.items()
    if kind == "M":
        return {"M": {name: _copy(member) for name, member in content.items()}}
    if kind == "L":
        return {"L": [_copy(element) for element in content]}
    return {kind: content}
