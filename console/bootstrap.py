"""A list of AWS calls in JSON, made one after the other for an account; each may refer to answers before it."""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape
from django.db import DataError

from aws_api.core.context import Context, internal_context
from aws_api.core.errors import AwsError, ValidationException
from aws_api.core.execution import run_on_loop
from aws_api.core.ids import id_sequence, new_uuid
from aws_api.core.invoke import invoke
from aws_api.core.seeds import next_sequence
from aws_api.protocol.failures import refusal
from aws_api.protocol.models import has_operation, operation_model, protocol_of, service_names
from aws_api.protocol.validation import as_modelled, find_violations

MAX_CALLS = 1000

#: ``${2.Vpc.VpcId}``: of the answer to the third call, a member of a member.
_REFERENCE = re.compile(r"\$\{(\d+)((?:\.\w+)*)\}")


class CallFailed(Exception):
    """A call was refused; the message says which and why. ``results`` are the answers to those before it."""

    def __init__(self, place: int, call: Mapping[str, Any], why: str, results: list[Any]) -> None:
        super().__init__(f"Call {place} ({call['service']}.{call['operation']}): {why}")
        self.place = place
        self.results = results


def make_calls(account_id: str, region: str, calls: Sequence[Mapping[str, Any]]) -> list[Any]:
    """The answers, ready for JSON. Raises CallFailed at the first refusal; what was made before it stays."""
    results: list[Any] = []
    for place, call in enumerate(calls):
        context = internal_context(account_id, call.get("region", region))
        try:
            parameters = _resolved(call["parameters"], results)
            results.append(_plain(_make(context, call["service"], call["operation"], parameters)))
        except AwsError as error:
            raise CallFailed(place, call, f"{error.code}: {error.message}", results) from error
        except (LookupError, ValueError, TypeError, DataError) as error:
            raise CallFailed(place, call, str(error), results) from error
    return results


def _make(context: Context, service: str, operation: str, parameters: Any) -> Mapping[str, Any]:
    """One call as a client makes it: checked against the model, with ids of the account's seed."""
    if service not in service_names() or not has_operation(service, operation):
        raise ValidationException(f"AWS has no operation {service}:{operation}.")
    model = operation_model(service, operation)
    shape = model.input_shape
    tokens = {member: new_uuid() for member in model.idempotent_members}
    request = {} if shape is None else {**tokens, **_of_json(shape, parameters)}
    if shape is not None and (violations := find_violations(shape, request, as_modelled)):
        raise refusal(service, protocol_of(service), violations)
    token = id_sequence.set(run_on_loop(next_sequence(context.account_id, operation)))
    try:
        return invoke(context, service, operation, request)
    finally:
        id_sequence.reset(token)


def _resolved(value: Any, results: Sequence[Any]) -> Any:
    """A value with its references replaced. One that is nothing but a reference has the type of what it names."""
    if isinstance(value, dict):
        return {name: _resolved(member, results) for name, member in value.items()}
    if isinstance(value, list):
        return [_resolved(member, results) for member in value]
    if not isinstance(value, str):
        return value
    if whole := _REFERENCE.fullmatch(value):
        return _referred(whole, results)
    return _REFERENCE.sub(lambda found: str(_referred(found, results)), value)


def _referred(reference: re.Match[str], results: Sequence[Any]) -> Any:
    place = int(reference[1])
    if place >= len(results):
        raise LookupError(f"{reference[0]} names a call that is not before this one.")
    value = results[place]
    for name in reference[2].split(".")[1:]:
        try:
            value = value[int(name)] if isinstance(value, list) else value[name]
        except (LookupError, TypeError, ValueError) as error:
            raise LookupError(f"{reference[0]} names nothing: there is no {name}.") from error
    return value


def _of_json(shape: Shape, value: Any) -> Any:
    """A value of JSON as operations take it: blobs are bytes, and times are times. Raises ValueError."""
    kinds: dict[str, tuple[type, ...]] = {
        "structure": (dict,),
        "map": (dict,),
        "list": (list,),
        "string": (str,),
        "character": (str,),
        "boolean": (bool,),
        "integer": (int,),
        "long": (int,),
        "float": (int, float),
        "double": (int, float),
        "blob": (str,),
        "timestamp": (str, int, float),
    }
    if getattr(shape, "is_document_type", False):
        return value
    wanted = kinds[shape.type_name]
    if type(value) not in wanted:
        raise ValueError(f"{value!r} is no {shape.type_name}.")
    if isinstance(shape, StructureShape):
        strangers = value.keys() - shape.members.keys()
        if strangers:
            raise ValueError(f"{shape.name} has no member {', '.join(sorted(strangers))}.")
        return {name: _of_json(shape.members[name], member) for name, member in value.items() if member is not None}
    if isinstance(shape, ListShape):
        return [_of_json(shape.member, member) for member in value]
    if isinstance(shape, MapShape):
        return {name: _of_json(shape.value, member) for name, member in value.items()}
    if shape.type_name == "blob":
        try:
            return base64.b64decode(value, validate=True)
        except binascii.Error as error:
            raise ValueError(f"A blob is base64: {error}.") from error
    if shape.type_name == "timestamp":
        moment = datetime.fromisoformat(value) if isinstance(value, str) else datetime.fromtimestamp(value).astimezone()
        return moment if moment.tzinfo else moment.astimezone()
    return value


def _plain(value: Any) -> Any:
    """An answer as JSON has it."""
    if isinstance(value, Mapping):
        return {name: _plain(member) for name, member in value.items() if member is not None}
    if isinstance(value, list | tuple):
        return [_plain(member) for member in value]
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str | int | float | bool):
        return value
    return None  # A stream.
