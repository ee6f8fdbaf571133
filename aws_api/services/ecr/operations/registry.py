"""The registry as a whole: its policy, replication, scanning, signing and account settings.

What is set is kept and answered. Nothing is replicated, scanned or signed: this is one registry on one machine.
"""

from collections.abc import Mapping
from typing import Any

from aws_api.core.context import Context
from aws_api.core.pagination import page_of_list
from aws_api.services.ecr import shapes
from aws_api.services.ecr.models import Repository
from aws_api.services.ecr.operations.images import require_image
from aws_api.services.ecr.operations.policies import check_policy
from aws_api.services.ecr.operations.repositories import bad_token
from aws_api.services.ecr.pull_times import EXCLUSIONS
from aws_api.services.ecr.registry_settings import (
    ACCOUNT_SETTINGS,
    account_settings,
    registry_setting,
    set_registry_setting,
)
from aws_api.services.ecr.repositories import requested_repository
from aws_api.services.ecr.service import ecr

POLICY = "registryPolicy"
REPLICATION = "replicationConfiguration"
SCANNING = "scanningConfiguration"
SIGNING = "signingConfiguration"

MAX_EXCLUSIONS = 5
DEFAULT_PAGE = 100
#: Each setting's values; the first holds where none is set.
_ACCOUNT_SETTINGS = {
    "BASIC_SCAN_TYPE_VERSION": ("AWS_NATIVE", "CLAIR"),
    "BLOB_MOUNTING": ("ENABLED", "DISABLED"),
    "REGISTRY_POLICY_SCOPE": ("V2", "V1"),
}


@ecr.operation
def describe_registry(context: Context, request: Mapping[str, Any]) -> shapes.DescribeRegistryResponse:
    """The account's registry and the replication that it asked for."""
    return {"registryId": context.account_id, "replicationConfiguration": _setting(context, REPLICATION, {"rules": []})}


@ecr.operation
def put_registry_policy(context: Context, request: shapes.PutRegistryPolicyRequest) -> Any:
    """Write who else may use the registry."""
    check_policy(request["policyText"], "PolicyText", "Statement")
    set_registry_setting(context, POLICY, request["policyText"])
    return {"registryId": context.account_id, "policyText": request["policyText"]}


@ecr.operation
def get_registry_policy(context: Context, request: Mapping[str, Any]) -> Any:
    """Who else may use the registry."""
    return {"registryId": context.account_id, "policyText": _require_policy(context)}


@ecr.operation
def delete_registry_policy(context: Context, request: Mapping[str, Any]) -> Any:
    """Nobody else may use the registry any more."""
    text = _require_policy(context)
    set_registry_setting(context, POLICY, None)
    return {"registryId": context.account_id, "policyText": text}


@ecr.operation
def put_replication_configuration(context: Context, request: shapes.PutReplicationConfigurationRequest) -> Any:
    """Write where images should be copied to; none is."""
    configuration = request["replicationConfiguration"]
    for rule in configuration["rules"]:
        for destination in rule["destinations"]:
            if destination["region"] == context.region and destination["registryId"] == context.account_id:
                raise shapes.InvalidParameterException(
                    "Invalid parameter at 'replicationConfiguration' failed to satisfy constraint: 'The replication "
                    "destination must differ from the source registry'"
                )
    set_registry_setting(context, REPLICATION, configuration)
    return {"replicationConfiguration": configuration}


@ecr.operation
def describe_image_replication_status(context: Context, request: shapes.DescribeImageReplicationStatusRequest) -> Any:
    """The destinations of an image; it reaches none of them, and says so."""
    repository = requested_repository(context, request)
    require_image(repository, request["imageId"])
    rules = _setting(context, REPLICATION, {"rules": []})["rules"]
    return {
        "repositoryName": repository.name,
        "imageId": request["imageId"],
        "replicationStatuses": [
            {**destination, "status": "FAILED", "failureCode": "NOT_SUPPORTED"}
            for rule in rules
            if _is_replicated(repository, rule)
            for destination in rule["destinations"]
        ],
    }


@ecr.operation
def put_registry_scanning_configuration(
    context: Context, request: shapes.PutRegistryScanningConfigurationRequest
) -> Any:
    """Write what should be scanned and how; nothing is."""
    configuration = {"scanType": request.get("scanType", "BASIC"), "rules": request.get("rules", [])}
    set_registry_setting(context, SCANNING, configuration)
    return {"registryScanningConfiguration": configuration}


@ecr.operation
def get_registry_scanning_configuration(context: Context, request: Mapping[str, Any]) -> Any:
    """What should be scanned and how."""
    configuration = _setting(context, SCANNING, {"scanType": "BASIC", "rules": []})
    return {"registryId": context.account_id, "scanningConfiguration": configuration}


@ecr.operation
def put_signing_configuration(context: Context, request: shapes.PutSigningConfigurationRequest) -> Any:
    """Write what should be signed; nothing is."""
    set_registry_setting(context, SIGNING, request["signingConfiguration"])
    return {"signingConfiguration": request["signingConfiguration"]}


@ecr.operation
def get_signing_configuration(context: Context, request: Mapping[str, Any]) -> Any:
    """What should be signed."""
    return {"registryId": context.account_id, "signingConfiguration": _require_signing(context)}


@ecr.operation
def delete_signing_configuration(context: Context, request: Mapping[str, Any]) -> Any:
    """Nothing should be signed any more."""
    configuration = _require_signing(context)
    set_registry_setting(context, SIGNING, None)
    return {"registryId": context.account_id, "signingConfiguration": configuration}


@ecr.operation
def describe_image_signing_status(context: Context, request: shapes.DescribeImageSigningStatusRequest) -> Any:
    """No image is signed here."""
    repository = requested_repository(context, request)
    require_image(repository, request["imageId"])
    return {
        "registryId": repository.account_id,
        "repositoryName": repository.name,
        "imageId": request["imageId"],
        "signingStatuses": [],
    }


@ecr.operation
def put_account_setting(context: Context, request: shapes.PutAccountSettingRequest) -> Any:
    """Write a setting. BLOB_MOUNTING decides whether a push may take layers from another repository."""
    name, value = request["name"], request["value"]
    if value not in _values_of(name):
        raise shapes.InvalidParameterException(
            f"Invalid parameter at 'value' failed to satisfy constraint: 'must be one of {', '.join(_values_of(name))}'"
        )
    set_registry_setting(
        context, ACCOUNT_SETTINGS, {**account_settings(context.account_id, context.region), name: value}
    )
    return {"name": name, "value": value}


@ecr.operation
def get_account_setting(context: Context, request: shapes.GetAccountSettingRequest) -> Any:
    """A setting, as it is or as it holds where nobody wrote it."""
    default = _values_of(request["name"])[0]
    value = account_settings(context.account_id, context.region).get(request["name"], default)
    return {"name": request["name"], "value": value}


@ecr.operation
def register_pull_time_update_exclusion(
    context: Context, request: shapes.RegisterPullTimeUpdateExclusionRequest
) -> Any:
    """Pulls of this principal are not written down."""
    excluded, arn, now = _setting(context, EXCLUSIONS, {}), request["principalArn"], context.clock.now()
    if arn in excluded:
        raise shapes.ExclusionAlreadyExistsException(f"The exclusion for principal '{arn}' already exists")
    if len(excluded) >= MAX_EXCLUSIONS:
        raise shapes.LimitExceededException(f"A registry can have at most {MAX_EXCLUSIONS} exclusions")
    set_registry_setting(context, EXCLUSIONS, {**excluded, arn: now.isoformat()})
    return {"principalArn": arn, "createdAt": now}


@ecr.operation
def deregister_pull_time_update_exclusion(
    context: Context, request: shapes.DeregisterPullTimeUpdateExclusionRequest
) -> Any:
    """Pulls of this principal are written down again."""
    excluded, arn = _setting(context, EXCLUSIONS, {}), request["principalArn"]
    if arn not in excluded:
        raise shapes.ExclusionNotFoundException(f"The exclusion for principal '{arn}' does not exist")
    set_registry_setting(context, EXCLUSIONS, {name: at for name, at in excluded.items() if name != arn})
    return {"principalArn": arn}


@ecr.operation
def list_pull_time_update_exclusions(context: Context, request: shapes.ListPullTimeUpdateExclusionsRequest) -> Any:
    """The principals whose pulls are not written down."""
    page, token = page_of_list(
        sorted(_setting(context, EXCLUSIONS, {})),
        token=request.get("nextToken"),
        limit=request.get("maxResults") or DEFAULT_PAGE,
        error=bad_token,
    )
    return {"pullTimeUpdateExclusions": page, **({"nextToken": token} if token else {})}


def _setting(context: Context, member: str, default: Any) -> Any:
    return registry_setting(context.account_id, context.region, member, default)


def _values_of(name: str) -> tuple[str, ...]:
    values = _ACCOUNT_SETTINGS.get(name)
    if values is None:
        raise shapes.InvalidParameterException(
            f"Invalid parameter at 'name' failed to satisfy constraint: 'must be one of {', '.join(_ACCOUNT_SETTINGS)}'"
        )
    return values


def _is_replicated(repository: Repository, rule: Mapping[str, Any]) -> bool:
    filters = rule.get("repositoryFilters") or [{"filter": ""}]
    return any(repository.name.startswith(each["filter"]) for each in filters)


def _require_policy(context: Context) -> str:
    text = _setting(context, POLICY, None)
    if text is None:
        raise shapes.RegistryPolicyNotFoundException(
            f"Registry policy does not exist in the registry with id '{context.account_id}'"
        )
    return str(text)


def _require_signing(context: Context) -> Any:
    configuration = _setting(context, SIGNING, None)
    if configuration is None:
        raise shapes.SigningConfigurationNotFoundException(
            f"Signing configuration does not exist in the registry with id '{context.account_id}'"
        )
    return configuration
