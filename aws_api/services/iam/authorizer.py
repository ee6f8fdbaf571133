"""IAM's part in every call: which policies speak, what they decide, and the record of it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from collections.abc import Mapping
from typing import Any

from aws_api.core.authorization import ResourcePolicies, resource_policies_of, resource_tags_of
from aws_api.core.context import Context, Principal, PrincipalType
from aws_api.core.decisions import AccessDecision, note_decision
from aws_api.core.service import Access, Operation, get_service
from aws_api.services.iam.callers import (
    EVERYTHING,
    IdentityPolicies,
    find_identity_policies,
    find_role_policies,
    group_of,
)
from aws_api.services.iam.denials import TokenOfNobody, denial
from aws_api.services.iam.evaluation import (
    AccessRequest,
    Caller,
    Decision,
    Group,
    Policies,
    PolicyKind,
    evaluate,
)
from aws_api.services.iam.key_usage import KeyUsage
from aws_api.services.iam.request_keys import RequestKeys, account_of
from aws_api.services.iam.used_actions import Use, used_actions

NO_POLICIES = Group()
#: Sessions of users and federated users may not manage IAM: AWS refuses their tokens there.
_WITHOUT_IAM = (PrincipalType.USER, PrincipalType.FEDERATED_USER)


class IamAuthorizer:
    """Judges every call of every principal but root."""

    def __init__(self) -> None:
        self._key_usage = KeyUsage()

    async def authorize(self, context: Context, operation: Operation, request: Mapping[str, Any]) -> None:
        """Return where every permission that the call needs is there. Raises AccessDenied, InvalidClientTokenId."""
        await self._key_usage.note(context, operation)
        principal = context.principal
        identity = await _identity_of(principal)
        if operation.service == "iam" and principal.type in _WITHOUT_IAM and principal.access_key_id[:4] == "ASIA":
            raise TokenOfNobody
        service = get_service(operation.service)
        assert service is not None, "an operation belongs to a service"
        needed = tuple(await service.needed_access(operation, context, request))
        if not needed and context.account_id != principal.account_id:
            # Nothing is done in another account that nobody asked about.
            needed = ((operation.action, "*"),)
        for access in needed:
            await _require(context, identity, access, request)

    async def authorize_access(self, context: Context, access: Access) -> None:
        """The same for one permission."""
        await _require(context, await _identity_of(context.principal), access, {})


async def _identity_of(principal: Principal) -> IdentityPolicies | None:
    """The user or role behind a principal. Raises InvalidClientTokenId where it has been deleted since."""
    if principal.type is PrincipalType.USER:
        unique_id = principal.user_id
    elif principal.type is PrincipalType.ASSUMED_ROLE:
        unique_id = principal.user_id.partition(":")[0]
    elif principal.type is PrincipalType.FEDERATED_USER and principal.issuer_id:
        unique_id = principal.issuer_id
    else:
        return None
    identity = await find_identity_policies(principal.account_id, unique_id)
    if identity is None:
        raise TokenOfNobody
    return identity


async def _require(
    context: Context, identity: IdentityPolicies | None, access: Access, request: Mapping[str, Any]
) -> None:
    action, resource = access[0], access[1]
    caller = _caller(context.principal, identity)
    policies = await _policies(context, identity, caller, action, resource)
    access_request = AccessRequest(
        caller=caller,
        action=action,
        resource=resource,
        resource_account_id=account_of(resource) or context.account_id,
        keys=RequestKeys(
            context,
            identity,
            request,
            resource,
            service_keys=access[2] if len(access) == 3 else None,
            resource_tags=await _resource_tags(context, policies, action, resource),
        ),
    )
    decision = evaluate(access_request, policies)
    await _keep(context, identity, access_request, decision)
    if not decision.is_allowed:
        raise denial(access_request, decision)


def _caller(principal: Principal, identity: IdentityPolicies | None) -> Caller:
    kind = principal.type
    return Caller(
        arn=principal.arn,
        account_id=principal.account_id,
        role_arn=identity.arn if identity and kind is PrincipalType.ASSUMED_ROLE else "",
        unique_id=identity.unique_id if identity and kind is not PrincipalType.FEDERATED_USER else "",
        service=principal.arn if kind is PrincipalType.SERVICE else "",
        provider=principal.provider if kind is PrincipalType.ANONYMOUS else "",
    )


async def _policies(
    context: Context, identity: IdentityPolicies | None, caller: Caller, action: str, resource: str
) -> Policies:
    principal = context.principal
    own = identity.identity if identity else NO_POLICIES
    if principal.is_root or (principal.type is PrincipalType.FEDERATED_USER and identity is None):
        own = EVERYTHING
    session = None
    if principal.session_policies or principal.type is PrincipalType.FEDERATED_USER:
        session = group_of("session policy", principal.session_policies)
    boundary = identity.boundary if identity else None
    arn_parts = resource.split(":", 3)
    service = arn_parts[2] if len(arn_parts) == 4 else ""
    if service == "iam" and action.startswith("sts:"):
        role = await find_role_policies(resource)
        return Policies(
            identity=own,
            boundary=boundary,
            session=session,
            resource=group_of(f"trust policy of {resource}", (role.trust_policy,) if role else ()),
            resource_decides=True,
            resource_kind=PolicyKind.TRUST,
        )
    found = resource_policies_of(service)
    document = await found.find(context, resource) if found else None
    return Policies(
        identity=own,
        boundary=boundary,
        session=session,
        resource=group_of(f"policy of {resource}", (document,)) if document else None,
        grants=await _grants(context, found, caller, resource),
        resource_decides=bool(found and found.decides and document),
    )


async def _grants(context: Context, found: ResourcePolicies | None, caller: Caller, resource: str) -> Group | None:
    """What the resource's owner granted to the caller, its role or its account."""
    if found is None or found.find_grants is None:
        return None
    granted = await found.find_grants(context, resource)
    names = dict.fromkeys(filter(None, (caller.arn, caller.role_arn, caller.service, caller.root_arn)))
    documents = tuple(document for name in names for document in granted.get(name, ()))
    return group_of(f"grants of {resource}", documents) if documents else None


async def _resource_tags(context: Context, policies: Policies, action: str, resource: str) -> Mapping[str, str]:
    """The resource's tags, looked up only where a policy asks for them."""
    action = action.lower()
    groups = (policies.identity, policies.boundary, policies.session, policies.resource)
    if not any(group is not None and group.asks_for_resource_tags(action) for group in groups):
        return {}
    arn_parts = resource.split(":", 3)
    find = resource_tags_of(arn_parts[2]) if len(arn_parts) == 4 else None
    return await find(context, resource) if find else {}


async def _keep(
    context: Context, identity: IdentityPolicies | None, request: AccessRequest, decision: Decision
) -> None:
    made = AccessDecision(
        principal=request.caller.arn,
        action=request.action,
        resource=request.resource,
        effect=decision.effect,
        reason=decision.reason(request.action),
        policy=decision.policy,
        statement=decision.statement,
    )
    await note_decision(context, made)
    if identity is not None:
        used_actions.note(
            Use(context.principal.account_id, identity.arn, request.action, request.resource, decision.is_allowed)
        )
