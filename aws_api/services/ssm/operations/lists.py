"""GetParametersByPath, GetParameterHistory, DescribeParameters."""

import asyncio
from collections.abc import Sequence

from django.db.models import F, QuerySet

from aws_api.core.context import Context
from aws_api.core.execution import run_in_thread
from aws_api.core.pagination import page_of_list, page_of_rows
from aws_api.services.ssm import describe
from aws_api.services.ssm.access import on_parameter, on_path
from aws_api.services.ssm.filters import (
    BY_PATH_KEYS,
    DESCRIBE_KEYS,
    old_filters,
    one_level,
    recursive,
    string_filters,
)
from aws_api.services.ssm.models import ParameterVersion
from aws_api.services.ssm.names import check_path
from aws_api.services.ssm.parameters import parameter_row, readable_value
from aws_api.services.ssm.public_parameters import PREFIX, public_parameters
from aws_api.services.ssm.service import ssm
from aws_api.services.ssm.shapes import (
    DescribeParametersRequest,
    DescribeParametersResult,
    GetParameterHistoryRequest,
    GetParameterHistoryResult,
    GetParametersByPathRequest,
    GetParametersByPathResult,
    InvalidNextToken,
)
from aws_api.services.ssm.store import FoundVersion

DEFAULT_BY_PATH = 10
DEFAULT_DESCRIBED = 50


@ssm.operation(access=on_path("ssm:GetParametersByPath"))
async def get_parameters_by_path(context: Context, request: GetParametersByPathRequest) -> GetParametersByPathResult:
    """The parameters below a path, one level or all.

    https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParametersByPath.html
    """
    path = check_path(request["Path"])
    if path.startswith(PREFIX):
        versions, token = _public_page(context, path, request)
    else:
        versions, token = await run_in_thread(_own_page, context, path, request)
    with_decryption = bool(request.get("WithDecryption"))
    values = await asyncio.gather(
        *(readable_value(context, version, with_decryption=with_decryption) for version in versions)
    )
    answer: GetParametersByPathResult = {
        "Parameters": [describe.parameter(version, value) for version, value in zip(versions, values, strict=True)]
    }
    if token:
        answer["NextToken"] = token
    return answer


@ssm.operation(access=on_parameter("ssm:GetParameterHistory"))
async def get_parameter_history(context: Context, request: GetParameterHistoryRequest) -> GetParameterHistoryResult:
    """A parameter's versions, oldest first.

    https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameterHistory.html
    """
    rows, token = await run_in_thread(_history_page, context, request)
    with_decryption = bool(request.get("WithDecryption"))
    values = await asyncio.gather(
        *(readable_value(context, describe.found_version(row), with_decryption=with_decryption) for row in rows)
    )
    answer: GetParameterHistoryResult = {
        "Parameters": [describe.history(row, value) for row, value in zip(rows, values, strict=True)]
    }
    if token:
        answer["NextToken"] = token
    return answer


@ssm.operation
def describe_parameters(context: Context, request: DescribeParametersRequest) -> DescribeParametersResult:
    """The account's parameters without their values, by filters.

    https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DescribeParameters.html
    """
    if request.get("Shared"):
        return {"Parameters": []}
    rows = (
        _latest_versions(context)
        .filter(string_filters(request.get("ParameterFilters") or (), DESCRIBE_KEYS))
        .filter(old_filters(request.get("Filters") or ()))
        .annotate(name=F("parameter__name"))
    )
    page, token = page_of_rows(
        rows,
        by="name",
        token=request.get("NextToken"),
        limit=request.get("MaxResults") or DEFAULT_DESCRIBED,
        error=InvalidNextToken,
    )
    answer: DescribeParametersResult = {"Parameters": [describe.metadata(row) for row in page]}
    if token:
        answer["NextToken"] = token
    return answer


def _own_page(
    context: Context, path: str, request: GetParametersByPathRequest
) -> tuple[Sequence[FoundVersion], str | None]:
    filters = request.get("ParameterFilters") or ()
    # A label is on whichever version it was put, not on the latest alone.
    has_label = any(given["Key"] == "Label" for given in filters)
    rows = _versions(context) if has_label else _latest_versions(context)
    rows = rows.filter(recursive(path) if request.get("Recursive") else one_level(path))
    page, token = page_of_rows(
        rows.filter(string_filters(filters, BY_PATH_KEYS)).annotate(name=F("parameter__name")),
        by="name",
        token=request.get("NextToken"),
        limit=request.get("MaxResults") or DEFAULT_BY_PATH,
        error=InvalidNextToken,
    )
    return [describe.found_version(row) for row in page], token


def _public_page(
    context: Context, path: str, request: GetParametersByPathRequest
) -> tuple[Sequence[FoundVersion], str | None]:
    below = [
        version
        for name, version in sorted(public_parameters(context.region).items())
        if name.startswith(path) and (request.get("Recursive") or "/" not in name.removeprefix(path))
    ]
    limit = request.get("MaxResults") or DEFAULT_BY_PATH
    return page_of_list(below, token=request.get("NextToken"), limit=limit, error=InvalidNextToken)


def _history_page(context: Context, request: GetParameterHistoryRequest) -> tuple[list[ParameterVersion], str | None]:
    versions = parameter_row(context, request["Name"]).versions.select_related("parameter")
    return page_of_rows(
        versions,
        by="version",
        token=request.get("NextToken"),
        limit=request.get("MaxResults") or DEFAULT_DESCRIBED,
        error=InvalidNextToken,
    )


def _versions(context: Context) -> QuerySet[ParameterVersion]:
    rows = ParameterVersion.objects.select_related("parameter")
    return rows.filter(parameter__account_id=context.account_id, parameter__region=context.region)


def _latest_versions(context: Context) -> QuerySet[ParameterVersion]:
    return _versions(context).filter(version=F("parameter__latest_version"))
