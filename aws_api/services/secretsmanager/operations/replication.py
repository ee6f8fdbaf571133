"""Replicas, in other regions and in other accounts.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/replicate-secrets.html
"""

from aws_api.core.authorization import require_access
from aws_api.core.context import Context
from aws_api.services.secretsmanager.cross_account import (
    associate,
    check_replica_arn,
    disassociate,
    is_free_for,
    make_standalone,
    primary_arn_of,
    require_own_value,
)
from aws_api.services.secretsmanager.names import secret_not_found
from aws_api.services.secretsmanager.policies import ACCEPTING
from aws_api.services.secretsmanager.replicas import with_replicas, without_replicas
from aws_api.services.secretsmanager.secrets import find_secret, forget_policy_on_commit, secret_of_arn
from aws_api.services.secretsmanager.service import secretsmanager
from aws_api.services.secretsmanager.shapes import (
    AssociateCrossAccountReplicaRequest,
    AssociateCrossAccountReplicaResponse,
    DisassociateCrossAccountReplicaRequest,
    DisassociateCrossAccountReplicaResponse,
    InvalidRequestException,
    LimitExceededException,
    RemoveRegionsFromReplicationRequest,
    RemoveRegionsFromReplicationResponse,
    ReplicateSecretToRegionsRequest,
    ReplicateSecretToRegionsResponse,
    StopReplicationToReplicaRequest,
    StopReplicationToReplicaResponse,
)


@secretsmanager.operation
def replicate_secret_to_regions(
    context: Context, request: ReplicateSecretToRegionsRequest
) -> ReplicateSecretToRegionsResponse:
    """Keep that a secret has replicas in some more regions."""
    secret = find_secret(context, request["SecretId"], lock=True)
    overwrite = bool(request.get("ForceOverwriteReplicaSecret"))
    secret.document = with_replicas(secret, request["AddReplicaRegions"], overwrite=overwrite)
    secret.save(update_fields=["document"])
    return {"ARN": secret.arn, "ReplicationStatus": secret.document["ReplicationStatus"]}


@secretsmanager.operation
def remove_regions_from_replication(
    context: Context, request: RemoveRegionsFromReplicationRequest
) -> RemoveRegionsFromReplicationResponse:
    """Keep that a secret has no replicas in some regions."""
    secret = find_secret(context, request["SecretId"], lock=True)
    secret.document = without_replicas(secret, request["RemoveReplicaRegions"])
    secret.save(update_fields=["document"])
    return {"ARN": secret.arn, "ReplicationStatus": secret.document["ReplicationStatus"]}


@secretsmanager.operation
def stop_replication_to_replica(
    context: Context, request: StopReplicationToReplicaRequest
) -> StopReplicationToReplicaResponse:
    """Make a secret of its own of a replica of another account's; one in another region cannot be called."""
    found = find_secret(context, request["SecretId"])
    primary_arn = primary_arn_of(found)
    if primary_arn is None:
        raise InvalidRequestException(f"You can't stop replication to {found.arn}: it is not a replica secret.")
    require_access(context, ("secretsmanager:DeleteResourcePolicy", found.arn))
    # The primary first, as where it is copied.
    primary = secret_of_arn(primary_arn, lock=True)
    replica = find_secret(context, request["SecretId"], lock=True)
    make_standalone(replica, primary)
    forget_policy_on_commit(replica)
    return {"ARN": replica.arn}


@secretsmanager.operation
def associate_cross_account_replica(
    context: Context, request: AssociateCrossAccountReplicaRequest
) -> AssociateCrossAccountReplicaResponse:
    """Begin to replicate a secret to the one that another account made for it."""
    replica_arn, role_arn = request["CrossAccountReplicaARN"], request.get("ReplicationRoleARN")
    check_replica_arn(context, replica_arn)
    primary = find_secret(context, request["SecretId"], lock=True)
    require_own_value(primary)
    require_access(context, ("secretsmanager:GetSecretValue", primary.arn))
    require_access(context, (ACCEPTING, replica_arn))
    if role_arn:
        require_access(context, ("iam:PassRole", role_arn, {"iam:PassedToService": "secretsmanager.amazonaws.com"}))
    replica = secret_of_arn(replica_arn, lock=True)
    if replica is None:
        raise secret_not_found()
    if primary_arn_of(replica) != primary.arn:
        raise InvalidRequestException("The replica secret isn't a cross-account replica of this primary secret.")
    if not is_free_for(primary, replica_arn):
        raise LimitExceededException("A primary secret can have at most one cross-account replica.")
    associate(context, primary, replica, role_arn)
    return {"ARN": primary.arn, "CrossAccountReplicaARN": replica.arn, "ReplicationStatus": "InSync"}


@secretsmanager.operation
def disassociate_cross_account_replica(
    context: Context, request: DisassociateCrossAccountReplicaRequest
) -> DisassociateCrossAccountReplicaResponse:
    """Replicate no more; the replica stays, detached."""
    primary = find_secret(context, request["SecretId"], lock=True)
    disassociate(primary, request["CrossAccountReplicaARN"])
    return {"ARN": primary.arn, "CrossAccountReplicaARN": request["CrossAccountReplicaARN"]}
