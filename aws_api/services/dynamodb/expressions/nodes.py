"""What expressions mean, as frozen trees.

``parse`` makes them with aliases in place of names (``#name``) and values (``:value``); ``bind`` puts in what the
request says they stand for; ``evaluate`` and ``update`` work on bound trees only.
"""

from dataclasses import dataclass, field
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Path:
    """A document path: attribute and member names (or ``#aliases``, until bound) and list indexes."""

    elements: tuple[str | int, ...]

    def __str__(self) -> str:
        return "[" + ", ".join(f"[{part}]" if isinstance(part, int) else part for part in self.elements) + "]"


@dataclass(frozen=True, slots=True)
class Value:
    """An expression attribute value; ``attribute`` is None until it is bound."""

    alias: str
    attribute: Any = field(default=None, hash=False)


@dataclass(frozen=True, slots=True)
class Function:
    """A function of operands: a condition, except ``size``, ``if_not_exists`` and ``list_append``."""

    name: str
    arguments: tuple["Operand", ...]


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """``left + right`` or ``left - right`` in a SET clause."""

    sign: str
    left: "Operand"
    right: "Operand"


Operand: TypeAlias = Path | Value | Function | Arithmetic


@dataclass(frozen=True, slots=True)
class Comparison:
    """``left = right`` and its like."""

    operator: str
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class Between:
    """``operand BETWEEN low AND high``, both included."""

    operand: Operand
    low: Operand
    high: Operand


@dataclass(frozen=True, slots=True)
class In:
    """``operand IN (candidate, ...)``."""

    operand: Operand
    candidates: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """``NOT condition``."""

    condition: "Condition"


@dataclass(frozen=True, slots=True)
class And:
    """All of the conditions."""

    conditions: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of the conditions."""

    conditions: tuple["Condition", ...]


Condition: TypeAlias = Comparison | Between | In | Function | Not | And | Or


@dataclass(frozen=True, slots=True)
class SetAction:
    """``SET path = operand``."""

    path: Path
    operand: Operand


@dataclass(frozen=True, slots=True)
class RemoveAction:
    """``REMOVE path``."""

    path: Path


@dataclass(frozen=True, slots=True)
class AddAction:
    """``ADD path value``: to a number or a set."""

    path: Path
    value: Value


@dataclass(frozen=True, slots=True)
class DeleteAction:
    """``DELETE path value``: from a set."""

    path: Path
    value: Value


Action: TypeAlias = SetAction | RemoveAction | AddAction | DeleteAction


@dataclass(frozen=True, slots=True)
class Update:
    """The actions of an update expression; all of them see the item as it was."""

    actions: tuple[Action, ...]


Projection: TypeAlias = tuple[Path, ...]
