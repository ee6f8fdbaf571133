"""How a request that breaks its model is refused: AWS's codes and sentences, per protocol and service."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_api.core.errors import AwsError, SerializationException
from aws_api.protocol.limits import MAX_REPORTED_VIOLATIONS
from aws_api.protocol.models import validation_error_code

#: A member's place: ``((None, "filters"), 1)`` is the first element of ``filters``; built without joining strings,
#: because most requests are valid and never need theirs.
Path = tuple[Any, Any] | None


@cache
def error_type(code: str, query_code: str | None = None, status: int = 400) -> type[AwsError]:
    """The error class of a code that no service's ``shapes.py`` declares."""
    return type(code, (AwsError,), {"code": code, "query_code": query_code, "status": status, "__module__": __name__})


MalformedInput = error_type("MalformedInput")
MalformedQueryString = error_type("MalformedQueryString")
MalformedXML = error_type("MalformedXML")
MissingParameter = error_type("MissingParameter")
MissingRequiredParameterException = error_type("MissingRequiredParameterException", "MissingParameter")
InvalidParameterValue = error_type("InvalidParameterValue")


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken constraint. ``value`` is absent (``...``) where the model calls it sensitive."""

    path: Path
    value: Any
    constraint: str

    @property
    def is_missing(self) -> bool:
        return self.value is None


def path_text(path: Path) -> str:
    """``containerDefinitions.1.member.name``, as AWS names places."""
    parts: list[str] = []
    while path is not None:
        path, part = path
        parts.append(part)
    return ".".join(reversed(parts))


def refusal(service: str, protocol: str, violations: Sequence[Violation]) -> AwsError:
    """The error that a service answers to broken constraints."""
    if protocol == "ec2":
        return _ec2_refusal(violations[0])
    if service == "sqs" and violations[0].is_missing:
        return MissingRequiredParameterException(
            f"The request must contain the parameter {path_text(violations[0].path)}."
        )
    reported = violations[:MAX_REPORTED_VIOLATIONS]
    plural = "error" if len(reported) == 1 else "errors"
    sentences = "; ".join(map(_sentence, reported))
    message = f"{len(reported)} validation {plural} detected: {sentences}"
    return error_type(validation_error_code(service))(message)


def _sentence(violation: Violation) -> str:
    value = violation.value
    shown = "Value" if value is ... else "Value null" if value is None else f"Value '{as_java(value)}'"
    return f"{shown} at '{path_text(violation.path)}' failed to satisfy constraint: {violation.constraint}"


def _ec2_refusal(violation: Violation) -> AwsError:
    # EC2 names places as its query strings do, in which lists are flat.
    name = path_text(violation.path).replace(".member", "")
    if violation.is_missing:
        return MissingParameter(f"The request must contain the parameter {name}")
    value = "" if violation.value is ... else f"({as_java(violation.value)}) "
    return InvalidParameterValue(f"Value {value}for parameter {name} is invalid. {violation.constraint}")


def as_java(value: Any) -> str:
    """A value as Java prints it, which is what AWS's sentences quote: ``[a, b]``, ``{key=value}``."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={as_java(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_java, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes | bytearray):
        return f"java.nio.HeapByteBuffer[pos=0 lim={len(value)} cap={len(value)}]"
    return str(value)


#: Makes the error for a value of the wrong type: the value, and what Java calls the type wanted.
Mismatch = Callable[[Any, str], AwsError]


def type_mismatch(value: Any, wanted: str) -> AwsError:
    """``NUMBER_VALUE can not be converted to a String``: what most JSON services answer."""
    unexpected = _unexpected(value, wanted)
    if unexpected:
        return SerializationException(unexpected)
    article = "an" if wanted[0] in "AEIOU" else "a"
    return SerializationException(f"{_token(value)} can not be converted to {article} {wanted}")


def dynamodb_type_mismatch(value: Any, wanted: str) -> AwsError:
    """``NUMBER_VALUE cannot be converted to String``: DynamoDB's own wording."""
    if wanted in {"List", "Map", "Structure"}:
        return SerializationException("Unexpected field type")
    if isinstance(value, list):
        return SerializationException("Unrecognized collection type class java.util.ArrayList")
    return SerializationException(_unexpected(value, wanted) or f"{_token(value)} cannot be converted to {wanted}")


def _unexpected(value: Any, wanted: str) -> str | None:
    if wanted in {"List", "Map"}:
        return f"Expected {wanted.lower()} or null"
    if isinstance(value, dict):
        return "Start of structure or map found where not expected."
    if isinstance(value, list):
        return "Start of list found where not expected"
    return "Unexpected value type in payload" if wanted == "Structure" else None


def _token(value: Any) -> str:
    if value is None:
        return "NULL_VALUE"
    if isinstance(value, bool):
        return "TRUE_VALUE" if value else "FALSE_VALUE"
    if isinstance(value, int | float):
        return "NUMBER_VALUE"
    return "STRING_VALUE"
