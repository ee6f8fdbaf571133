"""Secrets of a container definition, read under the task's execution role from Secrets Manager and Parameter Store.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/specifying-sensitive-data.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from aws_api.core.arns import Arn, is_arn
from aws_api.core.containers import RegistryCredentials
from aws_api.core.context import Context
from aws_api.core.errors import AwsError
from aws_api.core.invoke import invoke

_PREFIX = "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed"
#: A secret's ARN has seven parts; json-key, version-stage and version-id may follow.
_SECRET_ARN_PARTS = 7


class SecretUnavailable(Exception):
    """A secret could not be read; the message is the task's stoppedReason."""


def resolve_secrets(context: Context, secrets: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Each secret's value by the variable's name. Raises SecretUnavailable."""
    return {secret["name"]: _resolve(context, secret["valueFrom"]) for secret in secrets}


def registry_credentials(context: Context, parameter: str) -> RegistryCredentials:
    """The user and password that a secret holds as JSON. Raises SecretUnavailable."""
    text = _resolve(context, parameter)
    try:
        secret = orjson.loads(text)
        return RegistryCredentials(username=secret["username"], password=secret["password"])
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise SecretUnavailable(f"{_PREFIX}: invalid registry credentials in {parameter}") from error


def unavailable_role(role_arn: str, error: AwsError) -> SecretUnavailable:
    """What a task stops with whose execution role cannot be assumed."""
    return SecretUnavailable(
        f"{_PREFIX}: ECS was unable to assume the role '{role_arn}' that was provided for this task. Please verify "
        f"that the role being passed has the proper trust relationship and permissions: {error.message}"
    )


def _resolve(context: Context, value_from: str) -> str:
    if is_arn(value_from) and Arn.parse(value_from).service == "secretsmanager":
        return _secret(context, value_from)
    return _parameter(context, value_from)


def _secret(context: Context, value_from: str) -> str:
    parts = value_from.split(":")
    selectors = (*parts[_SECRET_ARN_PARTS:], "", "", "")
    json_key, version_stage, version_id = selectors[:3]
    request = {"SecretId": ":".join(parts[:_SECRET_ARN_PARTS])}
    if version_stage:
        request["VersionStage"] = version_stage
    if version_id:
        request["VersionId"] = version_id
    answer = _call(context, "secretsmanager", "GetSecretValue", request, "unable to retrieve secret from asm")
    text = str(answer.get("SecretString", ""))
    if not json_key:
        return text
    try:
        value = orjson.loads(text)[json_key]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise SecretUnavailable(
            f"{_PREFIX}: retrieved secret from Secrets Manager did not contain json key {json_key}"
        ) from error
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _parameter(context: Context, value_from: str) -> str:
    name = value_from
    if is_arn(value_from):
        # parameter/prod/key is the parameter /prod/key; parameter/key may be key.
        path = Arn.parse(value_from).resource.removeprefix("parameter/")
        name = f"/{path}" if "/" in path else path
    request = {"Name": name, "WithDecryption": True}
    answer = _call(context, "ssm", "GetParameter", request, "unable to retrieve secrets from ssm")
    return str(answer["Parameter"]["Value"])


def _call(
    context: Context, service: str, operation: str, request: Mapping[str, Any], failure: str
) -> Mapping[str, Any]:
    try:
        return invoke(context, service, operation, request)
    except AwsError as error:
        raise SecretUnavailable(
            f"{_PREFIX}: {failure}: service call has been retried 1 time(s): {error.code}: {error.message}"
        ) from error
