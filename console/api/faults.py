"""Faults, ``/_simfra/faults``: rules that make an account's AWS calls and tasks fail, until they expire or are removed.

``POST {scope, effect, probability?, times?, expiresIn_s?}`` answers a fault; it is in force everywhere when the answer
comes. ``?accountId=`` narrows what is listed, shown and removed to one account.
"""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.urls import path
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from aws_api.core.clock import SYSTEM_CLOCK
from aws_api.core.faults import (
    CALL_EFFECTS,
    DEFAULT_LIFETIME_S,
    MAX_LIFETIME_S,
    EffectType,
    TooManyFaults,
    in_force,
    make_fault,
    remove_faults,
)
from aws_api.core.models import Fault
from aws_api.services.ec2.zones import zones_of
from console.api.accounts import find_account
from console.api.paging import PAGE_PARAMETERS, page
from console.api.scoped import REGION, AccountIdField, Scoped

MAX_NAME = 2048
MAX_LATENCY_MS = 300_000
MAX_TIMEOUT_S = 900
MAX_WITHIN_S = 86_400
MAX_PULL_DELAY_S = 600
MAX_TIMES = 1_000_000

Values = dict[str, Any]

_OF_CALLS = frozenset({"service", "operation", "resource"})
_OF_TASKS = frozenset({"cluster", "service", "task", "container"})
_SLOW = frozenset({"latency_ms", "jitter_ms"})
#: What may be said besides the type, and what the scope may name besides account and region.
_MEMBERS: Mapping[EffectType, tuple[frozenset[str], frozenset[str]]] = {
    EffectType.ERROR: (_SLOW | {"code", "status", "message"}, _OF_CALLS),
    EffectType.THROTTLE: (_SLOW, _OF_CALLS),
    EffectType.TIMEOUT: (frozenset({"timeout_s"}), _OF_CALLS),
    EffectType.LATENCY: (_SLOW, _OF_CALLS),
    EffectType.KILL: (frozenset({"within_s"}), _OF_TASKS),
    EffectType.OUT_OF_MEMORY: (frozenset({"within_s"}), _OF_TASKS),
    EffectType.PULL_FAILURE: (frozenset({"reason"}), _OF_TASKS | {"image"}),
    EffectType.PULL_DELAY: (frozenset({"delay_s"}), _OF_TASKS | {"image"}),
    EffectType.UNHEALTHY: (frozenset({"every_s"}), _OF_TASKS),
    EffectType.NETWORK_CUT: (frozenset(), _OF_TASKS - {"container"}),
    EffectType.NETWORK_LATENCY: (_SLOW, _OF_TASKS - {"container"}),
    EffectType.NETWORK_PACKET_LOSS: (frozenset({"loss"}), _OF_TASKS - {"container"}),
    EffectType.SPOT_INTERRUPTION: (frozenset({"within_s"}), _OF_TASKS - {"container"}),
    EffectType.AVAILABILITY_ZONE_LOSS: (frozenset({"zone"}), frozenset({"cluster"})),
    EffectType.CONTAINER_INSTANCE_LOSS: (frozenset(), frozenset({"cluster"})),
}
#: What an effect is nothing without.
_REQUIRED: Mapping[EffectType, str] = {
    EffectType.LATENCY: "latency_ms",
    EffectType.NETWORK_LATENCY: "latency_ms",
    EffectType.NETWORK_PACKET_LOSS: "loss",
    EffectType.PULL_DELAY: "delay_s",
    EffectType.AVAILABILITY_ZONE_LOSS: "zone",
}


class FaultScope(Scoped):
    """What a fault is about; what is not said may be any. Members but the account and the region may have ``*``."""

    region = serializers.RegexField(REGION, required=False, help_text="Any where it is not given.")
    service = serializers.CharField(
        required=False, max_length=MAX_NAME, help_text="Of calls: as boto3 names it, sqs. Of tasks: their ECS service."
    )
    operation = serializers.CharField(required=False, max_length=128, help_text="As AWS names it: SendMessage.")
    resource = serializers.CharField(
        required=False, max_length=MAX_NAME, help_text="What a call names, by its name, its ARN or its URL."
    )
    cluster = serializers.CharField(required=False, max_length=MAX_NAME, help_text="A cluster's name or ARN.")
    task = serializers.CharField(required=False, max_length=MAX_NAME, help_text="A task's id or ARN.")
    container = serializers.CharField(required=False, max_length=255, help_text="A container's name in its task.")
    image = serializers.CharField(required=False, max_length=512, help_text="An image as task definitions name it.")

    def validate(self, attrs: Values) -> Values:
        """The account is the default one where nothing is said, the region any."""
        return {"accountId": super().validate(attrs)["accountId"], **attrs}


class FaultEffect(serializers.Serializer[Any]):
    """What a fault does. Which members go with a type, docs/admin-api.md says."""

    type = serializers.ChoiceField([effect.value for effect in EffectType])
    code = serializers.RegexField(r"^[A-Za-z0-9_.:-]{1,128}$", required=False, help_text="InternalFailure if nothing.")
    status = serializers.IntegerField(required=False, min_value=400, max_value=599)
    message = serializers.CharField(required=False, max_length=1024)
    timeout_s = serializers.FloatField(required=False, min_value=0.1, max_value=MAX_TIMEOUT_S)
    latency_ms = serializers.FloatField(required=False, min_value=0, max_value=MAX_LATENCY_MS)
    jitter_ms = serializers.FloatField(required=False, min_value=0, max_value=MAX_LATENCY_MS)
    within_s = serializers.FloatField(
        required=False, min_value=0, max_value=MAX_WITHIN_S, help_text="At some time of so many seconds; else at once."
    )
    every_s = serializers.FloatField(
        required=False, min_value=1, max_value=3600, help_text="How often it is decided anew whether it is healthy."
    )
    reason = serializers.CharField(required=False, max_length=1024)
    delay_s = serializers.FloatField(required=False, min_value=0, max_value=MAX_PULL_DELAY_S)
    loss = serializers.FloatField(required=False, min_value=0, max_value=1, help_text="0.1: every tenth packet.")
    zone = serializers.CharField(required=False, max_length=32, help_text="us-east-1a")

    def validate(self, attrs: Values) -> Values:
        """Only what the type knows, and what it needs."""
        effect_type = EffectType(attrs["type"])
        if strangers := attrs.keys() - _MEMBERS[effect_type][0] - {"type"}:
            raise serializers.ValidationError(f"{effect_type} has no {', '.join(sorted(strangers))}.")
        required = _REQUIRED.get(effect_type)
        if required and required not in attrs:
            raise serializers.ValidationError(f"{effect_type} needs {required}.")
        return attrs


class NewFault(serializers.Serializer[Any]):
    """What POST takes."""

    scope = FaultScope(required=False)
    effect = FaultEffect()
    probability = serializers.FloatField(
        default=1, min_value=0, max_value=1, help_text="How likely a call is hit; of tasks, how likely a task."
    )
    times = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=MAX_TIMES)
    expiresIn_s = serializers.FloatField(default=DEFAULT_LIFETIME_S, min_value=0.1, max_value=MAX_LIFETIME_S)

    def validate(self, attrs: Values) -> Values:
        """The scope names what the effect is about."""
        scope = attrs.get("scope") or FaultScope().validate({})
        effect_type = EffectType(attrs["effect"]["type"])
        if strangers := scope.keys() - _MEMBERS[effect_type][1] - {"accountId", "region"}:
            raise serializers.ValidationError(
                {"scope": f"{effect_type} is not about a certain {', '.join(sorted(strangers))}."}
            )
        zone = attrs["effect"].get("zone", "")
        if zone and zone not in {known.name for known in zones_of(zone[:-1])}:
            raise serializers.ValidationError({"effect": f"There is no zone {zone}."})
        return {**attrs, "scope": scope}


class FaultShape(serializers.Serializer[Any]):
    """A fault, with how often something matched it and how often it hit."""

    id = serializers.CharField()
    scope = FaultScope()
    effect = FaultEffect()
    probability = serializers.FloatField()
    times = serializers.IntegerField(allow_null=True)
    seen = serializers.IntegerField()
    hits = serializers.IntegerField()
    problem = serializers.CharField(allow_blank=True, help_text="What kept it from doing what it says.")
    createdAt = serializers.DateTimeField()
    expiresAt = serializers.DateTimeField()


class RemovedFaults(serializers.Serializer[Any]):
    """How many faults were removed."""

    removed = serializers.IntegerField()


class FaultQuery(serializers.Serializer[Any]):
    """Whose faults; everybody's where nothing is said."""

    accountId = AccountIdField(required=False)


_ACCOUNT = OpenApiParameter("accountId", str, description="Faults of this account alone.")


class FaultsView(APIView):
    """The faults in force, and new ones."""

    @extend_schema(operation_id="list_faults", parameters=[_ACCOUNT, *PAGE_PARAMETERS], responses=FaultShape(many=True))
    def get(self, request: Request) -> Response:
        return page(request, _asked(request).order_by("pk"), describe)

    @extend_schema(
        operation_id="create_fault",
        request=NewFault,
        responses={201: FaultShape},
        examples=[
            OpenApiExample(
                "throttle once",
                value={
                    "scope": {"service": "sqs", "operation": "SendMessage"},
                    "effect": {"type": "throttle"},
                    "times": 1,
                },
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        asked = NewFault(data=request.data)
        asked.is_valid(raise_exception=True)
        return Response(describe(create(asked.validated_data)), status=201)

    @extend_schema(operation_id="delete_faults", parameters=[_ACCOUNT], responses={200: RemovedFaults})
    def delete(self, request: Request) -> Response:
        return Response({"removed": remove_faults(_asked(request))})


class FaultView(APIView):
    """One fault."""

    @extend_schema(operation_id="get_fault", parameters=[_ACCOUNT], responses=FaultShape)
    def get(self, request: Request, fault_id: str) -> Response:
        return Response(describe(_found(request, fault_id).get()))

    @extend_schema(operation_id="delete_fault", parameters=[_ACCOUNT], responses={204: None})
    def delete(self, request: Request, fault_id: str) -> Response:
        remove_faults(_found(request, fault_id))
        return Response(status=204)


def create(asked: Values) -> Fault:
    """Make what a valid NewFault asks for. Raises NotFound where there is no such account, ValidationError for more
    faults than an account may have."""
    scope, effect = dict(asked["scope"]), dict(asked["effect"])
    account_id, region = find_account(scope.pop("accountId")).account_id, scope.pop("region", "")
    try:
        return make_fault(
            account_id=account_id,
            region=region,
            effect_type=EffectType(effect.pop("type")),
            scope=scope,
            effect=effect,
            probability=asked["probability"],
            times=asked.get("times"),
            lifetime_s=asked["expiresIn_s"],
        )
    except TooManyFaults as problem:
        raise ValidationError(str(problem)) from problem


def describe(row: Fault) -> Values:
    """A fault as the API shows it."""
    region = {"region": row.region} if row.region else {}
    return {
        "id": row.fault_id,
        "scope": {"accountId": row.account_id, **region, **row.scope},
        "effect": {"type": row.effect_type, **row.effect},
        "probability": row.probability,
        "times": row.times,
        "seen": row.seen,
        "hits": row.hits,
        "problem": row.last_failure,
        "createdAt": row.created_at,
        "expiresAt": row.expires_at,
    }


def is_of_calls(row: Fault) -> bool:
    """Whether a fault hits AWS calls, and not tasks."""
    return row.effect_type in CALL_EFFECTS


def _asked(request: Request) -> "QuerySet[Fault]":
    asked = FaultQuery(data=request.query_params)
    asked.is_valid(raise_exception=True)
    rows = in_force(SYSTEM_CLOCK.now())
    account_id = asked.validated_data.get("accountId")
    return rows.filter(account_id=account_id) if account_id else rows


def _found(request: Request, fault_id: str) -> "QuerySet[Fault]":
    rows = _asked(request).filter(fault_id=fault_id)
    if not rows.exists():
        raise NotFound(f"There is no fault {fault_id}.")
    return rows


urlpatterns = [
    path("_simfra/faults", FaultsView.as_view()),
    path("_simfra/faults/<str:fault_id>", FaultView.as_view()),
]
