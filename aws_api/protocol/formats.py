"""What every wire format is asked for, and what they share: error shapes, tokens, checks."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

from botocore.model import OperationModel, ServiceModel, StructureShape

from aws_api.core.errors import AwsError
from aws_api.protocol.failures import refusal
from aws_api.protocol.validation import Display, ValidityCompiler, find_violations
from aws_api.protocol.wire import WireRequest, WireResponse

Parse = Callable[[WireRequest], dict[str, Any]]
Serialize = Callable[[Mapping[str, Any], str], WireResponse]
SerializeError = Callable[[AwsError, str], WireResponse]
Completion = Callable[[dict[str, Any]], dict[str, Any]]

#: Codes of errors as the query protocol knew them, where the model does not say: by service and shape.
QUERY_ERROR_CODES: Mapping[str, Mapping[str, str]] = {
    "sqs": {
        "BatchEntryIdsNotDistinct": "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
        "BatchRequestTooLong": "AWS.SimpleQueueService.BatchRequestTooLong",
        "EmptyBatchRequest": "AWS.SimpleQueueService.EmptyBatchRequest",
        "InvalidBatchEntryId": "AWS.SimpleQueueService.InvalidBatchEntryId",
        "KmsAccessDenied": "KMS.AccessDeniedException",
        "KmsDisabled": "KMS.DisabledException",
        "KmsInvalidKeyUsage": "KMS.InvalidKeyUsageException",
        "KmsInvalidState": "KMS.InvalidStateException",
        "KmsNotFound": "KMS.NotFoundException",
        "KmsOptInRequired": "KMS.OptInRequired",
        "KmsThrottled": "KMS.ThrottlingException",
        "MessageNotInflight": "AWS.SimpleQueueService.MessageNotInflight",
        "PurgeQueueInProgress": "AWS.SimpleQueueService.PurgeQueueInProgress",
        "QueueDeletedRecently": "AWS.SimpleQueueService.QueueDeletedRecently",
        "QueueDoesNotExist": "AWS.SimpleQueueService.NonExistentQueue",
        "QueueNameExists": "QueueAlreadyExists",
        "TooManyEntriesInBatchRequest": "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
        "UnsupportedOperation": "AWS.SimpleQueueService.UnsupportedOperation",
    }
}


class WireFormat(ABC):
    """One protocol of one service: makes the parser and the serialiser of each operation."""

    def __init__(self, model: ServiceModel, protocol: str, display: Display) -> None:
        self.model = model
        self.protocol = protocol
        self._display = display
        self._validity = ValidityCompiler()
        self._errors = {shape.name: shape for shape in model.error_shapes}

    @abstractmethod
    def parser(self, operation: OperationModel) -> Parse:
        """Compile what turns a request of the operation into its parameters."""

    @abstractmethod
    def serializer(self, operation: OperationModel) -> Serialize:
        """Compile what turns the operation's result into an answer."""

    @abstractmethod
    def serialize_error(self, error: AwsError, request_id: str) -> WireResponse:
        """The answer that an error is."""

    def error_shape(self, error: AwsError) -> StructureShape | None:
        """The shape of an error that the model knows."""
        return self._errors.get(error.code)

    def query_code(self, error: AwsError) -> str:
        """The code of an error as the query protocol knows it."""
        if error.query_code is not None:
            return error.query_code
        named = QUERY_ERROR_CODES.get(self.model.service_name, {}).get(error.code)
        if named is not None:
            return named
        shape = self.error_shape(error)
        return error.code if shape is None else str(shape.error_code)

    def completion(self, operation: OperationModel) -> Completion:
        """Compile what fills idempotency tokens and refuses parameters that break the model."""
        shape = operation.input_shape
        if shape is None:
            return _as_is
        tokens = tuple(operation.idempotent_members)
        is_valid = self._validity.compile(shape)
        if is_valid is None and not tokens:
            return _as_is

        def complete(parameters: dict[str, Any]) -> dict[str, Any]:
            for token in tokens:
                if token not in parameters:
                    parameters[token] = str(uuid4())
            if is_valid is not None and not is_valid(parameters):
                violations = find_violations(shape, parameters, self._display)
                raise refusal(self.model.service_name, self.protocol, violations)
            return parameters

        return complete


def _as_is(parameters: dict[str, Any]) -> dict[str, Any]:
    return parameters


def fault(error: AwsError) -> str:
    """``Sender`` or ``Receiver``: whose fault the query protocol says an error is."""
    return "Sender" if error.sender_fault else "Receiver"


def message_name(shape: StructureShape | None, default: str = "message") -> str:
    """How an error shape spells its message: ``message`` or ``Message``."""
    if shape is not None:
        for name in shape.members:
            if name.lower() == "message":
                return str(shape.members[name].serialization.get("name", name))
    return default


def error_members(error: AwsError, shape: StructureShape | None) -> dict[str, Any]:
    """The members of an error besides its message."""
    if shape is None:
        return {}
    return {
        name: error.members[name]
        for name in shape.members
        if name.lower() != "message" and error.members.get(name) is not None
    }
