"""The service ec2, and how each of its operations is registered."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar, cast

from aws_api.core.context import Context
from aws_api.core.service import AwsService
from aws_api.services.ec2.errors import DryRunOperation, InvalidParameterValue

ec2 = AwsService("ec2", description="Elastic Compute Cloud: VPCs and their networks")

F = TypeVar("F", bound=Callable[..., Any])


def operation(function: F) -> F:
    """Register an operation of EC2: the default VPC is there before it runs, and a client token's repetition does not.

    A dry run does everything, so that it meets the real run's errors; its own error then takes all of it back.
    """

    @ec2.operation
    @wraps(function)
    def run(context: Context, request: Mapping[str, Any]) -> Any:
        # Imported late: the default VPC and tokens are rows, and this module is loaded before them.
        from aws_api.services.ec2.default_vpc import prepare_region
        from aws_api.services.ec2.tokens import once

        _refuse_nul(request)
        prepare_region(context)
        answer = once(context, function.__name__, request, lambda: function(context, request))
        if request.get("DryRun"):
            raise DryRunOperation("Request would have succeeded, but DryRun flag is set.")
        return answer

    return cast(F, run)


def _refuse_nul(value: Any) -> None:
    """Neither XML nor Postgres can hold the character, so no answer could ever carry it."""
    if isinstance(value, str):
        if "\0" in value:
            raise InvalidParameterValue("The request contains a character that is not allowed: NUL.")
    elif isinstance(value, Mapping):
        for member in value.values():
            _refuse_nul(member)
    elif isinstance(value, list):
        for element in value:
            _refuse_nul(element)
