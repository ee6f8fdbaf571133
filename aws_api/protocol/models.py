"""botocore's service models, loaded on first use and kept: the only description of the wire.

A model costs 2 to 120 ms to load, so nothing is loaded before a request or an operation names its service.
"""

import threading
from functools import cache
from typing import cast

from botocore.loaders import Loader, create_loader
from botocore.model import OperationModel, ServiceModel

#: Services whose validation errors carry a code that the model does not tell; see ``validation_error_code``.
VALIDATION_ERROR = {
    "apigateway": "BadRequestException",
    "ec2": "InvalidParameterValue",
    "ecr": "InvalidParameterException",
    "ecs": "InvalidParameterException",
    "lambda": "InvalidParameterValueException",
    "logs": "InvalidParameterException",
    "s3": "InvalidArgument",
    "sns": "InvalidParameter",
    "sqs": "InvalidParameterValue",
}

#: Services whose ``__type`` is a full Smithy shape id; the others answer the plain name.
NAMESPACES = {
    "dynamodb": "com.amazonaws.dynamodb.v20120810",
    "dynamodbstreams": "com.amazonaws.dynamodb.v20120810",
    "sqs": "com.amazonaws.sqs",
}

_lock = threading.RLock()
_models: dict[str, ServiceModel] = {}


@cache
def _loader() -> Loader:
    return create_loader()


@cache
def service_names() -> tuple[str, ...]:
    """botocore's names of every service it has a model of, sorted."""
    return tuple(_loader().list_available_services("service-2"))


def service_model(name: str) -> ServiceModel:
    """The model of a service by botocore's name; ``KeyError`` when there is none."""
    model = _models.get(name)
    if model is None:
        with _lock:
            model = _models.get(name)
            if model is None:
                if name not in service_names():
                    raise KeyError(name)
                model = ServiceModel(_loader().load_service_model(name, "service-2"), name)
                _models[name] = model
    return model


def is_loaded(name: str) -> bool:
    """Whether a service's model is in memory, so that using it costs nothing."""
    return name in _models


def operation_names(service: str) -> tuple[str, ...]:
    """Every operation that AWS has in a service."""
    return tuple(service_model(service).operation_names)


def has_operation(service: str, operation: str) -> bool:
    """Whether AWS has this operation, whether or not we do."""
    return operation in _operation_set(service)


@cache
def _operation_set(service: str) -> frozenset[str]:
    return frozenset(service_model(service).operation_names)


def operation_model(service: str, operation: str) -> OperationModel:
    """The model of one operation; ``KeyError`` when AWS has none of that name."""
    if not has_operation(service, operation):
        raise KeyError(f"{service}:{operation}")
    with _lock:
        return service_model(service).operation_model(operation)


def protocol_of(service: str) -> str:
    """The protocol that today's SDKs speak with the service."""
    return cast(str, service_model(service).metadata["protocol"])


def declared_fault(service: str, shape: str) -> bool:
    """Whether an error shape is the service's own fault; botocore's shapes keep this to themselves."""
    declared = _loader().load_service_model(service, "service-2")["shapes"][shape]
    is_fault: bool = declared.get("fault", not declared.get("error", {}).get("senderFault", True))
    return is_fault or int(declared.get("error", {}).get("httpStatusCode", 400)) >= 500


def validation_error_code(service: str) -> str:
    """The code by which the service refuses a value that breaks its model."""
    code = VALIDATION_ERROR.get(service)
    if code is None:
        code = "ValidationError" if protocol_of(service) == "query" else "ValidationException"
    return code
