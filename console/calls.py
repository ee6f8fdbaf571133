"""An AWS call as the console makes it: checked against AWS's model, told as the AWS CLI's command, refused in words.

The console calls operations past the wire, whose parsers check what clients send; what people type is checked here.
"""

import base64
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from botocore import xform_name
from botocore.model import ListShape, Shape, StructureShape
from botocore.validate import ParamValidator

from aws_api.core.errors import AwsError, ValidationException
from aws_api.protocol.failures import refusal
from aws_api.protocol.models import operation_model, protocol_of
from aws_api.protocol.validation import as_modelled, find_violations
from console.scope import Scope

#: The CLI's names of services that it names otherwise than botocore does.
CLI_NAMES = {"s3": "s3api"}


@dataclass(frozen=True)
class Call:
    """An operation and its request in AWS's shapes."""

    service: str
    operation: str
    request: Mapping[str, Any] = field(default_factory=dict)

    @property
    def command(self) -> str:
        """What makes the same call with the AWS CLI, quoted for a shell."""
        name = CLI_NAMES.get(self.service, self.service)
        return " ".join(["aws", name, xform_name(self.operation, "-"), *self._options()])

    def make(self, scope: Scope) -> Mapping[str, Any]:
        """Make the call as the account's root. Raises AwsError, as a client would see it."""
        shape = operation_model(self.service, self.operation).input_shape
        if shape is not None:
            _check(self.service, shape, self.request)
        return scope.call(self.service, self.operation, **self.request)

    def _options(self) -> list[str]:
        shape = operation_model(self.service, self.operation).input_shape
        members = shape.members if isinstance(shape, StructureShape) else {}
        return [_option(name, value, members.get(name)) for name, value in self.request.items() if value is not None]


def worded(error: AwsError) -> str:
    """A refusal as people read it: AWS's code and AWS's message."""
    return f"{error.code}: {error.message}" if error.message else error.code


def _check(service: str, shape: Shape, request: Mapping[str, Any]) -> None:
    report = ParamValidator().validate(request, shape)
    if report.has_errors():
        raise ValidationException(report.generate_report())
    if violations := find_violations(shape, request, as_modelled):
        raise refusal(service, protocol_of(service), violations)


def _option(name: str, value: Any, shape: Shape | None) -> str:
    option = f"--{xform_name(name, '-')}"
    if isinstance(value, bool):
        return option if value else option.replace("--", "--no-", 1)
    is_list = isinstance(shape, ListShape) or shape is None
    if isinstance(value, list | tuple) and is_list and all(isinstance(each, str | int) for each in value):
        return " ".join([option, *(shlex.quote(str(each)) for each in value)])
    return f"{option} {shlex.quote(_text(value))}"


def _text(value: Any) -> str:
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return orjson.dumps(value, default=_plain).decode().strip('"')


def _plain(value: Any) -> str:
    return base64.b64encode(value).decode() if isinstance(value, bytes | bytearray) else str(value)
