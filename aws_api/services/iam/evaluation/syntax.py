"""Policy documents, read into frozen statements that can be asked.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from aws_api.services.iam.evaluation.conditions import Condition, UnknownOperator, condition
from aws_api.services.iam.evaluation.patterns import ConditionKeys, Pattern, arn, glob
from aws_api.services.iam.evaluation.principals import Caller, Grant, Principals

#: The version in which ``${...}`` is a variable.
VERSION_WITH_VARIABLES = "2012-10-17"
KEPT_DOCUMENTS = 4096


class PolicySyntaxError(ValueError):
    """The text is not a policy document."""


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement. ``name`` is its Sid, or its place in the document where it has none."""

    name: str
    allows: bool
    actions: tuple[Pattern, ...]
    not_actions: tuple[Pattern, ...]
    resources: tuple[Pattern, ...]
    not_resources: tuple[Pattern, ...]
    principals: Principals | None
    not_principals: Principals | None
    conditions: tuple[Condition, ...]

    def is_about(self, action: str) -> bool:
        """Whether the statement speaks of an action (in lower case)."""
        if self.actions:
            return any(pattern.matches(action, _NO_KEYS) for pattern in self.actions)
        return not any(pattern.matches(action, _NO_KEYS) for pattern in self.not_actions)

    def applies(self, resource: str, keys: ConditionKeys) -> bool:
        """Whether resource and conditions fit. Trust policies have no resource: they speak of their role."""
        if self.resources:
            if not any(pattern.matches(resource, keys) for pattern in self.resources):
                return False
        elif any(pattern.matches(resource, keys) for pattern in self.not_resources):
            return False
        return all(condition.holds(keys) for condition in self.conditions)

    def means(self, caller: Caller) -> Grant:
        """How a resource policy's statement means a caller."""
        if self.principals is not None:
            return self.principals.means(caller)
        if self.not_principals is None:
            return Grant.NONE
        if self.allows:
            return Grant.NONE if self.not_principals.means(caller) else Grant.CALLER
        return Grant.NONE if self.not_principals.excepts(caller) else Grant.CALLER

    @property
    def keys(self) -> frozenset[str]:
        """The condition keys that the statement asks for, in lower case."""
        patterns = (*self.resources, *self.not_resources)
        return frozenset(condition.key for condition in self.conditions).union(
            *(pattern.variables for pattern in patterns), *(condition.variables for condition in self.conditions)
        )


@dataclass(frozen=True)
class Policy:
    """A policy document."""

    statements: tuple[Statement, ...]


_NO_KEYS: Mapping[str, tuple[str, ...]] = {}


@lru_cache(maxsize=KEPT_DOCUMENTS)
def parse(document: str) -> Policy:
    """A document's text as a policy; the same text is read once. Raises PolicySyntaxError."""
    try:
        policy = orjson.loads(document)
    except orjson.JSONDecodeError as error:
        raise PolicySyntaxError("The policy is not in the valid JSON format.") from error
    if not isinstance(policy, dict):
        raise PolicySyntaxError("A policy is an object.")
    statements = policy.get("Statement", [])
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list):
        raise PolicySyntaxError("Statement is an object or a list of objects.")
    variables = policy.get("Version") == VERSION_WITH_VARIABLES
    return Policy(tuple(_statement(statement, index, variables) for index, statement in enumerate(statements)))


def _statement(statement: Any, index: int, variables: bool) -> Statement:
    if not isinstance(statement, dict) or statement.get("Effect") not in ("Allow", "Deny"):
        raise PolicySyntaxError("Each statement has the Effect Allow or Deny.")
    if ("Action" in statement) == ("NotAction" in statement):
        raise PolicySyntaxError("Each statement has either Action or NotAction.")
    return Statement(
        name=str(statement.get("Sid") or f"Statement[{index}]"),
        allows=statement["Effect"] == "Allow",
        actions=tuple(glob(text, ignores_case=True) for text in _texts(statement.get("Action"))),
        not_actions=tuple(glob(text, ignores_case=True) for text in _texts(statement.get("NotAction"))),
        resources=tuple(arn(text, variables=variables) for text in _texts(statement.get("Resource"))),
        not_resources=tuple(arn(text, variables=variables) for text in _texts(statement.get("NotResource"))),
        principals=_principals(statement["Principal"]) if "Principal" in statement else None,
        not_principals=_principals(statement["NotPrincipal"]) if "NotPrincipal" in statement else None,
        conditions=tuple(_conditions(statement.get("Condition", {}), variables)),
    )


def _conditions(block: Any, variables: bool) -> Iterable[Condition]:
    if not isinstance(block, dict):
        raise PolicySyntaxError("Condition is an object.")
    for operator, wanted in block.items():
        if not isinstance(wanted, dict):
            raise PolicySyntaxError("A condition operator has an object of keys.")
        for key, values in wanted.items():
            try:
                yield condition(operator, key, _texts(values), variables=variables)
            except UnknownOperator:
                raise PolicySyntaxError(f"Invalid Condition type : {operator}.") from None


def _principals(element: Any) -> Principals:
    if element == "*":
        return Principals(everybody=True)
    if not isinstance(element, dict):
        raise PolicySyntaxError("Principal is * or an object.")
    return Principals(
        aws=frozenset(_texts(element.get("AWS"))),
        services=frozenset(_texts(element.get("Service"))),
        federated=frozenset(_texts(element.get("Federated"))),
    )


def _texts(values: Any) -> tuple[str, ...]:
    """A value or a list of values as texts: JSON's true is what ``"true"`` says."""
    if values is None:
        return ()
    if not isinstance(values, list):
        values = [values]
    texts = []
    for value in values:
        if isinstance(value, bool):
            texts.append("true" if value else "false")
        elif isinstance(value, (str, int, float)):
            texts.append(str(value))
        else:
            raise PolicySyntaxError("Values are strings, numbers or booleans.")
    return tuple(texts)
