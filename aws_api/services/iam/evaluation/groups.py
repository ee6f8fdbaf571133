"""Policies of one kind, put together and indexed by action: most statements of a policy speak of something else."""

from dataclasses import dataclass, field
from functools import cached_property

from aws_api.services.iam.evaluation.syntax import Policy, Statement

#: An application calls few actions; more than these mean somebody is trying names.
MAX_INDEXED_ACTIONS = 1000


@dataclass(frozen=True)
class NamedPolicy:
    """A policy with the name that explanations use: a managed policy's ARN, or whose inline policy it is."""

    name: str
    policy: Policy


@dataclass(frozen=True)
class _Indexed:
    """(policy's name, statement) of the statements about one action, and whether one asks for resources' tags."""

    statements: tuple[tuple[str, Statement], ...]
    asks_for_resource_tags: bool


@dataclass(frozen=True)
class Group:
    """The policies of one kind that apply together: any of them may allow, any may deny."""

    policies: tuple[NamedPolicy, ...] = ()
    _by_action: dict[str, _Indexed] = field(default_factory=dict, compare=False, repr=False)

    def about(self, action: str) -> tuple[tuple[str, Statement], ...]:
        """(policy's name, statement) of every statement about an action (in lower case), denials first."""
        return self._find(action).statements

    def asks_for_resource_tags(self, action: str) -> bool:
        """Whether a statement about an action (in lower case) asks for the resource's tags: they must be looked up."""
        return self._find(action).asks_for_resource_tags

    @cached_property
    def keys(self) -> frozenset[str]:
        """The condition keys that any statement asks for, in lower case."""
        return frozenset().union(*(s.keys for named in self.policies for s in named.policy.statements))

    def _find(self, action: str) -> _Indexed:
        found = self._by_action.get(action)
        if found is None:
            statements = tuple(
                (named.name, statement)
                for allows in (False, True)
                for named in self.policies
                for statement in named.policy.statements
                if statement.allows is allows and statement.is_about(action)
            )
            asks = any(":resourcetag/" in key for _, statement in statements for key in statement.keys)
            found = _Indexed(statements, asks)
            if len(self._by_action) >= MAX_INDEXED_ACTIONS:
                self._by_action.clear()
            self._by_action[action] = found
        return found
