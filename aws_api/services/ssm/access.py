"""What calls need of IAM: the action on each parameter's ARN."""

from collections.abc import Iterable, Mapping
from typing import Any

from aws_api.core.context import Context
from aws_api.core.errors import AwsError
from aws_api.core.service import Access, AccessRule
from aws_api.services.ssm.names import parameter_arn, parse_selection
from aws_api.services.ssm.public_parameters import find_public


def on_parameter(action: str, member: str = "Name") -> AccessRule:
    """The action on the parameter that a member names."""

    def rule(context: Context, request: Mapping[str, Any]) -> Iterable[Access]:
        return ((action, _resource(context, request[member])),)

    return rule


def on_parameters(action: str) -> AccessRule:
    """The action on each of the parameters named."""

    def rule(context: Context, request: Mapping[str, Any]) -> Iterable[Access]:
        return tuple((action, _resource(context, name)) for name in request["Names"])

    return rule


def on_path(action: str) -> AccessRule:
    """The action on a path of the hierarchy."""

    def rule(context: Context, request: Mapping[str, Any]) -> Iterable[Access]:
        path = str(request["Path"])
        # Of the root the ARN ends with the slash.
        return ((action, parameter_arn(context.account_id, context.region, path.rstrip("/") or "/")),)

    return rule


def _resource(context: Context, text: str) -> str:
    try:
        selection = parse_selection(context, text)
    except AwsError:
        # Nobody's parameter: the operation says what is wrong with it.
        return "*"
    public = find_public(context.region, selection.name)
    return public.arn if public else parameter_arn(context.account_id, context.region, selection.name)
