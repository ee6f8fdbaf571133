"""Managed policies."""

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from aws_api.core.context import Context
from aws_api.core.ids import new_iam_id
from aws_api.core.tags import tags_to_list
from aws_api.services.iam import shapes
from aws_api.services.iam.describe import describe_policy
from aws_api.services.iam.documents import check_permissions_policy, size_without_whitespace
from aws_api.services.iam.listing import list_items
from aws_api.services.iam.models import Attachment, Identity, IdentityKind, ManagedPolicy, PolicyVersion
from aws_api.services.iam.policies import AwsPolicy, aws_policies, find_policy
from aws_api.services.iam.service import REGION, iam
from aws_api.services.iam.tagging import add_tags, new_tags, remove_tags

MAX_POLICY_SIZE = 6144
MAX_POLICIES_PER_ACCOUNT = 1500


@iam.operation
def create_policy(context: Context, request: shapes.CreatePolicyRequest) -> shapes.CreatePolicyResponse:
    """Make a policy with its first version."""
    name, path, now = request["PolicyName"], request.get("Path") or "/", context.clock.now()
    check_managed_document(request["PolicyDocument"])
    if ManagedPolicy.objects.filter(account_id=context.account_id).count() >= MAX_POLICIES_PER_ACCOUNT:
        raise shapes.LimitExceededException(f"Cannot exceed quota for PoliciesPerAccount: {MAX_POLICIES_PER_ACCOUNT}")
    try:
        with transaction.atomic():
            policy = ManagedPolicy.objects.create(
                account_id=context.account_id,
                region=REGION,
                name=name,
                path=path,
                unique_id=context.forced_id("PolicyId") or new_iam_id("ANPA"),
                arn=f"arn:aws:iam::{context.account_id}:policy{path}{name}",
                description=request.get("Description") or "",
                tags=new_tags(request.get("Tags")),
                created_at=now,
                updated_at=now,
            )
    except IntegrityError:
        raise shapes.EntityAlreadyExistsException(
            f"A policy called {name} already exists. Duplicate names are not allowed."
        ) from None
    PolicyVersion.objects.create(
        policy=policy, number=1, document=request["PolicyDocument"], is_default=True, created_at=now
    )
    return {"Policy": describe_policy(policy, context.account_id, in_full=True)}


@iam.operation
def get_policy(context: Context, request: shapes.GetPolicyRequest) -> shapes.GetPolicyResponse:
    """A policy of the account or of AWS."""
    policy = find_policy(context, request["PolicyArn"])
    if policy is None:
        raise shapes.NoSuchEntityException(f"Policy {request['PolicyArn']} was not found.")
    return {"Policy": describe_policy(policy, context.account_id, in_full=True)}


@iam.operation
def list_policies(context: Context, request: shapes.ListPoliciesRequest) -> shapes.ListPoliciesResponse:
    """Policies of the account (scope Local), of AWS, or both."""
    scope = request.get("Scope") or "All"
    policies: list[ManagedPolicy | AwsPolicy] = []
    if scope != "AWS":
        policies += ManagedPolicy.objects.filter(account_id=context.account_id).order_by("name")
    if scope != "Local":
        policies += aws_policies().values()
    prefix = request.get("PathPrefix") or "/"
    policies = [policy for policy in policies if policy.path.startswith(prefix)]
    if request.get("OnlyAttached"):
        attached = set(
            Attachment.objects.filter(identity__account_id=context.account_id).values_list("policy_arn", flat=True)
        )
        policies = [policy for policy in policies if policy.arn in attached]
    response: shapes.ListPoliciesResponse = list_items(
        request, "Policies", policies, lambda policy: describe_policy(policy, context.account_id)
    )
    return response


@iam.operation
def delete_policy(context: Context, request: shapes.DeletePolicyRequest) -> None:
    """Delete a policy that is attached to nothing and has only its default version."""
    policy = find_own_policy(context, request["PolicyArn"])
    if _attachments(context, policy.arn).exists() or _bounded(context, policy.arn).exists():
        raise shapes.DeleteConflictException("Cannot delete a policy attached to entities.")
    if policy.versions.count() > 1:
        raise shapes.DeleteConflictException(
            "This policy has more than one version. Before you delete a policy, you must delete the policy's "
            "versions. The default version is deleted with the policy."
        )
    policy.delete()


@iam.operation
def list_entities_for_policy(
    context: Context, request: shapes.ListEntitiesForPolicyRequest
) -> shapes.ListEntitiesForPolicyResponse:
    """The users, groups and roles that a policy is on, or bounds."""
    arn = request["PolicyArn"]
    if find_policy(context, arn) is None:
        raise shapes.NoSuchEntityException(f"Policy {arn} was not found.")
    found: list[Identity] = []
    usage = request.get("PolicyUsageFilter")
    if usage != "PermissionsBoundary":
        found += [attachment.identity for attachment in _attachments(context, arn).select_related("identity")]
    if usage != "PermissionsPolicy":
        found += _bounded(context, arn)
    wanted = _ENTITY_FILTERS[request.get("EntityFilter") or ""]
    prefix = request.get("PathPrefix") or "/"
    found = [identity for identity in found if identity.kind in wanted and identity.path.startswith(prefix)]
    page = list_items(
        request, "identities", sorted(found, key=lambda identity: identity.arn), lambda identity: identity
    )
    members = {IdentityKind.USER: "PolicyUsers", IdentityKind.GROUP: "PolicyGroups", IdentityKind.ROLE: "PolicyRoles"}
    response: shapes.ListEntitiesForPolicyResponse = {
        "PolicyUsers": [],
        "PolicyGroups": [],
        "PolicyRoles": [],
        "IsTruncated": page["IsTruncated"],
    }
    if "Marker" in page:
        response["Marker"] = page["Marker"]
    for identity in page["identities"]:
        kind = IdentityKind(identity.kind)
        shape = {f"{kind.capitalize()}Name": identity.name, f"{kind.capitalize()}Id": identity.unique_id}
        response[members[kind]].append(shape)  # type: ignore[literal-required]
    return response


@iam.operation
def tag_policy(context: Context, request: shapes.TagPolicyRequest) -> None:
    """Add tags."""
    add_tags(find_own_policy(context, request["PolicyArn"]), request["Tags"])


@iam.operation
def untag_policy(context: Context, request: shapes.UntagPolicyRequest) -> None:
    """Remove tags."""
    remove_tags(find_own_policy(context, request["PolicyArn"]), request["TagKeys"])


@iam.operation
def list_policy_tags(context: Context, request: shapes.ListPolicyTagsRequest) -> shapes.ListPolicyTagsResponse:
    """A policy's tags."""
    tags = tags_to_list(find_own_policy(context, request["PolicyArn"]).tags)
    response: shapes.ListPolicyTagsResponse = list_items(request, "Tags", tags, dict)
    return response


def find_own_policy(context: Context, arn: str) -> ManagedPolicy:
    """A policy that the account may change. Raises NoSuchEntity, AccessDenied for AWS's own."""
    policy = find_policy(context, arn)
    if policy is None:
        raise shapes.NoSuchEntityException(f"Policy {arn} was not found.")
    if isinstance(policy, AwsPolicy):
        raise shapes.InvalidInputException("Cannot modify a policy managed by AWS.")
    return policy


def check_managed_document(document: str) -> None:
    """Raise MalformedPolicyDocument or LimitExceeded."""
    if size_without_whitespace(document) > MAX_POLICY_SIZE:
        raise shapes.LimitExceededException(f"Cannot exceed quota for PolicySize: {MAX_POLICY_SIZE}")
    check_permissions_policy(document)


_EVERY_KIND = frozenset(IdentityKind)
_ENTITY_FILTERS = {
    "": _EVERY_KIND,
    "User": frozenset({IdentityKind.USER}),
    "Group": frozenset({IdentityKind.GROUP}),
    "Role": frozenset({IdentityKind.ROLE}),
    "LocalManagedPolicy": _EVERY_KIND,
    "AWSManagedPolicy": _EVERY_KIND,
}


def _attachments(context: Context, arn: str) -> QuerySet[Attachment]:
    return Attachment.objects.filter(policy_arn=arn, identity__account_id=context.account_id)


def _bounded(context: Context, arn: str) -> QuerySet[Identity]:
    return Identity.objects.filter(account_id=context.account_id, document__PermissionsBoundary=arn)
