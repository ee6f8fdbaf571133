"""The service ec2, and how each of its operations is registered."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from aws_api.core.context import Context
from aws_api.core.service import AwsService
from aws_api.services.ec2.errors import DryRunOperation

ec2 = AwsService("ec2", description="Elastic Compute Cloud: VPCs and their networks")

Request = Mapping[str, Any]
Response = dict[str, Any]
Function = Callable[[Context, Request], Response | None]


def operation(function: Function) -> Function:
    """Register an operation of EC2. A dry run does everything, and its error takes all of it back."""

    @ec2.operation
    @wraps(function)
    def run(context: Context, request: Request) -> Response:
        # Imported late: the default VPC is rows, and this module is loaded before them.
        from aws_api.services.ec2.default_vpc import prepare_region

        prepare_region(context)
        answer = function(context, request)
        if request.get("DryRun"):
            raise DryRunOperation("Request would have succeeded, but DryRun flag is set.")
        return answer or {}

    return run
