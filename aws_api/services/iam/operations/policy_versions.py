"""Versions of managed policies."""

from aws_api.core.context import Context
from aws_api.services.iam import shapes
from aws_api.services.iam.describe import describe_version
from aws_api.services.iam.listing import list_items, list_rows
from aws_api.services.iam.models import ManagedPolicy, PolicyVersion
from aws_api.services.iam.operations.managed_policies import check_managed_document, find_own_policy
from aws_api.services.iam.policies import AwsPolicy, find_policy
from aws_api.services.iam.service import iam

MAX_VERSIONS = 5


@iam.operation
def create_policy_version(
    context: Context, request: shapes.CreatePolicyVersionRequest
) -> shapes.CreatePolicyVersionResponse:
    """Add a version; numbers are never used again."""
    policy = _locked(find_own_policy(context, request["PolicyArn"]))
    check_managed_document(request["PolicyDocument"])
    if policy.versions.count() >= MAX_VERSIONS:
        raise shapes.LimitExceededException(
            f"A managed policy can have up to {MAX_VERSIONS} versions. Before you create a new version, you must "
            f"delete an existing version."
        )
    policy.latest_version += 1
    policy.updated_at = context.clock.now()
    policy.save(update_fields=["latest_version", "updated_at"])
    version = PolicyVersion.objects.create(
        policy=policy,
        number=policy.latest_version,
        document=request["PolicyDocument"],
        created_at=policy.updated_at,
    )
    if request.get("SetAsDefault"):
        _make_default(version)
    return {"PolicyVersion": describe_version(version)}


@iam.operation
def get_policy_version(context: Context, request: shapes.GetPolicyVersionRequest) -> shapes.GetPolicyVersionResponse:
    """A version with its document, percent-encoded."""
    arn, version_id = request["PolicyArn"], request["VersionId"]
    policy = find_policy(context, arn)
    if isinstance(policy, AwsPolicy) and version_id == f"v{policy.version}":
        return {"PolicyVersion": describe_version(policy, with_document=True)}
    if not isinstance(policy, ManagedPolicy):
        raise _no_such_version(arn, version_id)
    return {"PolicyVersion": describe_version(_find(policy, version_id), with_document=True)}


@iam.operation
def list_policy_versions(
    context: Context, request: shapes.ListPolicyVersionsRequest
) -> shapes.ListPolicyVersionsResponse:
    """A policy's versions, without documents."""
    policy = find_policy(context, request["PolicyArn"])
    response: shapes.ListPolicyVersionsResponse
    if isinstance(policy, AwsPolicy):
        response = list_items(request, "Versions", [policy], describe_version)
        return response
    policy = find_own_policy(context, request["PolicyArn"])
    response = list_rows(request, "Versions", policy.versions.all(), describe_version, by="number")
    return response


@iam.operation
def set_default_policy_version(context: Context, request: shapes.SetDefaultPolicyVersionRequest) -> None:
    """Choose the version that holds."""
    policy = _locked(find_own_policy(context, request["PolicyArn"]))
    _make_default(_find(policy, request["VersionId"]))
    policy.updated_at = context.clock.now()
    policy.save(update_fields=["updated_at"])


@iam.operation
def delete_policy_version(context: Context, request: shapes.DeletePolicyVersionRequest) -> None:
    """Delete a version that is not the default."""
    version = _find(find_own_policy(context, request["PolicyArn"]), request["VersionId"])
    if version.is_default:
        raise shapes.DeleteConflictException("Cannot delete the default version of a policy.")
    version.delete()


def _locked(policy: ManagedPolicy) -> ManagedPolicy:
    """The row's lock makes changes of a policy's versions happen one after the other."""
    return ManagedPolicy.objects.select_for_update().get(pk=policy.pk)


def _make_default(version: PolicyVersion) -> None:
    version.policy.versions.filter(is_default=True).update(is_default=False)
    version.is_default = True
    version.save(update_fields=["is_default"])


def _find(policy: ManagedPolicy, version_id: str) -> PolicyVersion:
    number = version_id.removeprefix("v").partition(".")[0]
    version = policy.versions.filter(number=int(number)).first() if number.isdigit() else None
    if version is None:
        raise _no_such_version(policy.arn, version_id)
    return version


def _no_such_version(arn: str, version_id: str) -> shapes.NoSuchEntityException:
    return shapes.NoSuchEntityException(f"Policy {arn} version {version_id} does not exist or is not attachable.")
