"""The decision: explicit deny, resource policy, permissions boundary, session policy, identity policies, implicit deny.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html (the wording)
"""

from dataclasses import dataclass
from enum import StrEnum

from aws_api.services.iam.evaluation.groups import Group
from aws_api.services.iam.evaluation.patterns import ConditionKeys
from aws_api.services.iam.evaluation.principals import Caller, Grant

NO_POLICIES = Group()


class Effect(StrEnum):
    """What a decision says, spelt as the policy simulator spells it."""

    ALLOWED = "allowed"
    EXPLICIT_DENY = "explicitDeny"
    IMPLICIT_DENY = "implicitDeny"


class PolicyKind(StrEnum):
    """The kinds of policy, named as AccessDenied messages name them."""

    IDENTITY = "identity-based policy"
    RESOURCE = "resource-based policy"
    BOUNDARY = "permissions boundary"
    SESSION = "session policy"
    TRUST = "role trust policy"
    GRANT = "grant"


@dataclass(frozen=True, kw_only=True)
class AccessRequest:
    """May this caller do that to this? ``resource_account_id`` is whose the resource is."""

    caller: Caller
    action: str
    resource: str
    resource_account_id: str
    keys: ConditionKeys


@dataclass(frozen=True, kw_only=True)
class Policies:
    """The policies that a request is judged by. None: the caller or resource has none of that kind, so it limits not.

    ``resource_decides``: the resource's policy must agree also within its account, as a KMS key's and a role's do.
    ``resource_kind`` is TRUST for a role's. ``grants`` are what the resource's owner handed to this very caller, as
    KMS's grants are: what they allow needs nobody else's permission, in no account.
    """

    identity: Group = NO_POLICIES
    boundary: Group | None = None
    session: Group | None = None
    resource: Group | None = None
    grants: Group | None = None
    resource_decides: bool = False
    resource_kind: PolicyKind = PolicyKind.RESOURCE


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What was decided, and by which statement of which policy of which kind.

    An implicit denial has no statement: ``kind`` is the kind of policy that should have allowed.
    """

    effect: Effect
    kind: PolicyKind
    policy: str = ""
    statement: str = ""

    @property
    def is_allowed(self) -> bool:
        return self.effect is Effect.ALLOWED

    def reason(self, action: str) -> str:
        """Why, as the end of AWS's AccessDenied message says it."""
        if self.effect is Effect.EXPLICIT_DENY:
            article = {PolicyKind.IDENTITY: "an", PolicyKind.TRUST: "the"}.get(self.kind, "a")
            return f"with an explicit deny in {article} {self.kind}"
        if self.effect is Effect.IMPLICIT_DENY:
            return f"because no {self.kind} allows the {action} action"
        return f"allowed by {self.statement} of {self.policy}"


def evaluate(request: AccessRequest, policies: Policies) -> Decision:
    """Decide. Total: every request is allowed or denied; the order of policies and statements makes no difference."""
    action = request.action.lower()
    groups = (
        (PolicyKind.IDENTITY, policies.identity),
        (PolicyKind.BOUNDARY, policies.boundary),
        (PolicyKind.SESSION, policies.session),
    )
    for kind, group in groups:
        if group is not None and (found := _first(group, action, request, allows=False)):
            return Decision(effect=Effect.EXPLICIT_DENY, kind=kind, policy=found[0], statement=found[1])
    granted, grant = Grant.NONE, None
    if policies.resource is not None:
        for name, statement in policies.resource.about(action):
            means = statement.means(request.caller)
            if means > granted or (means and not statement.allows):
                if not statement.applies(request.resource, request.keys):
                    continue
                if not statement.allows:
                    return Decision(
                        effect=Effect.EXPLICIT_DENY,
                        kind=policies.resource_kind,
                        policy=name,
                        statement=statement.name,
                    )
                granted, grant = means, (name, statement.name)
    return _allowed_or_missing(request, policies, action, granted, grant)


def _allowed_or_missing(
    request: AccessRequest, policies: Policies, action: str, granted: Grant, grant: tuple[str, str] | None
) -> Decision:
    """Nothing denies: is everything that must allow there?"""
    if policies.grants is not None and (found := _first(policies.grants, action, request, allows=True)):
        return Decision(effect=Effect.ALLOWED, kind=PolicyKind.GRANT, policy=found[0], statement=found[1])
    crosses_accounts = request.caller.account_id != request.resource_account_id
    speaks_for_itself = bool(request.caller.service or request.caller.provider)
    if not granted and (crosses_accounts or policies.resource_decides or speaks_for_itself):
        return Decision(effect=Effect.IMPLICIT_DENY, kind=policies.resource_kind)
    allowed_by_resource = (
        Decision(effect=Effect.ALLOWED, kind=policies.resource_kind, policy=grant[0], statement=grant[1])
        if grant
        else None
    )
    if allowed_by_resource and granted is Grant.CALLER and (speaks_for_itself or not crosses_accounts):
        return allowed_by_resource
    for kind, group in ((PolicyKind.BOUNDARY, policies.boundary), (PolicyKind.SESSION, policies.session)):
        if group is not None and not _first(group, action, request, allows=True):
            return Decision(effect=Effect.IMPLICIT_DENY, kind=kind)
    if allowed_by_resource and granted is Grant.ROLE and not crosses_accounts:
        return allowed_by_resource
    if found := _first(policies.identity, action, request, allows=True):
        return Decision(effect=Effect.ALLOWED, kind=PolicyKind.IDENTITY, policy=found[0], statement=found[1])
    return Decision(effect=Effect.IMPLICIT_DENY, kind=PolicyKind.IDENTITY)


def _first(group: Group, action: str, request: AccessRequest, *, allows: bool) -> tuple[str, str] | None:
    """(policy's name, statement's name) of the first statement with that effect that applies."""
    for name, statement in group.about(action):
        if statement.allows is allows and statement.applies(request.resource, request.keys):
            return name, statement.name
    return None
