"""The least policy that allows what a principal really did. Pure but for the rows' read.

Resources that differ only in their last part are told apart while they are few; many become a prefix with a star.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aws_api.services.iam.models import UsedAction
from aws_api.services.iam.used_actions import MAX_KEPT_PER_PRINCIPAL

MAX_RESOURCES_OF_ONE_KIND = 10
VERSION = "2012-10-17"


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """``policy`` allows what was allowed; ``missing`` is what was asked for and refused. None: there was nothing."""

    policy: Mapping[str, Any] | None
    missing: Mapping[str, Any] | None
    calls: int


def suggest(principal_arn: str) -> Suggestion:
    """The policies for a user's or role's ARN, or that of a role's session."""
    rows = list(
        UsedAction.objects.filter(principal_arn=role_of_session(principal_arn)).order_by("action", "resource")[
            :MAX_KEPT_PER_PRINCIPAL
        ]
    )
    return Suggestion(
        policy=least_policy((row.action, row.resource) for row in rows if row.allowed),
        missing=least_policy((row.action, row.resource) for row in rows if not row.allowed),
        calls=sum(row.calls for row in rows),
    )


def least_policy(uses: Iterable[tuple[str, str]]) -> Mapping[str, Any] | None:
    """One statement for each set of actions, with all the resources that it was used on. None without uses."""
    actions_on: dict[str, set[str]] = defaultdict(set)
    for action, resource in uses:
        actions_on[resource].add(action)
    resources_with: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for resource, actions in actions_on.items():
        # Services apart: a reader looks for his queue's statement, not for his bucket's.
        by_service: dict[str, set[str]] = defaultdict(set)
        for action in actions:
            by_service[action.partition(":")[0]].add(action)
        for of_service in by_service.values():
            resources_with[tuple(sorted(of_service))].add(resource)
    statements = [
        {"Effect": "Allow", "Action": list(actions), "Resource": _shortened(resources)}
        for actions, resources in sorted(resources_with.items())
    ]
    return {"Version": VERSION, "Statement": statements} if statements else None


def role_of_session(arn: str) -> str:
    """The ARN that uses are kept under: a session's calls are its role's. A role with a path must be named itself."""
    account_and_kind, _, rest = arn.partition(":assumed-role/")
    if not rest:
        return arn
    return f"{account_and_kind.replace(':sts:', ':iam:')}:role/{rest.partition('/')[0]}"


def _shortened(resources: set[str]) -> list[str]:
    """The resources, those beyond a few of one kind as ``prefix*``."""
    if "*" in resources:
        return ["*"]
    of_kind: dict[str, list[str]] = defaultdict(list)
    for resource in sorted(resources):
        end = max(resource.rfind("/"), resource.rfind(":")) + 1
        of_kind[resource[:end]].append(resource)
    shortened: list[str] = []
    for prefix, found in of_kind.items():
        shortened += found if len(found) <= MAX_RESOURCES_OF_ONE_KIND else [f"{prefix}*"]
    return shortened
