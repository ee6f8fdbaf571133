"""GetParameter, GetParameters."""

import asyncio

from aws_api.core.context import Context
from aws_api.core.errors import ValidationException
from aws_api.services.ssm.access import on_parameter, on_parameters
from aws_api.services.ssm.parameters import read_parameter
from aws_api.services.ssm.service import ssm
from aws_api.services.ssm.shapes import (
    GetParameterRequest,
    GetParameterResult,
    GetParametersRequest,
    GetParametersResult,
    ParameterNotFound,
    ParameterVersionNotFound,
)


@ssm.operation(access=on_parameter("ssm:GetParameter"))
async def get_parameter(context: Context, request: GetParameterRequest) -> GetParameterResult:
    """A parameter's value.

    https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html
    """
    parameter = await read_parameter(context, request["Name"], with_decryption=bool(request.get("WithDecryption")))
    return {"Parameter": parameter}


@ssm.operation(access=on_parameters("ssm:GetParameters"))
async def get_parameters(context: Context, request: GetParametersRequest) -> GetParametersResult:
    """Up to ten parameters' values; the names of those that are not there apart.

    https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html
    """
    names = request["Names"]
    if len(set(names)) != len(names):
        raise ValidationException("The request contains duplicate parameter names.")
    with_decryption = bool(request.get("WithDecryption"))
    answers = await asyncio.gather(
        *(read_parameter(context, name, with_decryption=with_decryption) for name in names), return_exceptions=True
    )
    answer: GetParametersResult = {"Parameters": [], "InvalidParameters": []}
    for name, found in zip(names, answers, strict=True):
        if isinstance(found, ParameterNotFound | ParameterVersionNotFound):
            answer["InvalidParameters"].append(name)
        elif isinstance(found, BaseException):
            raise found
        else:
            answer["Parameters"].append(found)
    return answer
