"""The registry of emulated AWS services: a folder below aws_api/services is one, found by being there.

A service folder's ``service.py`` makes one :class:`AwsService`; its operations modules put functions into it::

    sqs = AwsService("sqs", description="Simple Queue Service")

    @sqs.operation
    async def send_message(context: Context, request: SendMessageRequest) -> SendMessageResult: ...

The function's name is the operation's name as boto3 spells it. ``manage.py check`` proves each against botocore.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module, util
from pathlib import Path
from typing import Any, TypeVar, overload

from botocore import xform_name
from django.apps import AppConfig

from aws_api.core.context import Context

_SERVICES_DIR = Path(__file__).resolve().parent.parent / "services"
_registry: dict[str, "AwsService"] = {}

#: A plain ASGI callable: what a data plane is.
AsgiApplication = Callable[[Any, Any, Any], Awaitable[None]]
#: A permission that a call needs: the IAM action, the resource's ARN, and the condition keys that the service adds.
Access = tuple[str, str] | tuple[str, str, Mapping[str, str | Sequence[str]]]
#: Which permissions a call needs; async where a name must be looked up to know the ARN.
AccessRule = Callable[[Context, Mapping[str, Any]], Iterable[Access] | Awaitable[Iterable[Access]]]
#: The same for every operation of a service that has no rule of its own; told the action as well.
ServiceAccessRule = Callable[[Context, str, Mapping[str, Any]], Iterable[Access] | Awaitable[Iterable[Access]]]
#: The account whose resource a call names, told the action: the caller's own, or another that may share it.
OwnerRule = Callable[[Context, str, Mapping[str, Any]], str]

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, kw_only=True)
class Operation:
    """An implemented operation. ``function(context, request) -> response``, plain or async.

    Plain functions run in a thread inside one database transaction; async ones on the event loop, on their own
    statements (a service's ``store.py``). ``access`` names the permissions the call needs, where they are not those
    that its service's rule names. ``action`` is IAM's word for the operation (``sqs:SendMessage``). ``is_unsigned``
    operations are called before the caller has credentials.
    """

    service: str
    name: str
    function: Callable[[Context, Any], Any]
    is_async: bool
    access: AccessRule | None = None
    action: str = ""
    is_unsigned: bool = False


@dataclass(frozen=True, kw_only=True)
class DataPlane:
    """Plain HTTP of a service that is not an AWS API, or its websockets, by path prefix and, where given, Host."""

    prefix: str
    host: str | None
    application: AsgiApplication
    is_websocket: bool = False


@dataclass
class AwsService:
    """One AWS service as emulated. ``name`` is botocore's (``elbv2``, ``application-autoscaling``).

    ``signing_name`` is what clients put into the credential scope, ``api_version`` the ``Version`` of the query
    protocol; both are given only where another service shares the signing name or it differs from the name.
    ``iam_prefix`` begins the names of IAM actions, where it is not the signing name.
    ``is_global`` services keep their rows under the region ``aws-global``.
    """

    name: str
    description: str = ""
    signing_name: str = ""
    api_version: str = ""
    is_global: bool = False
    iam_prefix: str = ""
    operations: dict[str, Operation] = field(default_factory=dict)
    data_planes: list[DataPlane] = field(default_factory=list)
    _access: ServiceAccessRule | None = None
    _owner: OwnerRule | None = None
    _found: dict[str, Operation] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.signing_name = self.signing_name or self.name
        self.iam_prefix = self.iam_prefix or self.signing_name
        assert self.name not in _registry, f"{self.name} is registered twice"
        _registry[self.name] = self

    @overload
    def operation(self, function: F) -> F: ...
    @overload
    def operation(self, *, access: AccessRule | None = None, is_unsigned: bool = False) -> Callable[[F], F]: ...
    def operation(
        self, function: F | None = None, *, access: AccessRule | None = None, is_unsigned: bool = False
    ) -> F | Callable[[F], F]:
        """Register a function as the operation of its name."""

        def register(function: F) -> F:
            name = function.__name__
            assert name not in self.operations, f"{self.name}.{name} is registered twice"
            self.operations[name] = Operation(
                service=self.name,
                name=name,
                function=function,
                is_async=inspect.iscoroutinefunction(function),
                access=access,
                is_unsigned=is_unsigned,
            )
            return function

        return register(function) if function is not None else register

    def access(self, rule: ServiceAccessRule) -> ServiceAccessRule:
        """Register the rule that names the permissions of operations without one of their own (``access_rules.py``)."""
        self._access = rule
        return rule

    async def needed_access(
        self, operation: Operation, context: Context, request: Mapping[str, Any]
    ) -> Iterable[Access]:
        """The permissions that a call needs: ``prefix:Operation`` on ``*`` where nobody says otherwise."""
        if operation.access is not None:
            needed = operation.access(context, request)
        elif self._access is not None:
            needed = self._access(context, operation.action, request)
        else:
            return ((operation.action, "*"),)
        return await needed if isinstance(needed, Awaitable) else needed

    def owner(self, rule: OwnerRule) -> OwnerRule:
        """Register the rule that tells whose resource a call names (``access_rules.py``).

        A call that names another account's is judged by both sides' policies and, where they agree, done there. A
        service without a rule shares nothing.
        """
        self._owner = rule
        return rule

    def owner_of(self, operation: Operation, context: Context, request: Mapping[str, Any]) -> str:
        """The account whose resource a call names."""
        return self._owner(context, operation.action, request) if self._owner else context.account_id

    def data_plane(
        self, prefix: str, *, host: str | None = None, is_websocket: bool = False
    ) -> Callable[[AsgiApplication], AsgiApplication]:
        """Register an ASGI callable for paths below ``prefix``, for any or one Host: of requests or of websockets."""

        def register(application: AsgiApplication) -> AsgiApplication:
            self.data_planes.append(
                DataPlane(prefix=prefix, host=host, application=application, is_websocket=is_websocket)
            )
            return application

        return register

    def find(self, operation_name: str) -> Operation | None:
        """The operation of an AWS name (``SendMessage``), or None where it is not implemented."""
        found = self._found.get(operation_name)
        if found is None:
            operation = self.operations.get(_python_name(operation_name))
            if operation is None:
                return None
            found = replace(operation, action=f"{self.iam_prefix}:{operation_name}")
            self._found[operation_name] = found
        return found


class ServiceConfig(AppConfig):
    """The Django app of a service folder: imports what registers itself, where the folder has it."""

    # Django takes the one class of an apps module that is a default; this base, imported there, is not.
    default = False

    def __init_subclass__(cls) -> None:
        cls.default = True

    def ready(self) -> None:
        for module in ("operations", "access_rules", "controller", "data_plane", "resources", "ports"):
            if util.find_spec(f"{self.name}.{module}") is not None:
                import_module(f"{self.name}.{module}")


def service_apps() -> list[str]:
    """The dotted names of the service folders, for INSTALLED_APPS."""
    return [f"aws_api.services.{path.parent.name}" for path in sorted(_SERVICES_DIR.glob("*/apps.py"))]


def get_service(name: str) -> AwsService | None:
    """The service of botocore's name, or None where it is not emulated."""
    return _registry.get(name)


def all_services() -> list[AwsService]:
    """Every emulated service, by name."""
    return [_registry[name] for name in sorted(_registry)]


@cache
def _python_name(operation_name: str) -> str:
    name: str = xform_name(operation_name)
    return name
