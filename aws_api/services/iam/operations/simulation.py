"""The policy simulator: what policies would decide, and which condition keys they ask for.

https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_testing-policies.html
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aws_api.core.context import Context
from aws_api.core.execution import run_on_loop
from aws_api.services.iam import shapes
from aws_api.services.iam.callers import IdentityPolicies, find_identity_policies
from aws_api.services.iam.evaluation import (
    AccessRequest,
    Caller,
    Decision,
    Group,
    NamedPolicy,
    Policies,
    PolicySyntaxError,
    evaluate,
    parse,
)
from aws_api.services.iam.listing import list_items
from aws_api.services.iam.models import Identity, IdentityKind
from aws_api.services.iam.request_keys import account_of
from aws_api.services.iam.service import iam

MAX_EVALUATIONS = 10_000


@iam.operation
def simulate_custom_policy(
    context: Context, request: shapes.SimulateCustomPolicyRequest
) -> shapes.SimulatePolicyResponse:
    """What policies that nobody has would decide."""
    return _simulate(context, request, _given(request.get("PolicyInputList"), "PolicyInputList"), None)


@iam.operation
def simulate_principal_policy(
    context: Context, request: shapes.SimulatePrincipalPolicyRequest
) -> shapes.SimulatePolicyResponse:
    """What a user's, group's or role's policies would decide, with those given besides."""
    source = _source(context, request["PolicySourceArn"])
    given = _given(request.get("PolicyInputList"), "PolicyInputList")
    return _simulate(context, request, Group(source.identity.policies + given.policies), source)


@iam.operation
def get_context_keys_for_custom_policy(
    context: Context, request: shapes.GetContextKeysForCustomPolicyRequest
) -> shapes.GetContextKeysForPolicyResponse:
    """The condition keys that policies ask for."""
    return {"ContextKeyNames": sorted(_given(request["PolicyInputList"], "PolicyInputList").keys)}


@iam.operation
def get_context_keys_for_principal_policy(
    context: Context, request: shapes.GetContextKeysForPrincipalPolicyRequest
) -> shapes.GetContextKeysForPolicyResponse:
    """The condition keys that a user's, group's or role's policies ask for."""
    given = _given(request.get("PolicyInputList"), "PolicyInputList")
    return {"ContextKeyNames": sorted(_source(context, request["PolicySourceArn"]).identity.keys | given.keys)}


def _simulate(
    context: Context, request: Mapping[str, Any], identity: Group, source: IdentityPolicies | None
) -> shapes.SimulatePolicyResponse:
    resources = request.get("ResourceArns") or ["*"]
    if len(resources) * len(request["ActionNames"]) > MAX_EVALUATIONS:
        raise shapes.InvalidInputException(f"At most {MAX_EVALUATIONS} pairs of action and resource are simulated.")
    boundary = _boundary(request, source)
    resource_policy = request.get("ResourcePolicy")
    policies = Policies(
        identity=identity,
        boundary=boundary,
        resource=_given([resource_policy], "ResourcePolicy") if resource_policy else None,
    )
    caller, keys = _caller(context, request, source), _keys(request, source)
    owner = account_of(request.get("ResourceOwner") or "") or caller.account_id
    pairs = [(action, resource) for action in request["ActionNames"] for resource in resources]

    def result(pair: tuple[str, str]) -> Mapping[str, Any]:
        action, resource = pair
        asked = AccessRequest(
            caller=caller,
            action=action,
            resource=resource,
            # Without the resource's policy the question is what the principal's own policies allow.
            resource_account_id=(account_of(resource) or owner) if resource_policy else caller.account_id,
            keys=keys,
        )
        return _describe(asked, policies, evaluate(asked, policies), keys)

    response: shapes.SimulatePolicyResponse = list_items(request, "EvaluationResults", pairs, result)
    return response


def _describe(
    asked: AccessRequest, policies: Policies, decision: Decision, keys: Mapping[str, Any]
) -> Mapping[str, Any]:
    matched = []
    if decision.statement:
        matched = [{"SourcePolicyId": decision.policy, "SourcePolicyType": "IAM Policy"}]
    wanted = policies.identity.keys | (policies.boundary.keys if policies.boundary else frozenset())
    result: dict[str, Any] = {
        "EvalActionName": asked.action,
        "EvalResourceName": asked.resource,
        "EvalDecision": decision.effect.value,
        "MatchedStatements": matched,
        "MissingContextValues": sorted(wanted - set(keys)),
    }
    if policies.boundary is not None:
        alone = evaluate(asked, Policies(identity=policies.boundary))
        result["PermissionsBoundaryDecisionDetail"] = {"AllowedByPermissionsBoundary": alone.is_allowed}
    return result


def _boundary(request: Mapping[str, Any], source: IdentityPolicies | None) -> Group | None:
    """The boundary given stands for the principal's own."""
    if documents := request.get("PermissionsBoundaryPolicyInputList"):
        return _given(documents, "PermissionsBoundaryPolicyInputList")
    return source.boundary if source else None


def _caller(context: Context, request: Mapping[str, Any], source: IdentityPolicies | None) -> Caller:
    arn = request.get("CallerArn") or (source.arn if source else f"arn:aws:iam::{context.account_id}:root")
    return Caller(arn=arn, account_id=account_of(arn) or context.account_id)


def _keys(request: Mapping[str, Any], source: IdentityPolicies | None) -> dict[str, tuple[str, ...]]:
    """What the request says of the call that is simulated, on what is known of its caller."""
    keys: dict[str, tuple[str, ...]] = {}
    if source is not None:
        keys["aws:principalarn"] = (source.arn,)
        keys |= {f"aws:principaltag/{key.lower()}": (value,) for key, value in source.tags.items()}
        if ":user/" in source.arn:
            keys |= {"aws:username": (source.name,), "aws:userid": (source.unique_id,)}
    for entry in request.get("ContextEntries") or ():
        keys[entry.get("ContextKeyName", "").lower()] = tuple(entry.get("ContextKeyValues") or ())
    return keys


def _source(context: Context, arn: str) -> IdentityPolicies:
    """The user, group or role of an ARN with its policies. Raises NoSuchEntity."""
    kind, _, path_and_name = arn.rpartition(":")[2].partition("/")
    row = None
    if kind in IdentityKind.values:
        named = Identity.objects.filter(
            account_id=context.account_id, kind=kind, name__iexact=path_and_name.rpartition("/")[2]
        )
        row = named.first()
    if row is None or row.arn != arn:
        raise shapes.NoSuchEntityException(f"The entity with ARN {arn} cannot be found.")
    found = run_on_loop(find_identity_policies(context.account_id, row.unique_id))
    if found is None:
        raise shapes.NoSuchEntityException(f"The entity with ARN {arn} cannot be found.")
    return found


def _given(documents: Sequence[str] | None, member: str) -> Group:
    """Documents of the request, named by their place in it. Raises InvalidInput."""
    return Group(tuple(_named(documents or (), member)))


def _named(documents: Iterable[str], member: str) -> Iterable[NamedPolicy]:
    for index, document in enumerate(documents, start=1):
        try:
            yield NamedPolicy(f"{member}.{index}", parse(document))
        except PolicySyntaxError as error:
            raise shapes.InvalidInputException(f"Invalid policy in {member}.{index}: {error}") from error
