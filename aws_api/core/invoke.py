"""Calling an operation: authorise, then run it. The gateway, the console, workers and other services come here."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from aws_api.core.authorization import authorize, in_owners_account, may_everything
from aws_api.core.context import Context
from aws_api.core.errors import NotImplementedByUs
from aws_api.core.execution import run_in_thread, run_on_loop
from aws_api.core.service import Operation, get_service


def find_operation(service_name: str, operation_name: str) -> Operation:
    """The implemented operation. Raises NotImplementedByUs, which names it, where Simfra lacks it."""
    service = get_service(service_name)
    operation = service.find(operation_name) if service else None
    if operation is None:
        raise NotImplementedByUs(f"Simfra does not implement {service_name}:{operation_name} yet.")
    return operation


async def invoke_async(context: Context, operation: Operation, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Run an operation from the event loop. Plain operations run in a thread, in one transaction."""
    context = in_owners_account(context, operation, request)
    await authorize(context, operation, request)
    if operation.is_async:
        answer = await operation.function(context, request)
    else:
        answer = await run_in_thread(operation.function, context, request)
    return answer or {}


def invoke(
    context: Context, service_name: str, operation_name: str, request: Mapping[str, Any] | None = None
) -> Mapping[str, Any]:
    """Run an operation from plain code: how one service calls another.

    Takes and returns AWS's shapes. Raises the AwsError that a client on the wire would see. Plain operations take part
    in the caller's transaction; async ones commit on their own.
    """
    operation, parameters = find_operation(service_name, operation_name), request or {}
    if operation.is_async:
        return run_on_loop(invoke_async(context, operation, parameters))
    context = in_owners_account(context, operation, parameters)
    if not may_everything(context):
        run_on_loop(authorize(context, operation, parameters))
    with transaction.atomic():
        return operation.function(context, parameters) or {}
