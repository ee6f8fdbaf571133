"""Secrets of a container definition, read under the task's execution role from Secrets Manager and Parameter Store.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/specifying-sensitive-data.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from aws_api.core.arns import Arn, is_arn
from aws_api.core.containers import RegistryCredentials
from aws_api.core.context import Context
from aws_api.core.errors import AwsError
from aws_api.core.invoke import invoke
from aws_api.services.ecs.roles import CannotInitialize, call_of, cannot_assume, refusal_text

RETRIEVAL_FAILED = (
    "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed"
)
_RETRIED = "service call has been retried 1 time(s)"
_FROM_SECRETS_MANAGER = f"unable to retrieve secret from asm: {_RETRIED}"
_FROM_PARAMETER_STORE = f"unable to retrieve secrets from ssm: {_RETRIED}"
_READ_ALONE = "ssm:GetParameter"
_REGISTRY_AUTH = f"unable to get registry auth from asm: {_RETRIED}"
#: A secret's ARN has seven parts; json-key, version-stage and version-id may follow.
_SECRET_ARN_PARTS = 7


class SecretUnavailable(CannotInitialize):
    """A secret could not be read."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{RETRIEVAL_FAILED}: {reason}")


def resolve_secrets(context: Context, secrets: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Each secret's value by the variable's name. Raises SecretUnavailable."""
    return {secret["name"]: _resolve(context, secret["valueFrom"]) for secret in secrets}


def registry_credentials(context: Context, parameter: str) -> RegistryCredentials:
    """The user and password that a secret, named or by its ARN, holds as JSON. Raises SecretUnavailable."""
    request, call = {"SecretId": parameter}, _call_in_region_of(context, parameter)
    try:
        text = str(invoke(call, "secretsmanager", "GetSecretValue", request).get("SecretString", ""))
    except AwsError as error:
        raise SecretUnavailable(
            f"{_REGISTRY_AUTH}: asm fetching secret from the service for {parameter}: {refusal_text(error, call)}"
        ) from error
    credentials = _json_object(text)
    if not {"username", "password"} <= credentials.keys():
        raise SecretUnavailable(f"{_REGISTRY_AUTH}: asm fetching authorization data: invalid secret {parameter}")
    return RegistryCredentials(username=str(credentials["username"]), password=str(credentials["password"]))


def unavailable_role(role_arn: str) -> SecretUnavailable:
    """What a task stops with whose execution role cannot be assumed."""
    return SecretUnavailable(cannot_assume(role_arn))


def _resolve(context: Context, value_from: str) -> str:
    if is_arn(value_from) and Arn.parse(value_from).service == "secretsmanager":
        return _secret(context, value_from)
    return _parameter(context, value_from)


def _secret(context: Context, value_from: str) -> str:
    parts = value_from.split(":")
    secret_id = ":".join(parts[:_SECRET_ARN_PARTS])
    json_key, version_stage, version_id, *_ = (*parts[_SECRET_ARN_PARTS:], "", "", "")
    request = {"SecretId": secret_id, "VersionStage": version_stage, "VersionId": version_id}
    call = _call_in_region_of(context, secret_id)
    try:
        given = {name: value for name, value in request.items() if value}
        answer = invoke(call, "secretsmanager", "GetSecretValue", given)
    except AwsError as error:
        raise SecretUnavailable(
            f"{_FROM_SECRETS_MANAGER}: failed to fetch secret {secret_id} from secrets manager: "
            f"{refusal_text(error, call)}"
        ) from error
    text = answer.get("SecretString")
    if text is None:
        raise SecretUnavailable(
            f"{_FROM_SECRETS_MANAGER}: secret {secret_id} has no SecretString; binary secrets are not supported"
        )
    return _json_value(str(text), json_key) if json_key else str(text)


def _json_value(text: str, json_key: str) -> str:
    value = _json_object(text).get(json_key)
    if value is None:
        raise SecretUnavailable(
            f"{_FROM_SECRETS_MANAGER}: retrieved secret from Secrets Manager did not contain json key {json_key}"
        )
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _json_object(text: str) -> Mapping[str, Any]:
    """A secret's JSON object; one that is none has no keys. The text itself goes into no message."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _parameter(context: Context, value_from: str) -> str:
    """A parameter by name or ARN, read by whichever of the two operations the role allows."""
    call = _call_in_region_of(context, value_from)
    try:
        answer = invoke(call, "ssm", "GetParameters", {"Names": [value_from], "WithDecryption": True})
        found = answer.get("Parameters", ())
    except AwsError as error:
        found = _parameter_alone(call, value_from, error)
    if not found:
        raise SecretUnavailable(f"{_FROM_PARAMETER_STORE}: invalid parameters: {value_from}")
    return str(found[0]["Value"])


def _parameter_alone(context: Context, name: str, refusal: AwsError) -> Sequence[Mapping[str, Any]]:
    """What the permission ssm:GetParameter gives, where ssm:GetParameters is refused."""
    call = call_of(context)
    try:
        return (invoke(call, "ssm", "GetParameter", {"Name": name, "WithDecryption": True})["Parameter"],)
    except AwsError as error:
        if error.code == "ParameterNotFound":
            return ()
        # Refused twice, ECS tells what it asked first; let in by the second, what stood in the way then.
        is_refused_again = f"perform: {_READ_ALONE} " in error.message
        told = refusal_text(refusal, context) if is_refused_again else refusal_text(error, call)
        raise SecretUnavailable(f"{_FROM_PARAMETER_STORE}: {told}") from error


def _call_in_region_of(context: Context, value_from: str) -> Context:
    """An ARN is read where it says, a name in the task's region."""
    call = call_of(context)
    return replace(call, region=Arn.parse(value_from).region) if is_arn(value_from) else call
