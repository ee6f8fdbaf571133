"""ReplicateSecretToRegions, RemoveRegionsFromReplication, StopReplicationToReplica.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/replicate-secrets.html
"""

from aws_api.core.context import Context
from aws_api.services.secretsmanager.replicas import with_replicas, without_replicas
from aws_api.services.secretsmanager.secrets import find_secret
from aws_api.services.secretsmanager.service import secretsmanager
from aws_api.services.secretsmanager.shapes import (
    InvalidRequestException,
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
    """Only a replica can stop being one, and here none can be called: every secret is a primary."""
    secret = find_secret(context, request["SecretId"])
    raise InvalidRequestException(f"You can't stop replication to {secret.arn}: it is not a replica secret.")
